"""What a report shows of an evaluation beside the twelve numbers, as plain lists for JSON.

which box found which object ─┬─► curves of precision over recall, class by class
                              ├─► the score threshold with the best F1
                              └─► at that threshold: who is taken for whom, and the worst images
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from detectune.evaluation.coco_tables import ImageRows
from detectune.evaluation.mistakes import (
    FALSE,
    IN_CROWD,
    Mistakes,
    found_objects,
    mistakes,
)

_THRESHOLDS = np.arange(1, 100) / 100
_MOST_POINTS, _MOST_CLASSES, _MOST_WORST = 60, 24, 8


class Threshold(NamedTuple):
    """A score below which boxes are best left out."""

    score: float
    f1: float
    """The harmonic mean of precision and recall at that score; 0 where nothing is right."""
    precision: float
    recall: float


class Curve(NamedTuple):
    """Precision and recall of a class while the threshold falls from 1 to 0."""

    recall: np.ndarray
    """`[K]`: which share of the objects the surest boxes have found."""
    precision: np.ndarray
    """`[K]`: which share of these boxes is right, as it is."""


class Counted(NamedTuple):
    """All boxes and objects of an evaluation that count."""

    scores: np.ndarray
    """`[K]`, the highest first."""
    classes: np.ndarray
    """`[K]`, ids of the label map."""
    right: np.ndarray
    """`[K]` bool: whether the box has found an object of its class."""
    objects: np.ndarray
    """`[N]`: the classes of the objects."""


def details(images: Sequence[ImageRows], names: Mapping[int, str]) -> dict[str, Any]:
    """Threshold, confusion, curves and the worst images, as JSON can keep them.

    Args:
        images: ground truth and detections, in the order of the source.
        names: label-map id → name.
    """
    found = [found_objects(image) for image in images]
    counted = count(images, found)
    threshold = best_threshold(counted)
    shown = _frequent(counted, names)
    table = confusion(images, shown, threshold.score)
    seen = [mistakes(image, threshold.score, one) for image, one in zip(images, found, strict=True)]
    return {
        "threshold": threshold._asdict(),
        "confusion": {"names": [names[i] for i in shown], "counts": table.tolist()},
        "classes": len(names),
        "curves": {names[i]: _points(curve(counted, i)) for i in shown},
        "worst": [{"index": index, **seen[index]._asdict()} for index in worst(seen)],
    }


def count(images: Sequence[ImageRows], found: Sequence[np.ndarray]) -> Counted:
    """The boxes and objects of `images`, of which `found_objects` says `found`."""

    def joined(parts: Sequence[np.ndarray]) -> np.ndarray:
        return np.concatenate([np.zeros(0), *parts])

    scores = joined([image.scores for image in images])
    classes = joined([image.classes for image in images])
    objects = joined(found)
    order = np.argsort(-scores, kind="stable")
    order = order[objects[order] != IN_CROWD]
    truth = joined([image.truth_classes[~image.is_crowd.astype(bool)] for image in images])
    return Counted(scores[order], classes[order], objects[order] != FALSE, truth)


def best_threshold(counted: Counted) -> Threshold:
    """The threshold, in hundredths, with the best F1 over the boxes of all classes together.

    Of several that are as good, the one in the middle.
    """
    right, objects = np.concatenate([[0], np.cumsum(counted.right)]), len(counted.objects)
    shown = np.searchsorted(-counted.scores, -_THRESHOLDS, side="right")
    hits = right[shown]
    f1 = 2 * hits / np.maximum(shown + objects, 1)  # 2PR / (P + R)
    best = np.flatnonzero(f1 == f1.max())
    index = int(best[len(best) // 2])
    return Threshold(
        score=float(_THRESHOLDS[index]),
        f1=float(f1[index]),
        precision=float(hits[index] / max(shown[index], 1)),
        recall=float(hits[index] / max(objects, 1)),
    )


def curve(counted: Counted, class_id: int) -> Curve:
    """Precision over recall of the class `class_id`."""
    right = np.cumsum(counted.right[counted.classes == class_id])
    objects = int(np.sum(counted.objects == class_id))
    return Curve(right / max(objects, 1), right / np.arange(1, len(right) + 1))


def worst(seen: Sequence[Mistakes]) -> list[int]:
    """The positions of the images with the heaviest mistakes, the worst first."""
    order = np.argsort([-one.weight for one in seen], kind="stable")
    return [int(index) for index in order[:_MOST_WORST]]


def confusion(
    images: Sequence[ImageRows], class_ids: Sequence[int], threshold: float
) -> np.ndarray:
    """`[C + 1, C + 1]` int: objects of a class (row) and the class of the box that found them.

    The last column counts objects that no box found, the last row boxes that found no object.
    Boxes below `threshold`, crowds and other classes do not count.
    """
    place = {class_id: index for index, class_id in enumerate(class_ids)}
    table = np.zeros((len(place) + 1, len(place) + 1), int)
    for image in images:
        seen = _shown(image, threshold)
        found, nothing = found_objects(seen, same_class=False), len(place)
        taken = {int(index) for index in found[found >= 0]}
        for box, index in enumerate(found):
            true = place.get(int(seen.truth_classes[index])) if index >= 0 else nothing
            said = place.get(int(seen.classes[box]))
            if index != IN_CROWD and true is not None and said is not None:
                table[true, said] += 1
        for index in np.flatnonzero(~seen.is_crowd.astype(bool)):
            true = place.get(int(seen.truth_classes[index]))
            if int(index) not in taken and true is not None:
                table[true, nothing] += 1
    return table


def _shown(image: ImageRows, threshold: float) -> ImageRows:
    keep = image.scores >= threshold
    parts = {name: getattr(image, name)[keep] for name in ("boxes", "scores", "classes")}
    return ImageRows(image.truth_boxes, image.truth_classes, image.is_crowd, image.areas, **parts)


def _frequent(counted: Counted, names: Mapping[int, str]) -> list[int]:
    """The classes with most objects, in the order of their ids."""
    objects: Counter[int] = Counter(int(one) for one in counted.objects)
    return sorted(sorted(names, key=lambda i: (-objects[i], i))[:_MOST_CLASSES])


def _points(found: Curve) -> dict[str, list[float]]:
    """The curve in so many points that a drawing needs no more."""
    rows = np.arange(len(found.recall))
    if len(rows) > _MOST_POINTS:
        rows = np.unique(np.linspace(0, len(rows) - 1, _MOST_POINTS).astype(int))
    return {
        "recall": [round(float(value), 4) for value in found.recall[rows]],
        "precision": [round(float(value), 4) for value in found.precision[rows]],
    }
