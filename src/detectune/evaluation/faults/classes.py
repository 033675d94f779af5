"""Classes that are mixed up in one and the same way, and classes that were never trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from detectune.boxes.iou import pairwise_iou
from detectune.evaluation.coco_tables import ImageRows
from detectune.evaluation.faults.base import Finding
from detectune.evaluation.faults.pairs import FEWEST_OBJECTS, Pairs, pairs_of
from detectune.wording import one_line

_FEWEST_PER_CLASS = 3
# Shares of the objects.
_LOCATED, _SAME_CLASS, _CONSISTENT = 0.3, 0.2, 0.6


def mixed_up_classes(
    images: Sequence[ImageRows], names: Mapping[int, str], trained: Mapping[int, int] | None
) -> list[Finding]:
    """Whether boxes are right, and classes are mixed up in one and the same way.

    Args:
        trained: label-map id → boxes in the training data; None if nobody counted.
    """
    pairs = pairs_of(images)
    found = [pair for image in pairs for pair in _called(image)]
    count = sum(len(pair.truth) for pair in pairs)
    if count < FEWEST_OBJECTS or len(found) < _LOCATED * count:
        return []
    if sum(truth == called for truth, called in found) > _SAME_CLASS * len(found):
        return []
    swapped = _mapping(found)
    explained = sum(swapped.get(truth) == called for truth, called in found)
    distinct = len(set(swapped.values())) == len(swapped)
    if len(swapped) < 2 or not distinct or explained < _CONSISTENT * len(found):
        return []
    if trained is not None and not any(trained.get(truth) for truth in swapped):
        return []  # what was never trained is called what looks like it
    steps = {called - truth for truth, called in swapped.items()}
    off_by_one = steps in ({1}, {-1})
    rows = [
        f"{_name(names, truth)} is called {_name(names, called)}"
        for truth, called in sorted(swapped.items())
    ]
    shown = ", ".join(rows[:5]) + (", …" if len(rows) > 5 else "")
    how = f"off by {steps.pop():+d}" if off_by_one else "permuted"
    return [
        Finding(
            "classes_off_by_one" if off_by_one else "classes_permuted",
            f"boxes are right but classes are {how}: {shown}",
            "Training and evaluation data number or name the classes in different ways: give both "
            "one label map (label_map_path), whose ids begin at 1, and look at samples of both "
            "with `detectune data inspect SOURCE --report FILE.html`.",
        )
    ]


def _called(image: Pairs) -> list[tuple[int, int]]:
    """(true class, class of the best box there) of each object that overlaps by half with one."""
    if not len(image.boxes):
        return []
    overlaps = pairwise_iou(image.boxes, image.truth) >= 0.5
    located = overlaps.any(axis=0)
    best = overlaps.argmax(axis=0)  # boxes come by falling score
    return [
        (int(image.truth_classes[index]), int(image.classes[best[index]]))
        for index in np.flatnonzero(located)
    ]


def _mapping(found: Sequence[tuple[int, int]]) -> dict[int, int]:
    """True class → the other one that most of its objects are called."""
    mapping: dict[int, int] = {}
    for truth in sorted({pair[0] for pair in found}):
        called = [other for one, other in found if one == truth]
        most = max(set(called), key=lambda other: (called.count(other), -other))
        often = called.count(most) >= _CONSISTENT * len(called)
        if len(called) >= _FEWEST_PER_CLASS and often and most != truth:
            mapping[truth] = most
    return mapping


def untrained_classes(
    images: Sequence[ImageRows], names: Mapping[int, str], trained: Mapping[int, int] | None
) -> list[Finding]:
    """Classes of the evaluation that the training data do not have."""
    if trained is None:
        return []
    there = np.concatenate([np.zeros(0, int), *(image.truth_classes for image in images)])
    missing = [int(c) for c in np.unique(there) if not trained.get(int(c))]
    if not missing:
        return []
    shown = ", ".join(_name(names, class_id) for class_id in missing[:8])
    objects = int(np.isin(there, missing).sum())
    return [
        Finding(
            "untrained_classes",
            f"{objects} of {len(there)} objects of the evaluation are of classes without a box in "
            f"the training data: {shown}{', …' if len(missing) > 8 else ''}",
            "Add pictures of them to the training data, or correct their names.",
        )
    ]


def _name(names: Mapping[int, str], class_id: int) -> str:
    return f'"{one_line(names[class_id])}"' if class_id in names else f"class {class_id}"
