"""The objects of an image beside its best boxes: what faults of boxes and of classes compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from detectune.evaluation.coco_tables import ImageRows

FEWEST_OBJECTS = 4
"""With fewer objects nothing is proved."""
_MOST_IMAGES, _MOST_BOXES = 200, 50


class Pairs(NamedTuple):
    """The objects of an image and its best boxes."""

    truth: np.ndarray
    """`[N, 4]` yxyx, pixels."""
    truth_classes: np.ndarray
    boxes: np.ndarray
    """`[K, 4]`, by falling score."""
    classes: np.ndarray
    height: float
    width: float


def pairs_of(images: Sequence[ImageRows]) -> list[Pairs]:
    """The images with objects, up to a number, with about twice as many boxes as objects."""
    found: list[Pairs] = []
    for image in images:
        real = ~image.is_crowd.astype(bool)
        if not real.any() or len(found) == _MOST_IMAGES:
            continue
        truth = image.truth_boxes[real][:_MOST_BOXES].astype(np.float64)
        best = np.argsort(-image.scores, kind="stable")[: max(2 * len(truth), 4)]
        found.append(
            Pairs(
                truth,
                image.truth_classes[real][:_MOST_BOXES],
                image.boxes[best].astype(np.float64),
                image.classes[best],
                *(float(side) for side in image.size),
            )
        )
    return found
