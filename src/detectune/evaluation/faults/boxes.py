"""Boxes that are right once their coordinates are swapped or scaled."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from detectune.boxes.iou import pairwise_iou
from detectune.evaluation.coco_tables import ImageRows
from detectune.evaluation.faults.base import Finding
from detectune.evaluation.faults.pairs import FEWEST_OBJECTS, Pairs, pairs_of

# Shares of the objects: what an explanation has to explain, and how much more than none does.
_EXPLAINED, _GAIN = 0.5, 0.3
_SCALE = 1.25

Transform = Callable[[np.ndarray, float, float], np.ndarray]


def box_faults(images: Sequence[ImageRows]) -> list[Finding]:
    """Whether boxes are right once their coordinates are swapped or scaled."""
    pairs = pairs_of(images)
    count = sum(len(pair.truth) for pair in pairs)
    if count < FEWEST_OBJECTS:
        return []
    before = _located(pairs, _as_it_is) / count
    shares = [
        (_located(pairs, change) / count, cause, words)
        for cause, words, change in (*_CHANGES, *_scaling(pairs))
    ]
    share, cause, words = max(shares, key=lambda entry: round(entry[0], 1))
    if share < _EXPLAINED or share < before + _GAIN:
        return []
    seen = (
        f"{share:.0%} of the objects are where a box was found, once {words}; "
        f"as they are, {before:.0%}"
    )
    return [
        Finding(
            cause,
            seen,
            "Training and evaluation data, or their pictures, give coordinates in different ways: "
            "draw both with `detectune data inspect SOURCE --report FILE.html` and compare.",
        )
    ]


def _located(pairs: Sequence[Pairs], change: Transform) -> int:
    """How many objects overlap with a box by half, once the boxes are changed."""
    count = 0
    for pair in pairs:
        if len(pair.boxes):
            overlaps = pairwise_iou(change(pair.boxes, pair.height, pair.width), pair.truth)
            count += int((np.max(overlaps, axis=0) >= 0.5).sum())
    return count


def _as_it_is(boxes: np.ndarray, height: float, width: float) -> np.ndarray:
    del height, width
    return boxes


def _swapped(boxes: np.ndarray, height: float, width: float) -> np.ndarray:
    del height, width
    return boxes[:, [1, 0, 3, 2]]


def _swapped_fractions(boxes: np.ndarray, height: float, width: float) -> np.ndarray:
    return boxes[:, [1, 0, 3, 2]] * _both(height / max(width, 1), width / max(height, 1))


def _from_fractions(boxes: np.ndarray, height: float, width: float) -> np.ndarray:
    return boxes * _both(height, width)


def _to_fractions(boxes: np.ndarray, height: float, width: float) -> np.ndarray:
    return boxes / _both(max(height, 1), max(width, 1))


def _padded(boxes: np.ndarray, height: float, width: float) -> np.ndarray:
    longest = max(height, width)
    return boxes * _both(longest / max(height, 1), longest / max(width, 1))


def _unpadded(boxes: np.ndarray, height: float, width: float) -> np.ndarray:
    longest = max(height, width, 1)
    return boxes * _both(height / longest, width / longest)


def _both(y: float, x: float) -> np.ndarray:
    return np.array([y, x, y, x], np.float64)


_CHANGES: tuple[tuple[str, str, Transform], ...] = (
    ("swapped_axes", "x and y are swapped", _swapped),
    ("swapped_axes", "x and y are swapped", _swapped_fractions),
    ("fractions", "they are taken for fractions of the picture, not for pixels", _from_fractions),
    ("pixels", "the annotation is taken for fractions of the picture", _to_fractions),
    ("padding", "they are scaled as if the picture had been padded to a square", _padded),
    ("padding", "they are scaled as if the padding of the picture counted", _unpadded),
)


def _scaling(pairs: Sequence[Pairs]) -> list[tuple[str, str, Transform]]:
    """The scaling that makes boxes as large as objects, if that is another than none."""
    truth = np.concatenate([pair.truth for pair in pairs])
    boxes = np.concatenate([pair.boxes for pair in pairs])
    if not len(boxes):
        return []
    sizes = [np.median(rows[:, 2:] - rows[:, :2], axis=0) for rows in (truth, boxes)]
    if (sizes[0] <= 0).any() or (sizes[1] <= 0).any():
        return []
    y, x = (float(ratio) for ratio in sizes[0] / sizes[1])
    if max(abs(np.log(y)), abs(np.log(x))) < np.log(_SCALE):
        return []
    words = f"they are scaled by {y:.3g} in height and {x:.3g} in width, from the upper left corner"
    return [("scaled", words, lambda boxes, height, width: boxes * _both(y, x))]
