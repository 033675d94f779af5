"""The rules of `detectune advise`, as a table: the first that applies decides.

Every threshold stands here, with its origin: a figure of this project, or a judgement that waits
for one. docs/decisions/0032-advise.md has a line for each rule, and a test compares the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from detectune.advice.costs import SMALLEST, START_SECONDS, cost_of
from detectune.advice.pictures import Pictures
from detectune.advice.situation import Situation
from detectune.wording import one_line, plural

FEATURES, RCNN, HEADS, ALL = "features + SVM", "R-CNN", "fine-tune heads", "fine-tune all"

HANDFUL = 10
"""Images up to which an R-CNN is advised where it can be built and there is no accelerator."""
FEW = 100
"""Images below which the backbone stays frozen."""
FEW_BOXES = 5
"""Boxes of a class, in the middle of all classes, below which the backbone stays frozen."""
MANY_BOXES = 50
"""Boxes of a class from which COCO's own classes are trained as any others."""
FEW_STEPS = 150
"""Steps that train all of the smallest model, below which the backbone stays frozen."""
SMALL_BATCH = 2
"""Images at a time up to which batch norms keep their statistics."""
TINY_SIDE = 16.0
"""Pixels of the input below which an object is hardly seen: two cells of the finest feature map."""
MANY_TINY = 0.2
"""Share of objects that small from which a larger input is preferred."""
PROCESSOR_MINUTES = 30.0
"""What a training on a processor may take where nobody said."""
ENOUGH_SEEN = 2 / 3
"""How much of the usual number of steps is enough to prefer a larger model."""
LARGEST_UNMEASURED = 10.0
"""Billions of multiply-adds of a model that is advised on a machine whose speed is not known."""

_JUDGED = "judgement"
_TRANSFER = "benchmarks/results/transfer-2cores-tf-fp32.csv, transfer-frozen-2cores-tf-fp32.csv"


class Rule(NamedTuple):
    """One row of a table of rules."""

    name: str
    choice: str
    applies: Callable[[Situation], bool]
    reason: Callable[[Situation], str]
    """Why, with a number from the data."""
    origin: str
    """Where the threshold comes from."""


METHODS = (
    Rule(
        "classes-of-images",
        FEATURES,
        lambda s: s.data.whole_images,
        lambda s: (
            f"{plural(s.data.usable, 'image')} have the class of their folder, and no boxes: "
            "nobody said where anything is, so a detector cannot learn it."
        ),
        "docs/decisions/0029-features.md",
    ),
    Rule(
        "a-handful",
        RCNN,
        lambda s: s.has_rcnn and s.data.usable <= HANDFUL and s.speed.known,
        lambda s: (
            f"{plural(s.data.usable, 'image')} and no accelerator: nothing but linear classifiers "
            "is trained, on crops."
        ),
        _JUDGED,
    ),
    Rule(
        "known-classes",
        HEADS,
        lambda s: knows_all_classes(s) and _middle(s) < MANY_BOXES,
        lambda s: (
            f"all {plural(len(s.data.used_classes), 'class')} are COCO's, which the zoo's detectors"
            f" know from 118,000 images, and there are {_middle(s)} boxes of a class."
        ),
        _JUDGED,
    ),
    Rule(
        "few-images",
        HEADS,
        lambda s: s.data.usable < FEW,
        lambda s: (
            f"{plural(s.data.usable, 'image')}, fewer than {FEW}: a backbone that trains would "
            "learn them by heart."
        ),
        f"{_JUDGED}, as in docs/guides/freezing.md; not measured below 160 images",
    ),
    Rule(
        "few-boxes",
        HEADS,
        lambda s: _middle(s) < FEW_BOXES,
        lambda s: f"{_middle(s)} boxes of a class, in the middle of all classes.",
        _JUDGED,
    ),
    Rule(
        "little-time",
        HEADS,
        lambda s: steps_of_all(s) < FEW_STEPS,
        lambda s: (
            f"in {s.minutes:g} min there is time for {max(steps_of_all(s), 0):.0f} steps that "
            "train all of the smallest model; with the backbone frozen a step takes a quarter."
        ),
        f"{_JUDGED}: 400 steps that train all were measured, and no fewer",
    ),
    Rule(
        "enough-images",
        ALL,
        lambda s: True,
        lambda s: (
            f"{plural(s.data.usable, 'image')}: of 160 raccoons, a frozen backbone cost 0.12 of "
            "mAP (0.43 against 0.55)."
        ),
        _TRANSFER,
    ),
)
"""What to train."""


class Alternative(NamedTuple):
    """Another method that is worth a try, where it applies."""

    name: str
    applies: Callable[[Situation, str], bool]
    """Whether, beside the method that was decided."""
    text: str


ALTERNATIVES = (
    Alternative(
        "train-all-too",
        lambda s, method: method == HEADS,
        "fine-tune all: where the images look unlike photographs, or the checkpoint knows few "
        "classes, a frozen backbone may see too little. Leave `freeze` out of the config.",
    ),
    Alternative(
        "heads-first",
        lambda s, method: method == ALL and s.data.usable < 2000,
        "fine-tune heads: a step costs about a quarter with `--freeze backbone` (0.26, measured "
        "with SSD MobileNet V2 FPNLite 320), and less accuracy is what it costs.",
    ),
    Alternative(
        "rcnn-too",
        lambda s, method: s.has_rcnn and method in (HEADS, ALL) and s.data.usable <= 3 * HANDFUL,
        "R-CNN: trains no network; docs/guides/rcnn.md.",
    ),
    Alternative(
        "crops",
        lambda s, method: method in (HEADS, ALL) and len(s.data.used_classes) > 1,
        "features + SVM on the boxes: where they come from elsewhere and only their class is "
        "wanted; docs/guides/features.md.",
    ),
)
"""What else might do, with when; the rules themselves choose one."""


class Note(NamedTuple):
    """Something to know about the data, where it applies."""

    name: str
    applies: Callable[[Situation], bool]
    text: Callable[[Situation], str]


NOTES = (
    Note(
        "damaged",
        lambda s: s.data.damaged > 0,
        lambda s: (
            f"{plural(s.data.damaged, 'image')} cannot be read whole and count for nothing; "
            "`detectune data inspect SOURCE` names them."
        ),
    ),
    Note(
        "refused",
        lambda s: s.data.refused > 0,
        lambda s: (
            f"{plural(s.data.refused, 'annotation')} so wrong that no detector is trained on the "
            "data until they are mended; `detectune data inspect SOURCE` names them."
        ),
    ),
    Note(
        "unlabelled",
        lambda s: s.data.without_boxes > 0.5 * s.data.images,
        lambda s: (
            f"{s.data.without_boxes:,} of {s.data.images:,} images have no boxes. They teach that "
            "there is nothing. If nobody labelled them, leave them out."
        ),
    ),
    Note(
        "negatives",
        lambda s: 0 < s.data.without_boxes <= 0.5 * s.data.images,
        lambda s: f"{plural(s.data.without_boxes, 'image')} without boxes: negatives.",
    ),
    Note(
        "crowded",
        lambda s: s.data.most_boxes > 100,
        lambda s: (
            f"{s.data.most_boxes:,} boxes in one image: a detector of the zoo finds at most 100. "
            "Raise max_total_detections and max_detections_per_class of "
            "batch_non_max_suppression."
        ),
    ),
    Note(
        "rare-class",
        lambda s: len(s.data.used_classes) > 1 and s.data.rarest[1] < 20,
        lambda s: (
            f'{plural(s.data.rarest[1], "box")} of "{one_line(s.data.rarest[0])}": too few to '
            "measure how well it is found."
        ),
    ),
    Note(
        "unused-class",
        lambda s: 0 in s.data.boxes_per_class.values(),
        lambda s: (
            f"{plural(list(s.data.boxes_per_class.values()).count(0), 'class')} of the label map "
            "without a single box."
        ),
    ),
    Note(
        "blurred",
        lambda s: s.data.pictures is not None and s.data.pictures.blurred > 0.3,
        lambda s: (
            f"{_pictures(s).blurred:.0%} of {plural(_pictures(s).looked_at, 'image')} have "
            "little fine detail (variance of the Laplacian "
            f"{_pictures(s).sharpness:.0f} in the middle): out of focus, or smooth by nature, as "
            "under a microscope. Blurred pictures should be among those to train on if they will "
            "come later."
        ),
    ),
    Note(
        "dark",
        lambda s: s.data.pictures is not None and s.data.pictures.dark > 0.3,
        lambda s: (
            f"{_pictures(s).dark:.0%} of {plural(_pictures(s).looked_at, 'image')} are dark "
            f"(brightness {_pictures(s).brightness:.0f} of 255 in the middle): "
            "random_adjust_brightness is an augmentation that helps with other light."
        ),
    ),
    Note(
        "known-by-name",
        lambda s: bool(s.data.coco_classes) and not s.data.whole_images,
        lambda s: (
            f"{len(s.data.coco_classes)} of {plural(len(s.data.used_classes), 'class')} "
            "are called like COCO's. Try the zoo's detector as it is first: it may be enough."
        ),
    ),
)
"""What else is worth saying."""


def knows_all_classes(situation: Situation) -> bool:
    """Whether the zoo's detectors know every class by its name."""
    return len(situation.data.coco_classes) == len(situation.data.used_classes)


def steps_of_all(situation: Situation) -> float:
    """How many steps of 8 images, all of the smallest model trained, the user's minutes allow;
    infinite if there is no limit, or the machine's speed is not known."""
    if situation.minutes is None or not situation.speed.known:
        return math.inf
    slowness = situation.speed.slowness
    step = 8 * cost_of(SMALLEST).train_seconds * slowness
    return (situation.minutes * 60.0 - START_SECONDS * slowness) / step


class Decided(NamedTuple):
    """What a table of rules decided."""

    choice: str
    reason: str
    rule: str
    origin: str


def decide(rules: Sequence[Rule], situation: Situation) -> Decided:
    """What the first rule that applies says."""
    rule = next(rule for rule in rules if rule.applies(situation))
    return Decided(rule.choice, rule.reason(situation), rule.name, rule.origin)


def alternatives(situation: Situation, method: str) -> list[str]:
    """What else might do."""
    return [one.text for one in ALTERNATIVES if one.applies(situation, method)]


def notes(situation: Situation) -> list[str]:
    """What is worth saying about the data."""
    return [note.text(situation) for note in NOTES if note.applies(situation)]


def _middle(situation: Situation) -> int:
    """The median of the numbers of boxes of the classes."""
    counts = sorted(situation.data.used_classes.values())
    return counts[len(counts) // 2] if counts else 0


def _pictures(situation: Situation) -> Pictures:
    pictures = situation.data.pictures
    assert pictures is not None
    return pictures
