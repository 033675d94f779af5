"""How large the boxes of a data set are, and how wide for their height."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from detectune.data.image_files import read_facts
from detectune.data.sources.base import Source
from detectune.data.sources.record import Record, repair
from detectune.errors import DataError

# Sides of a square of the same area, in pixels; 32 and 96 part COCO's small, medium and large.
_SIDES = (8, 16, 32, 64, 96, 128, 256, 512)
_ASPECTS = (1 / 4, 1 / 2, 2 / 3, 1.0, 3 / 2, 2.0, 4.0)
_ASPECT_NAMES = ("< 1:4", "1:4", "1:2", "2:3", "1:1", "3:2", "2:1", "≥ 4:1")


class BoxShapes(NamedTuple):
    """Boxes in groups, each with a label and how many there are, smallest first."""

    sides: list[tuple[str, int]]
    """By the side of a square of the same area, in pixels of the image."""
    aspects: list[tuple[str, int]]
    """By width : height; a group is named after its lower end."""


def box_shapes(source: Source) -> BoxShapes:
    """The shapes of all boxes of `source` that can be used; wrong annotations are left out."""
    found = [np.zeros((0, 2)), *(image.sides for image in box_sides(source))]
    height, width = np.concatenate(found).T
    sides = np.bincount(np.searchsorted(_SIDES, np.sqrt(height * width), side="right"), minlength=9)
    aspects = np.bincount(
        np.searchsorted(_ASPECTS, width / np.maximum(height, 1e-9), side="right"), minlength=8
    )
    names = [f"< {_SIDES[0]}", *(f"{side}+" for side in _SIDES)]
    return BoxShapes(
        list(zip(names, sides.tolist(), strict=True)),
        list(zip(_ASPECT_NAMES, aspects.tolist(), strict=True)),
    )


class ImageBoxes(NamedTuple):
    """The boxes of one image that can be used, repaired."""

    height: int
    width: int
    """Of the image, pixels."""
    sides: np.ndarray
    """`[N, 2]`, height and width in pixels of the image."""
    record: Record
    """Without its image."""


def box_sides(source: Source) -> Iterator[ImageBoxes]:
    """The sizes of the boxes of every image of `source`; what cannot be read is left out."""
    for index in range(len(source)):
        try:
            glance = source.glance(index)
            height, width = _size(glance.record, glance.head)
        except (DataError, ValueError):  # it stands in the list of defects
            continue
        record = repair(glance.record)
        boxes = record.boxes.astype(np.float64)
        yield ImageBoxes(height, width, (boxes[:, 2:] - boxes[:, :2]) * [height, width], record)


def _size(record: Record, head: bytes) -> tuple[int, int]:
    """Height and width of the image, from its annotation or its header."""
    if record.height > 0 and record.width > 0:
        return record.height, record.width
    facts = read_facts(head)
    return facts.height, facts.width
