"""Which box found which object, at one overlap: what is counted where single mistakes are shown.

    boxes of an image, surest first ─► each takes the free object it overlaps most ─► found
                                                                      none ─► false, or in a crowd

COCO's numbers are computed in `coco_tables`; this is for tables, curves and pictures.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detectune.boxes.iou import pairwise_intersection, pairwise_iou
from detectune.evaluation.coco_tables import ImageRows, box_areas

IOU = 0.5
"""How much a box has to overlap an object to have found it."""
FALSE, IN_CROWD = -1, -2
_MOST_BOXES = 100  # as many of an image as COCO looks at


class Mistakes(NamedTuple):
    """What went wrong in one image."""

    missed: int
    """Objects without a box of their class that reaches the threshold."""
    false: int
    """Boxes that reach the threshold and have found nothing."""
    weight: float
    """Of each object what its box lacks in certainty, 1 without a box; of each false box that
    reaches the threshold its score. 0 is an image without any mistake."""


def found_objects(image: ImageRows, *, same_class: bool = True) -> np.ndarray:
    """`[K]` int: for each box the object that it has found, `FALSE` or `IN_CROWD`.

    Args:
        same_class: a box finds objects of its class only; otherwise those of its class first.
    """
    result = np.full(len(image.boxes), FALSE)
    if not len(image.boxes) or not len(image.truth_boxes):
        return result
    boxes, truth = image.boxes.astype(np.float64), image.truth_boxes.astype(np.float64)
    crowd = image.is_crowd.astype(bool)
    overlap = np.where(crowd[None], 0.0, np.asarray(pairwise_iou(boxes, truth)))
    same = image.classes[:, None] == image.truth_classes[None]
    inside = _shares_inside(boxes, truth) * (same & crowd[None])
    free = np.ones(len(truth), bool)
    order = np.argsort(-image.scores, kind="stable")[:_MOST_BOXES]
    near = ((overlap >= IOU) & (same | (not same_class))).any(axis=1)
    for box in order[near[order]]:
        fits = free & (overlap[box] >= IOU)
        fits = fits & same[box] if same_class or (fits & same[box]).any() else fits
        if fits.any():
            result[box] = int(np.argmax(np.where(fits, overlap[box], -1.0)))
            free[result[box]] = False
    result[(result == FALSE) & (inside.max(axis=1) >= IOU)] = IN_CROWD
    return result


def mistakes(image: ImageRows, threshold: float, found: np.ndarray | None = None) -> Mistakes:
    """What went wrong in `image`, if boxes below `threshold` are not shown.

    Args:
        found: what `found_objects` says of it, if that is known.
    """
    found = found_objects(image) if found is None else found
    objects = np.flatnonzero(~image.is_crowd.astype(bool))
    certainty = {int(taken): float(image.scores[box]) for box, taken in enumerate(found)}
    scores = np.array([certainty.get(int(index), 0.0) for index in objects])
    false = image.scores[(found == FALSE) & (image.scores >= threshold)]
    return Mistakes(
        missed=int(np.sum(scores < threshold)),
        false=len(false),
        weight=float(np.sum(1.0 - scores) + np.sum(false)),
    )


def _shares_inside(boxes: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """`[K, N]`: the share of each box that lies inside each object."""
    common = np.asarray(pairwise_intersection(boxes, truth))
    return common / np.maximum(box_areas(boxes), 1e-30)[:, None]
