"""Predicting whole folders: pictures and COCO JSON on disk."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.progress import track

from detectune.errors import DataError
from detectune.files import ensure_writable, write_bytes, write_text
from detectune.inference.predictor import Predictor
from detectune.inference.results import ImageDetections, image_files


@dataclass
class Summary:
    """What `predict_files` did."""

    folder: Path
    images: int = 0
    boxes: int = 0
    json_file: str | None = None
    unreadable: list[str] = field(default_factory=list[str])

    def text(self) -> str:
        """A few lines for people."""
        lines = [f"{self.boxes} boxes in {self.images} images; pictures in {self.folder}"]
        if self.json_file:
            lines.append(f"COCO results in {self.json_file}")
        lines += [f"not read: {reason}" for reason in self.unreadable]
        return "\n".join(lines)


def predict_files(
    model: str,
    paths: list[str],
    out: str,
    *,
    json_file: str | None = None,
    threshold: float = 0.5,
    checkpoint: str | None = None,
) -> Summary:
    """Detect in all images that `paths` name, and write a picture of each below `out`.

    An image that cannot be read is listed in the summary; the others are done all the same.

    Raises:
        DataError: a path is missing, or not one image could be read.
        WriteError: `out` or `json_file` cannot be written.
    """
    files = image_files(paths)
    if json_file:
        ensure_writable(json_file)
    predictor = Predictor.load(model, checkpoint)
    summary = Summary(Path(out), json_file=json_file)
    rows: list[dict[str, Any]] = []
    for image_id, (file, name) in enumerate(track(files, "predicting", transient=True), 1):
        try:
            detections = predictor.predict(file).above(threshold)
        except DataError as error:
            summary.unreadable.append(str(error))
            continue
        summary.images += 1
        summary.boxes += len(detections)
        rows += [{**row, "file_name": name} for row in detections.to_coco(image_id)]
        _write_picture(detections, Path(out) / name, threshold)
    if not summary.images:
        raise DataError("\n".join(summary.unreadable))
    if json_file:
        write_text(json_file, json.dumps(rows, indent=1) + "\n")
    return summary


def _write_picture(detections: ImageDetections, path: Path, threshold: float) -> None:
    jpeg = path.suffix.lower() in (".jpg", ".jpeg")
    buffer = io.BytesIO()
    detections.draw(threshold).save(buffer, "JPEG" if jpeg else "PNG", quality=92)
    write_bytes(path if jpeg or path.suffix.lower() == ".png" else path.with_suffix(".png"),
                buffer.getvalue())  # fmt: skip
