"""Why mAP is near 0: what the boxes of an evaluation and the numbers of a training give away.

    boxes found ─┬─► as they are ─► which class is called what ─► classes off by one, or permuted
                 └─► x and y swapped, scaled ─► right now?      ─► coordinates swapped, or scaled
    scores, losses, learning rates, statistics, classes in the training data ─► the other causes

Pure functions. A cause is named only where it explains most of what is seen: a detector that is
merely weak has none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from detectune.boxes.iou import pairwise_iou
from detectune.evaluation.coco_tables import ImageRows
from detectune.wording import one_line

NEAR_ZERO = 0.1
"""mAP@.5 below which there is something to explain."""
LOW_SCORE = 0.1
"""A detector that has learned something gives some boxes a higher one."""

_MOST_IMAGES, _MOST_BOXES = 200, 50
_FEWEST_OBJECTS, _FEWEST_PER_CLASS = 4, 3
# Shares of the objects: what an explanation has to explain, and how much more than none does.
_EXPLAINED, _GAIN, _LOCATED = 0.5, 0.3, 0.3
_SAME_CLASS, _CONSISTENT = 0.2, 0.6
_SCALE = 1.25
# Of the loss, from the first quarter of the run to the last.
_FALLEN, _FLAT, _RISEN = 0.2, 0.02, 1.5
_SMALL_RATE, _LAGGING = 1e-3, 0.1

Transform = Callable[[np.ndarray, float, float], np.ndarray]


class Finding(NamedTuple):
    """One cause."""

    cause: str
    """Its name, such as "swapped_axes"."""
    seen: str
    """What was seen, a sentence."""
    advice: str
    """What to do, a sentence."""


class TrainingFacts(NamedTuple):
    """What a run knows of itself."""

    losses: Sequence[float] = ()
    """Total loss, at even distances."""
    learning_rates: Sequence[float] = ()
    statistics_left: float = 0.0
    """How much of the batch norms' initial statistics is left in those used for evaluation."""
    trained: Mapping[int, int] | None = None
    """Label-map id → boxes in the training data; None if nobody counted."""


def diagnose(
    images: Sequence[ImageRows], names: Mapping[int, str], facts: TrainingFacts
) -> list[Finding]:
    """What explains that mAP is near 0, the likeliest first; often nothing.

    Args:
        images: ground truth and detections of an evaluation.
        names: label-map id → name.
    """
    found = [
        *_missing_classes(images, names, facts.trained),
        *(_geometry(images) or _classes(images, names)),
        *_lagging(facts),
        *_rates(facts),
    ]
    return found + _scores(images, explained=bool(found))


# --- boxes ----------------------------------------------------------------------------------------


class _Pairs(NamedTuple):
    """The objects of an image and its best boxes."""

    truth: np.ndarray
    """`[N, 4]` yxyx, pixels."""
    truth_classes: np.ndarray
    boxes: np.ndarray
    """`[K, 4]`, by falling score."""
    classes: np.ndarray
    height: float
    width: float


def _pairs(images: Sequence[ImageRows]) -> list[_Pairs]:
    """The images with objects, up to a number, with about twice as many boxes as objects."""
    found: list[_Pairs] = []
    for image in images:
        real = ~image.is_crowd.astype(bool)
        if not real.any() or len(found) == _MOST_IMAGES:
            continue
        truth = image.truth_boxes[real][:_MOST_BOXES].astype(np.float64)
        best = np.argsort(-image.scores, kind="stable")[: max(2 * len(truth), 4)]
        found.append(
            _Pairs(
                truth,
                image.truth_classes[real][:_MOST_BOXES],
                image.boxes[best].astype(np.float64),
                image.classes[best],
                *(float(side) for side in image.size),
            )
        )
    return found


def _geometry(images: Sequence[ImageRows]) -> list[Finding]:
    """Whether boxes are right once their coordinates are swapped or scaled."""
    pairs = _pairs(images)
    count = sum(len(pair.truth) for pair in pairs)
    if count < _FEWEST_OBJECTS:
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


def _located(pairs: Sequence[_Pairs], change: Transform) -> int:
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


def _scaling(pairs: Sequence[_Pairs]) -> list[tuple[str, str, Transform]]:
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


# --- classes --------------------------------------------------------------------------------------


def _classes(images: Sequence[ImageRows], names: Mapping[int, str]) -> list[Finding]:
    """Whether boxes are right, and classes are mixed up in one and the same way."""
    pairs = _pairs(images)
    found = [pair for image in pairs for pair in _called(image)]
    count = sum(len(pair.truth) for pair in pairs)
    if count < _FEWEST_OBJECTS or len(found) < _LOCATED * count:
        return []
    if sum(truth == called for truth, called in found) > _SAME_CLASS * len(found):
        return []
    swapped = _mapping(found)
    explained = sum(swapped.get(truth) == called for truth, called in found)
    distinct = len(set(swapped.values())) == len(swapped)
    if len(swapped) < 2 or not distinct or explained < _CONSISTENT * len(found):
        return []
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
            "Training and evaluation data number the classes in different ways: give both one "
            "label map (label_map_path), whose ids begin at 1.",
        )
    ]


def _called(image: _Pairs) -> list[tuple[int, int]]:
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


def _missing_classes(
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


# --- numbers --------------------------------------------------------------------------------------


def _scores(images: Sequence[ImageRows], *, explained: bool) -> list[Finding]:
    """Whether no box has a score that says anything."""
    best = max((float(image.scores.max(initial=-1.0)) for image in images), default=-1.0)
    if not images or best >= LOW_SCORE:
        return []
    if best < 0:
        return [
            Finding(
                "nothing_found",
                f"no box was found in any of {len(images)} images",
                "Lower score_threshold in post_processing, if it is above 0.01; else the "
                "classes are not learned yet.",
            )
        ]
    advice = "The classes are not learned yet: train for more steps, or with a higher rate."
    return [
        Finding(
            "low_scores",
            f"no box has a score above {best:.2g}",
            "What is said above may be why." if explained else advice,
        )
    ]


def _lagging(facts: TrainingFacts) -> list[Finding]:
    """Whether training looks good with the batches' own statistics, and evaluation lacks them."""
    first, last = _ends(facts.losses)
    if facts.statistics_left < _LAGGING or not 0 <= last < (1 - _FALLEN) * first:
        return []
    return [
        Finding(
            "lagging_statistics",
            f"the loss fell from {first:.3g} to {last:.3g}, but {facts.statistics_left:.0%} of the "
            "batch norms' first statistics is left in those used for evaluation",
            "Set eval_config { batch_norm_recalibration: true }, or a smaller batch_norm { decay } "
            "(0.97 for some hundred steps).",
        )
    ]


def _rates(facts: TrainingFacts) -> list[Finding]:
    """Whether the loss stands still or rises."""
    first, last = _ends(facts.losses)
    rate = max(facts.learning_rates, default=0.0)
    if first < 0 or not facts.learning_rates or not np.isfinite(first + last):
        return []
    least = min(_quarters(facts.losses))
    if last > _RISEN * least:
        return [
            Finding(
                "learning_rate_too_large",
                f"the loss rose again from {least:.3g} to {last:.3g}, at learning rates up to "
                f"{rate:.3g}",
                "Lower the learning rate to a tenth, or set gradient_clipping_by_norm: 10.",
            )
        ]
    if abs(first - last) < _FLAT * abs(first) and rate < _SMALL_RATE:
        return [
            Finding(
                "learning_rate_too_small",
                f"the loss has hardly moved, from {first:.4g} to {last:.4g}, at learning rates up "
                f"to {rate:.3g}",
                "Raise the learning rate by ten, and look whether all but a little is frozen.",
            )
        ]
    return []


def _ends(losses: Sequence[float]) -> tuple[float, float]:
    """Mean loss of the first and of the last quarter."""
    means = _quarters(losses)
    return means[0], means[-1]


def _quarters(losses: Sequence[float]) -> list[float]:
    """Mean losses of four parts; of no part there is −1."""
    if len(losses) < 4:
        return [-1.0] * 4
    return [float(np.mean(part)) for part in np.array_split(np.asarray(losses, float), 4)]
