"""Similarities: how well each ground-truth box fits each anchor.

A similarity is called with boxes `[B, N, 4]` and anchors `[A, 4]`, or `[B, A, 4]` of each image,
all yxyx in one unit, and returns `[B, N, A]` float32. Matchers compare its values with their
thresholds.

Parity: core/region_similarity_calculator.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from detectune.boxes.arrays import same_kind
from detectune.boxes.convert import area
from detectune.boxes.iou import pairwise_intersection, pairwise_iou
from detectune.structures import Array


class Similarity(Protocol):
    """What an assigner expects of a similarity."""

    signed: ClassVar[bool]
    """Whether it falls below 0, so that padding, which it gives 0 at best, must be marked."""

    def __call__(self, boxes: Array, anchors: Array) -> Array:
        """`[..., N, A]` of boxes `[..., N, 4]` and anchors `[A, 4]`."""
        ...


@dataclass(frozen=True)
class IouSimilarity:
    """Intersection over union, 0–1."""

    signed: ClassVar[bool] = False

    def __call__(self, boxes: Array, anchors: Array) -> Array:
        return pairwise_iou(boxes, anchors)


@dataclass(frozen=True)
class IoaSimilarity:
    """Intersection over the area of the anchor, 0–1."""

    signed: ClassVar[bool] = False

    def __call__(self, boxes: Array, anchors: Array) -> Array:
        xp, boxes, anchors = same_kind(boxes, anchors)
        areas = area(anchors)[..., None, :]
        common = pairwise_intersection(boxes, anchors)
        return xp.where(areas > 0.0, common / xp.where(areas > 0.0, areas, 1.0), 0.0)


@dataclass(frozen=True)
class ThresholdedIouSimilarity:
    """1 where the intersection over union exceeds a threshold, else 0.

    Args:
        threshold: 0–1.
    """

    signed: ClassVar[bool] = False
    threshold: float = 0.5

    def __call__(self, boxes: Array, anchors: Array) -> Array:
        xp, boxes, anchors = same_kind(boxes, anchors)
        return xp.where(pairwise_iou(boxes, anchors) > self.threshold, 1.0, 0.0)


@dataclass(frozen=True)
class NegSqDistSimilarity:
    """Minus the squared distance of the four corner coordinates.

    Args:
        unit: (height, width) that counts as 1; the image, where a config means fractions of it.
    """

    signed: ClassVar[bool] = True
    unit: tuple[float, float] = (1.0, 1.0)

    def __call__(self, boxes: Array, anchors: Array) -> Array:
        xp, boxes, anchors = same_kind(boxes, anchors)
        difference = boxes[..., :, None, :] - anchors[..., None, :, :]
        distance = xp.sum(xp.square(difference / xp.stack(self.unit * 2)), axis=-1)
        return -distance
