"""Scenes on disk: a folder of JPEG pictures and a CSV of boxes, which `data` reads as any other."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from detectune.config.label_map import LabelMap, write_label_map
from detectune.demo.scenes import Scene, draw_scenes
from detectune.demo.symbols import Task
from detectune.files import write_bytes, write_text

HEADER = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")
_JPEG_QUALITY = 92


def write_scenes(
    folder: Path,
    count: int,
    seed: int,
    task: Task,
    *,
    on_scene: Callable[[int], None] | None = None,
) -> str:
    """Draws `count` scenes into `folder` and gives the source that names them.

    `folder` holds `images/`, `labels.csv` and `label_map.pbtxt` afterwards. Ids of the label map
    follow the order of `task.class_names`.

    Args:
        on_scene: called with the number of scenes that are ready.
    """
    lines: list[tuple] = []
    for number, scene in enumerate(draw_scenes(task, count, seed), start=1):
        name = f"{number:05d}.jpg"
        write_bytes(folder / "images" / name, _jpeg(scene))
        lines += _lines(name, scene, task)
        if on_scene:
            on_scene(number)
    table = io.StringIO(newline="")
    csv.writer(table, lineterminator="\n").writerows([HEADER, *lines])
    write_text(folder / "labels.csv", table.getvalue())
    write_label_map(LabelMap.from_names(task.class_names), folder / "label_map.pbtxt")
    return f"csv:{folder / 'labels.csv'}"


def _lines(name: str, scene: Scene, task: Task) -> list[tuple]:
    height, width = scene.image.shape[:2]
    return [
        (name, width, height, task.class_names[class_index], x_min, y_min, x_max, y_max)
        for (y_min, x_min, y_max, x_max), class_index in zip(
            scene.boxes.astype(int).tolist(), scene.classes, strict=True
        )
    ]


def _jpeg(scene: Scene) -> bytes:
    file = io.BytesIO()
    Image.fromarray(scene.image).save(file, "JPEG", quality=_JPEG_QUALITY)
    return file.getvalue()
