"""Overlap of boxes."""

from __future__ import annotations

from detectune.boxes.arrays import same_kind
from detectune.boxes.convert import area
from detectune.structures import Array


def pairwise_intersection(boxes: Array, others: Array) -> Array:
    """Areas `[..., N, M]` common to boxes `[..., N, 4]` and others `[..., M, 4]`, yxyx."""
    xp, boxes, others = same_kind(boxes, others)
    a, b = boxes[..., :, None, :], others[..., None, :, :]
    height = xp.minimum(a[..., 2], b[..., 2]) - xp.maximum(a[..., 0], b[..., 0])
    width = xp.minimum(a[..., 3], b[..., 3]) - xp.maximum(a[..., 1], b[..., 1])
    return xp.maximum(height, 0.0) * xp.maximum(width, 0.0)


def pairwise_iou(boxes: Array, others: Array) -> Array:
    """Intersection over union `[..., N, M]` of boxes `[..., N, 4]` and others `[..., M, 4]`.

    0 where the boxes do not meet, also when both are empty.
    """
    xp, boxes, others = same_kind(boxes, others)
    common = pairwise_intersection(boxes, others)
    union = area(boxes)[..., :, None] + area(others)[..., None, :] - common
    met = common > 0.0
    return xp.where(met, common / xp.where(met, union, 1.0), 0.0)
