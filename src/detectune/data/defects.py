"""Kinds of defects in a data set, and what happens to each.

A reader goes on after a defect: `Source.defects` has those found while opening, `AnnotationError`
those of one image. `data inspect` lists all of them; training refuses to start with those in
`REFUSED`.
"""

from __future__ import annotations

import shlex
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from detectune.data.sources.record import Record
from detectune.errors import DataError, three_part
from detectune.wording import first_lines, plural

UNREADABLE, TRUNCATED = "unreadable image", "truncated image"
WRONG = "wrong annotation"
FRACTIONS, PIXELS = "fractions instead of pixels", "pixels instead of fractions"
CORNERS, SIZES = "corners instead of sizes", "sizes instead of corners"
MISREAD = frozenset({FRACTIONS, PIXELS, CORNERS, SIZES})
"""All boxes of the data set would be wrong."""
WHOLE = "class of the whole image"
"""The images have classes and no boxes, see `sources.class_folders`."""
WEIGHT, AREA = "weight that is no weight", "area that is no area"
SEVERAL, SHARED = "several images of one name", "one image, several annotations"
SIMILAR, UNUSED = "class names alike", "unused file"
NOT_READ, OUTLINE = "not read", "outline read as a box"
MERGED, MISCOUNTED = "classes of equal name", "number of classes"
ASSUMED = "layout assumed"
DARK, SMALL_BOX, NOT_FINITE = "dark image", "box below one pixel", "box with NaN"

_STOPS = "training refuses to start; convert leaves the image out and says so"
_LEFT_OUT = (
    "left out of training, evaluation and conversion; the first two refuse more than half of all"
)

# Kind of defect → what happens to it, the most serious first.
CONSEQUENCES = {
    UNREADABLE: _LEFT_OUT,
    TRUNCATED: _LEFT_OUT,
    WRONG: _STOPS,
    FRACTIONS: "training refuses to start",
    PIXELS: "training refuses to start",
    CORNERS: "training refuses to start",
    SIZES: "training refuses to start",
    WEIGHT: "training refuses to start",
    WHOLE: "training of a detector refuses to start; classifiers on features use it",
    SHARED: "both are used: check that the annotations belong to this image",
    SEVERAL: "the first that is named is used: check that it is the right one",
    ASSUMED: "read that way: check the drawn samples",
    MERGED: "used as one class",
    MISCOUNTED: "the names that are listed are used",
    SIMILAR: "used as different classes: rename one of them if they are the same",
    "mislabelled image": "read by its content; nothing is lost",
    DARK: "read by its upper 8 bits: write it again with the full range",
    "EXIF rotation, applied": "turned when read, because it was annotated turned",
    "EXIF rotation, ignored": "read as stored: check that its boxes fit",
    "colour mode": "read as 8-bit RGB",
    "size differs from annotation": "boxes are scaled by the annotated size: check that they fit",
    "box outside the image": "clipped to the image",
    "box without area": "left out",
    "inverted box": "left out",
    NOT_FINITE: "left out",
    SMALL_BOX: "used as it is; a detector cannot find it",
    AREA: "the area of the box is used",
    "duplicate box": "both are used",
    "mask cannot be used": "training with masks refuses to start; boxes alone are not concerned",
    "empty mask": "used: it teaches that nothing in the box belongs to the object",
    "mask leaves the image": "cut off at the border",
    OUTLINE: "its bounding box is used",
    NOT_READ: "left out; boxes and classes are read",
    "duplicate image": "both are used; keep them in one part of a split",
    UNUSED: "not used",
}
REFUSED = frozenset({WRONG, WEIGHT, WHOLE}) | MISREAD


class Defect(NamedTuple):
    """One thing that is wrong, and where."""

    kind: str
    """A key of `CONSEQUENCES`."""
    file: str
    detail: str

    @property
    def consequence(self) -> str:
        """What will happen to it."""
        return CONSEQUENCES[self.kind]


class AnnotationError(DataError):
    """Something in the annotation of one image cannot be used.

    Args:
        causes: every error found in it.
        record: the rest of the annotation, with an empty `image`; None if nothing could be read.
    """

    def __init__(self, causes: Sequence[DataError], record: Record | None = None) -> None:
        self.causes, self.record = tuple(causes), record
        found, _, rest = str(causes[0]).partition("\n")
        more = f" (and {len(causes) - 1} more in this annotation)" if len(causes) > 1 else ""
        super().__init__(f"{found}{more}\n{rest}")


class ImageError(DataError):
    """The file of an image cannot be read; its annotation may be right.

    Args:
        file_name: what records call the image.
        reason: why it cannot be read.
    """

    def __init__(self, message: str, file_name: str, reason: str) -> None:
        super().__init__(message)
        self.file_name, self.reason = file_name, reason


class Problems:
    """The errors of parts of a file, kept so that the other parts are read."""

    def __init__(self) -> None:
        self.errors: list[DataError] = []

    @contextmanager
    def kept(self) -> Generator[None]:
        """A `DataError` ends the block and is kept."""
        try:
            yield
        except AnnotationError as error:
            self.errors += error.causes
        except DataError as error:
            self.errors.append(error)


def wrong_annotations(errors: Iterable[DataError]) -> list[Defect]:
    """A defect for each error, whose message begins with its place: what was found, and what is
    allowed."""
    found: list[Defect] = []
    for error in errors:
        first, allowed, *_ = [*str(error).split("\n"), ""]
        place, _, detail = first.partition(": ")
        found.append(Defect(WRONG, place, f"{detail or place} {allowed}".strip()))
    return found


def refused_defects(name: str, defects: Sequence[Defect], images: int) -> DataError:
    """The error that lists the `defects` for which the data set `name` of `images` is refused."""
    if any(defect.kind == WHOLE for defect in defects):
        return _without_boxes(name)
    shown = first_lines([f"{d.file}: {d.kind}: {d.detail}" for d in defects], 20)
    leave_out = ""
    some_are_right = len({defect.file for defect in defects}) < images
    # A conversion refuses what is misread, too.
    if some_are_right and not MISREAD & {defect.kind for defect in defects}:
        copy = f"`detectune data convert {shlex.quote(name)} DEST --to coco`"
        leave_out = f" {copy} writes the images whose annotation is right."
    return DataError(
        three_part(
            f"{name}: training and evaluation are ruled out by "
            f"{plural(len(defects), 'defect')}:\n{shown}",
            "Every annotation must be readable, with coordinates as its format has them.",
            f"Correct or remove them; `detectune data inspect {shlex.quote(name)}` lists all that "
            f"is wrong.{leave_out}",
        )
    )


def _without_boxes(name: str) -> DataError:
    return DataError(
        three_part(
            f"{name}: its images have classes, from the names of their folders, and no boxes.",
            "A detector learns and is measured by boxes around objects.",
            f"`detectune features extract {shlex.quote(name)} --network MobileNetV2 -o "
            "FEATURES.npz` begins a classifier of whole images; for a detector, draw boxes with a "
            "labelling tool.",
        )
    )
