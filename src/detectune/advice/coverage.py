"""How well anchors cover boxes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from detectune.advice.box_clusters import best_iou
from detectune.advice.box_sizes import size_groups

MATCHED = 0.5
"""The IoU from which the matchers of the zoo's detectors call an anchor positive."""
COMMON = 0.05
"""Sizes that a smaller share of the boxes have decide nothing."""


class Covered(NamedTuple):
    """How well some boxes are covered."""

    boxes: int
    recall: float
    """Share of the boxes whose best anchor has an IoU of `MATCHED` or more."""
    mean_iou: float
    """Mean IoU of each box with its best anchor."""


class Coverage(NamedTuple):
    """How well all boxes are covered, and those of each size."""

    all: Covered
    by_size: tuple[tuple[str, Covered], ...]
    """Sizes without boxes are left out."""

    @property
    def common(self) -> tuple[tuple[str, Covered], ...]:
        """The sizes that `COMMON` of the boxes have, or more."""
        least = COMMON * self.all.boxes
        return tuple(one for one in self.by_size if one[1].boxes >= least)

    @property
    def score(self) -> float:
        """Recall plus mean IoU, from 0 to 2, each common size counting alike: of a class that is
        small there may be few boxes."""
        return float(np.mean([one.recall + one.mean_iou for _, one in self.common]))

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        groups = {name: one._asdict() for name, one in self.by_size}
        return {**self.all._asdict(), "by_size": groups}


def coverage(sizes: np.ndarray, anchors: np.ndarray) -> Coverage:
    """How well `anchors [A, 2]` cover boxes of `sizes [N, 2]`; both heights and widths in pixels.

    As if an anchor stood in the middle of each box: where anchors really stand, IoU is lower.
    """
    best = best_iou(sizes, anchors)
    groups = ((name, best[inside]) for name, inside in size_groups(sizes))
    return Coverage(
        _covered(best), tuple((name, _covered(ious)) for name, ious in groups if len(ious))
    )


def _covered(best: np.ndarray) -> Covered:
    return Covered(len(best), float((best >= MATCHED).mean()), float(best.mean()))
