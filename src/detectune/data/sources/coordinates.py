"""How the files of a format write boxes, and whether those of a data set look otherwise.

One box says little: it may reach out of its image, or be below a pixel. All boxes of a data set
together show that fractions were written where pixels belong, or corners where sizes do.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from detectune.data.defects import CORNERS, FRACTIONS, PIXELS, SIZES, Defect
from detectune.data.sources.record import Record

Unit = Literal["pixels", "fractions"]
Layout = Literal["two corners", "corner and size", "centre and size"]

# A box that is less than this many pixels from the corner, in every image, is no box in pixels.
_MOST_FRACTION = 1.5
# Boxes reach out of images by some pixels; half of them beyond twice the image are in other units.
_MOST_OUTSIDE = 2.0
# What is read with the wrong layout fits the other one without exception, and breaks its own
# often. Of fewer boxes that may be chance.
_LEAST_BOXES = 3
_ODD_SHARE = 0.4
_SLACK = 0.02  # of the image


class Coordinates(NamedTuple):
    """What the four numbers of a box mean in the files of a format."""

    unit: Unit = "pixels"
    layout: Layout = "two corners"


class CoordinateCheck:
    """Finds out whether the boxes of a source are written as its format has them."""

    def __init__(self, coordinates: Coordinates) -> None:
        self._coordinates = coordinates
        self._boxes: list[np.ndarray] = []
        self._pixels = 0.0
        self._first = ""

    def add(self, record: Record) -> None:
        """The boxes of one image, not repaired."""
        boxes = record.boxes[np.isfinite(record.boxes).all(axis=1)].astype(np.float64)
        if not len(boxes):
            return
        self._first = self._first or record.file_name
        self._boxes.append(boxes)
        sides = np.array([record.height, record.width] * 2)
        self._pixels = max(self._pixels, float((np.abs(boxes) * sides).max()))

    def defects(self) -> list[Defect]:
        """A defect if the boxes as a whole look like another unit or another layout."""
        if not self._boxes:
            return []
        boxes = np.concatenate(self._boxes)
        kind, detail = self._unit_problem(boxes) or self._layout_problem(boxes) or ("", "")
        more = len(self._boxes) - 1
        where = f"{self._first} and {more:,} more" if more else self._first
        return [Defect(kind, where, detail)] if kind else []

    def _unit_problem(self, boxes: np.ndarray) -> tuple[str, str] | None:
        unit = self._coordinates.unit
        if unit == "pixels" and self._pixels <= _MOST_FRACTION:
            return FRACTIONS, (
                f"no coordinate is larger than {self._pixels:.3g}: they look like fractions of "
                "the image, where pixels are expected"
            )
        reach = np.abs(boxes).max(axis=1)
        middle = float(np.median(reach))
        if unit == "fractions" and middle > _MOST_OUTSIDE:
            return PIXELS, (
                f"coordinates up to {reach.max():.6g}, half of them above {middle:.6g}: they look "
                "like pixels, where fractions of the image, 0 to 1, are expected"
            )
        return None

    def _layout_problem(self, boxes: np.ndarray) -> tuple[str, str] | None:
        if len(boxes) < _LEAST_BOXES:
            return None
        low, high = boxes[:, :2], boxes[:, 2:]
        if self._coordinates.layout == "two corners":
            odd = np.any(high < low, axis=1)
            if _often(odd) and _all_inside(low, low + high):
                return SIZES, (
                    f"in {odd.sum():,} of {len(odd):,} boxes the second corner lies before the "
                    "first: they look like x, y, width, height, where two corners are expected"
                )
            return None
        corner = low if self._coordinates.layout == "corner and size" else (low + high) / 2
        odd = np.any((boxes > 1 + _SLACK) | (boxes < -_SLACK), axis=1)
        if _often(odd) and _all_inside(corner, high - low):
            return CORNERS, (
                f"{odd.sum():,} of {len(odd):,} boxes reach out of their image, and each is wider "
                f"and higher than its first two numbers: they look like two corners, where "
                f"{self._coordinates.layout} are expected"
            )
        return None


def _often(odd: np.ndarray) -> bool:
    return bool(odd.mean() >= _ODD_SHARE)


def _all_inside(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether boxes with these corners `[N, 2]`, fractions, all have an area inside the image."""
    inside = (first >= -_SLACK) & (second <= 1 + _SLACK) & (second > first)
    return bool(inside.all())
