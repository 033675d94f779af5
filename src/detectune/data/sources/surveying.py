"""One quick pass over a data set: what training and evaluation must know before they start."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from detectune.data.defects import (
    REFUSED,
    WEIGHT,
    Defect,
    ImageError,
    Problems,
    wrong_annotations,
)
from detectune.data.image_files import damage, decode_problem
from detectune.data.sources.coordinates import CoordinateCheck, Coordinates
from detectune.data.sources.record import Record


class Glance(NamedTuple):
    """An annotation, not repaired, and a part of the file of its image."""

    record: Record
    size: int
    """Bytes of the file."""
    head: bytes
    tail: bytes


class Survey(NamedTuple):
    """What a quick pass over a source finds."""

    most_boxes: int
    """The largest number of boxes in one image, after repair."""
    clipped: int
    """How many boxes reach out of their image."""
    dropped: int
    """How many boxes have no area inside their image."""
    damaged: Mapping[int, tuple[str, str]]
    """Index → (file name, reason) of images that are seen to be cut off, or to be no images. Damage
    in the middle of an image shows when it is decoded."""
    boxes: int
    """How many boxes there are, after repair."""
    refused: tuple[Defect, ...]
    """Defects that no training starts with; see `data.defects`."""
    digests: tuple[bytes, ...]
    """One for each image that could be read: equal for equal files. Unequal files have the same
    only if they are equal in size, beginning and end."""


class Surveyor:
    """Collects what `Survey` holds, image by image.

    Args:
        coordinates: how the format writes boxes.
        defects: what was found while the source was opened.
    """

    def __init__(self, coordinates: Coordinates, defects: Sequence[Defect]) -> None:
        self._coordinates, self._problems = CoordinateCheck(coordinates), Problems()
        self._most = self._clipped = self._dropped = self._boxes = 0
        self._damaged: dict[int, tuple[str, str]] = {}
        self._refused = [defect for defect in defects if defect.kind in REFUSED]
        self._digests: list[bytes] = []
        self._doubtful: tuple[int, Glance] | None = None

    @contextmanager
    def errors_kept(self, index: int) -> Generator[None]:
        """A `DataError` in the block, about image `index`, is kept for the result."""
        self._doubtful = None
        with self._problems.kept():
            try:
                yield
            except ImageError as error:
                self._damaged[index] = error.file_name, error.reason

    def add(self, index: int, glance: Glance, repaired: Record) -> None:
        """Image `index` of the source, and its record after repair."""
        record = glance.record
        if damage(glance.head, glance.tail):
            self._doubtful = index, glance
        self._digests.append(digest(glance))
        self._coordinates.add(record)
        self._refused += weight_defects(record)
        self._boxes += len(repaired.class_ids)
        self._most = max(self._most, len(repaired.class_ids))
        self._dropped += len(record.class_ids) - len(repaired.class_ids)
        self._clipped += int(np.any((record.boxes < 0) | (record.boxes > 1), axis=1).sum())

    @property
    def is_doubtful(self) -> bool:
        """Whether the whole file of the image that was added last is needed."""
        return self._doubtful is not None

    def look_again(self, image: bytes) -> None:
        """The whole file of the image that was added last."""
        if self._doubtful is None:
            return
        index, glance = self._doubtful
        reason = decode_problem(image)
        if reason:
            self._damaged[index] = glance.record.file_name, reason

    def result(self) -> Survey:
        """Everything that was found."""
        wrong = wrong_annotations(self._problems.errors)
        return Survey(
            most_boxes=self._most,
            clipped=self._clipped,
            dropped=self._dropped,
            damaged=self._damaged,
            boxes=self._boxes,
            refused=(*self._coordinates.defects(), *self._refused, *wrong),
            digests=tuple(self._digests),
        )


def weight_defects(record: Record) -> list[Defect]:
    """The weights of `record` that are NaN, infinite or negative."""
    wrong = ~(np.isfinite(record.weights) & (record.weights >= 0))
    return [
        Defect(WEIGHT, record.file_name, f"the weight of object {row + 1} is {record.weights[row]}")
        for row in np.flatnonzero(wrong)
    ]


def digest(glance: Glance) -> bytes:
    """16 bytes that are equal for equal image files."""
    found = hashlib.blake2b(str(glance.size).encode(), digest_size=16)
    found.update(glance.head[:65536])
    found.update(glance.tail[-4096:])
    return found.digest()
