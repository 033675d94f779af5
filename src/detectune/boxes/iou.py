"""Overlap of boxes."""

from __future__ import annotations

from typing import Any

from detectune.boxes.arrays import same_kind
from detectune.boxes.convert import area
from detectune.structures import Array

# Boxes that meet have a larger union; those that do not have nothing in common to divide.
_TINY = 1e-30


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
    return common / xp.maximum(union, _TINY)


def matched_iou(boxes: Array, others: Array) -> Array:
    """Intersection over union `[...]` of boxes `[..., 4]` and others `[..., 4]`, pair by pair."""
    xp, boxes, others = same_kind(boxes, others)
    common, union = _matched_areas(xp, boxes, others)
    met = common > 0.0
    return xp.where(met, common / xp.where(met, union, 1.0), 0.0)


def matched_giou(boxes: Array, others: Array) -> Array:
    """Generalized intersection over union `[...]`, −1 to 1, of boxes `[..., 4]`, pair by pair.

    Falls below 0 as boxes move apart: minus the share of their common hull that neither covers.

    Source: Rezatofighi et al. 2019, algorithm 1.
    """
    xp, boxes, others = same_kind(boxes, others)
    common, union = _matched_areas(xp, boxes, others)
    hull = xp.concatenate(
        [xp.minimum(boxes[..., :2], others[..., :2]), xp.maximum(boxes[..., 2:], others[..., 2:])],
        axis=-1,
    )
    iou = xp.where(union > 0.0, common / xp.where(union > 0.0, union, 1.0), 0.0)
    around = area(hull)
    empty = xp.where(around > 0.0, (around - union) / xp.where(around > 0.0, around, 1.0), 0.0)
    return iou - empty


def _matched_areas(xp: Any, boxes: Array, others: Array) -> tuple[Array, Array]:
    """Intersection and union `[...]`."""
    height = xp.minimum(boxes[..., 2], others[..., 2]) - xp.maximum(boxes[..., 0], others[..., 0])
    width = xp.minimum(boxes[..., 3], others[..., 3]) - xp.maximum(boxes[..., 1], others[..., 1])
    common = xp.maximum(height, 0.0) * xp.maximum(width, 0.0)
    return common, area(boxes) + area(others) - common
