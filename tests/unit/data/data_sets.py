"""Small data sets written to a folder, with every defect that a test wants."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from detectune.config.label_map import LabelMap
from detectune.data.sources.base import Source
from detectune.data.sources.record import Record, make_record

HEADER = "filename,width,height,class,xmin,ymin,xmax,ymax\n"
ORIENTATION = 274


def picture(
    width: int = 60,
    height: int = 40,
    kind: str = "PNG",
    mode: str = "RGB",
    orientation: int = 1,
    box: tuple[int, int, int, int] | None = None,
    shade: int = 40,
) -> bytes:
    """An image of one shade, with a bright red rectangle where `box` (yxyx) is."""
    pixels = np.full((height, width, 3), shade, np.uint8)
    if box:
        pixels[box[0] : box[2], box[1] : box[3]] = (250, 0, 0)
    image = Image.fromarray(pixels).convert(mode)
    exif = Image.Exif()
    if orientation != 1:
        exif[ORIENTATION] = orientation
    buffer = io.BytesIO()
    image.save(buffer, kind, **({"exif": exif} if orientation != 1 else {}))
    return buffer.getvalue()


def write_csv(
    folder: Path, lines: list[str], images: dict[str, bytes], header: str = HEADER
) -> Path:
    """labels.csv and the images beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in images.items():
        (folder / name).write_bytes(data)
    file = folder / "labels.csv"
    file.write_text(header + "".join(f"{line}\n" for line in lines))
    return file


def voc_xml(name: str, boxes: list[tuple[str, int, int, int, int]], size=(60, 40)) -> str:
    """A VOC annotation; boxes are (class, xmin, ymin, xmax, ymax)."""
    objects = "".join(
        f"<object><name>{c}</name><bndbox><xmin>{x0}</xmin><ymin>{y0}</ymin>"
        f"<xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>"
        for c, x0, y0, x1, y1 in boxes
    )
    return (
        f"<annotation><filename>{name}</filename><size><width>{size[0]}</width>"
        f"<height>{size[1]}</height></size>{objects}</annotation>"
    )


def write_voc(folder: Path) -> Path:
    """Three images: two cats and a dog, one dog, nothing."""
    (folder / "Annotations").mkdir(parents=True)
    (folder / "JPEGImages").mkdir()
    annotations = {
        "a": [("cat", 6, 4, 30, 20), ("cat", 0, 0, 60, 40), ("dog", 12, 8, 18, 12)],
        "b": [("dog", 15, 10, 45, 30)],
        "c": [],
    }
    for shade, (stem, boxes) in enumerate(annotations.items(), start=40):
        (folder / "Annotations" / f"{stem}.xml").write_text(voc_xml(f"{stem}.jpg", boxes))
        (folder / "JPEGImages" / f"{stem}.jpg").write_bytes(picture(kind="JPEG", shade=shade))
    return folder


def write_coco(folder: Path, content: dict, images: dict[str, bytes]) -> Path:
    """annotations.json and images/."""
    (folder / "images").mkdir(parents=True)
    for name, data in images.items():
        (folder / "images" / name).write_bytes(data)
    file = folder / "annotations.json"
    file.write_text(json.dumps(content))
    return file


class ListSource(Source):
    """Records held in memory."""

    def __init__(self, records: list[Record], names: tuple[str, ...] = ("cat", "dog")) -> None:
        super().__init__("memory", LabelMap.from_names(names))
        self.records = records

    def __len__(self) -> int:
        return len(self.records)

    def annotation(self, index: int) -> Record:
        return self.records[index]._replace(image=b"")

    def image_bytes(self, index: int) -> bytes:
        return self.records[index].image


def record(name: str = "a.png", boxes=((0.1, 0.1, 0.5, 0.5),), ids=(1,), **more) -> Record:
    """A record of `picture()`, unless `more` says otherwise."""
    given = {"image": picture(), "height": 40, "width": 60, **more}
    return make_record(file_name=name, boxes=boxes, class_ids=ids, **given)


def files_in(folder: Path) -> set[str]:
    """All files and folders below `folder`, hidden ones too."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}
