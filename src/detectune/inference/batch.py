"""Predicting whole folders: pictures and COCO JSON on disk."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detectune.errors import DataError, DetectuneError, WriteError
from detectune.files import ensure_folder, ensure_writable, write_bytes, write_text
from detectune.inference.image_paths import NamedImage, named_images
from detectune.inference.predictor import Predictor
from detectune.inference.results import ImageDetections
from detectune.terminal import tracked
from detectune.wording import one_line, plural

if TYPE_CHECKING:
    from PIL.Image import Image


_LONGEST_JPEG = 65_500


@dataclass
class Summary:
    """What `predict_files` did."""

    folder: Path
    images: int = 0
    """How many were looked at."""
    boxes: int = 0
    json_file: str | None = None
    unreadable: list[str] = field(default_factory=list[str])
    """What is wrong with each image that was not looked at; it begins with its path."""
    unwritten: list[str] = field(default_factory=list[str])
    """What is wrong with each picture that could not be written."""
    defect: Exception | None = None
    """The first error that nobody expected; its image stands in `unreadable`."""

    @property
    def complete(self) -> bool:
        """Whether every image was looked at and every picture written."""
        return not (self.unreadable or self.unwritten)

    def text(self) -> str:
        """A few lines for people."""
        lines = [
            f"{plural(self.boxes, 'box')} in {plural(self.images, 'image')}; "
            f"pictures in {one_line(self.folder)}"
        ]
        if self.json_file:
            lines.append(f"COCO results in {one_line(self.json_file)}")
        lines += [f"not read: {reason}" for reason in self.unreadable]
        lines += [f"no picture: {reason}" for reason in self.unwritten]
        return "\n".join(lines)


def predict_files(
    model: str | Predictor,
    paths: list[str],
    out: str,
    *,
    json_file: str | None = None,
    threshold: float = 0.5,
    checkpoint: str | None = None,
) -> Summary:
    """Detect in all images that `paths` name, and write a picture of each below `out`.

    Whatever is wrong with an image, the others are done all the same, and `json_file` holds what
    was found in them; the summary names it.

    Args:
        model: what `Predictor.load` takes, or a predictor.
        json_file: for COCO results of the boxes that reach `threshold`.

    Raises:
        ConfigError: a picture would take the place of an image.
        DataError: a path is missing, or not one image could be read.
        WriteError: `out` or `json_file` cannot be written.
    """
    named = named_images(paths, out)
    ensure_folder(out)
    if json_file:
        ensure_writable(json_file)
    predictor = model if isinstance(model, Predictor) else Predictor.load(model, checkpoint)
    summary = Summary(Path(out), json_file=json_file, unreadable=list(named.problems))
    rows: list[dict[str, Any]] = []
    errors: list[DetectuneError] = []
    for image_id, image in enumerate(tracked(named.images, "predicting"), 1):
        detections = _detections(predictor, image, threshold, summary)
        if detections is None:
            continue
        summary.images += 1
        summary.boxes += len(detections)
        rows += [{**row, "file_name": image.name} for row in detections.to_coco(image_id)]
        error = _write_picture(detections, image, threshold, summary)
        errors += [error] if error else []
    if not summary.images:
        raise summary.defect or DataError("\n".join(summary.unreadable))
    if json_file:
        write_text(json_file, json.dumps(rows, indent=1) + "\n")
    if len(errors) == summary.images:
        raise errors[0]  # not one picture: it is the disk, not a name
    return summary


def _detections(
    predictor: Predictor, image: NamedImage, threshold: float, summary: Summary
) -> ImageDetections | None:
    """What is in `image`; None if that is not known, which `summary` then says."""
    try:
        return predictor.predict(image.path).above(threshold)
    except DetectuneError as error:
        summary.unreadable.append(str(error))
    except Exception as error:  # of one image: the others are done before anybody hears of it
        summary.unreadable.append(f"{one_line(image.path)}: {type(error).__name__}: {error}")
        summary.defect = summary.defect or error
    return None


def _write_picture(
    detections: ImageDetections, image: NamedImage, threshold: float, summary: Summary
) -> WriteError | None:
    """Write the picture of `image`; what hindered it, which `summary` says, too."""
    try:
        write_bytes(image.picture, _encoded(detections.draw(threshold), image.picture.suffix))
    except WriteError as error:
        summary.unwritten.append(str(error))
        return error
    except Exception as error:  # of one picture: what was found is kept, and so are the others
        summary.unwritten.append(f"{one_line(image.path)}: {type(error).__name__}: {error}")
        summary.defect = summary.defect or error
    return None


def _encoded(picture: Image, suffix: str) -> bytes:
    """`picture` as JPEG or PNG, whichever `suffix` says; JPEG has no longer sides than 65,500."""
    jpeg = suffix.lower() in (".jpg", ".jpeg") and max(picture.size) <= _LONGEST_JPEG
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG" if jpeg else "PNG", quality=92)
    return buffer.getvalue()
