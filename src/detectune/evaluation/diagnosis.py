"""Why mAP is near 0: what the boxes of an evaluation and the numbers of a training give away.

    boxes found ─┬─► as they are ─► which class is called what ─► classes off by one, or permuted
                 └─► x and y swapped, scaled ─► right now?      ─► coordinates swapped, or scaled
    scores, losses, learning rates, statistics, classes in the training data ─► the other causes

Pure functions, a file for each kind of cause in `faults/`. A cause is named only where it explains
most of what is seen: a detector that is merely weak has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from detectune.evaluation.coco_tables import ImageRows
from detectune.evaluation.faults.base import Finding, TrainingFacts
from detectune.evaluation.faults.boxes import box_faults
from detectune.evaluation.faults.classes import mixed_up_classes, untrained_classes
from detectune.evaluation.faults.numbers import (
    lagging_statistics,
    low_scores,
    too_few_steps,
    training_rates,
)

NEAR_ZERO = 0.1
"""mAP@.5 below which there is something to explain."""


def diagnose(
    images: Sequence[ImageRows], names: Mapping[int, str], facts: TrainingFacts
) -> list[Finding]:
    """What explains that mAP is near 0, the likeliest first; often nothing.

    Args:
        images: ground truth and detections of an evaluation.
        names: label-map id → name.
    """
    boxes = box_faults(images)
    classes = [] if boxes else mixed_up_classes(images, names, facts.trained)
    found = [
        # A class that nobody trained may be another one by the wrong number.
        *([] if classes else untrained_classes(images, names, facts.trained)),
        *boxes,
        *classes,
        *lagging_statistics(facts),
        *(training_rates(facts) or too_few_steps(facts)),
    ]
    return found + low_scores(images, explained=bool(found))
