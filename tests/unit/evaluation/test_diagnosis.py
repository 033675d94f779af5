"""Each cause of an mAP near 0 is provoked and named; a detector that is only weak has none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detectune.evaluation.coco_tables import ImageRows, box_areas
from detectune.evaluation.diagnosis import diagnose
from detectune.evaluation.faults.base import Finding, TrainingFacts

NAMES = {1: "bolt", 2: "nut", 3: "washer", 4: "screw"}
HEIGHT, WIDTH = 300, 500
NOTHING = TrainingFacts()


def truth(seed: int, count: int = 40, height: int = HEIGHT, width: int = WIDTH) -> list[ImageRows]:
    """Images with one to three objects, wide or tall, and a detector that finds all of them."""
    random = np.random.default_rng(seed)
    images = []
    for _ in range(count):
        objects = int(random.integers(1, 4))
        tall = random.uniform(0.15, 0.45, objects) * height
        wide = random.uniform(0.05, 0.2, objects) * width
        top = random.uniform(0, height - tall)
        left = random.uniform(0, width - wide)
        boxes = np.stack([top, left, top + tall, left + wide], axis=1).astype(np.float32)
        classes = random.integers(1, 4, objects)
        near = boxes + random.normal(0, 2.0, boxes.shape).astype(np.float32)
        images.append(
            ImageRows(
                boxes, classes, np.zeros(objects, bool), box_areas(boxes), near,
                random.uniform(0.5, 0.95, objects), classes, size=(height, width),
            )
        )  # fmt: skip
    return images


def changed(images: list[ImageRows], **changes) -> list[ImageRows]:
    return [replace(im, **{name: f(im) for name, f in changes.items()}) for im in images]


def causes(images: list[ImageRows], facts: TrainingFacts = NOTHING) -> list[str]:
    return [finding.cause for finding in diagnose(images, NAMES, facts)]


def only(images: list[ImageRows], facts: TrainingFacts = NOTHING) -> Finding:
    (finding,) = diagnose(images, NAMES, facts)
    return finding


# --- boxes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_swapped_axes_are_named(seed):
    swapped = changed(truth(seed), boxes=lambda im: im.boxes[:, [1, 0, 3, 2]])
    finding = only(swapped)
    assert finding.cause == "swapped_axes"
    assert "of the objects are where a box was found, once x and y are swapped" in finding.seen
    assert "data inspect" in finding.advice


def test_fractions_whose_axes_are_swapped_are_named():
    scale = np.array([HEIGHT / WIDTH, WIDTH / HEIGHT] * 2)
    assert causes(changed(truth(1), boxes=lambda im: im.boxes[:, [1, 0, 3, 2]] * scale)) == [
        "swapped_axes"
    ]


def test_fractions_among_pixels_are_named():
    side = np.array([HEIGHT, WIDTH] * 2)
    assert only(changed(truth(2), boxes=lambda im: im.boxes / side)).cause == "fractions"
    assert only(changed(truth(2), truth_boxes=lambda im: im.truth_boxes / side)).cause == "pixels"


def test_padding_that_is_not_counted_is_named():
    squeezed = np.array([HEIGHT / WIDTH, 1.0] * 2)
    finding = only(changed(truth(3), boxes=lambda im: im.boxes * squeezed))
    assert finding.cause == "padding"
    assert "as if the picture had been padded to a square" in finding.seen
    assert causes(changed(truth(3), boxes=lambda im: im.boxes / squeezed)) == ["padding"]


@pytest.mark.parametrize("scale", [0.5, 2.0, 1 / 3])
def test_pictures_of_another_size_are_named(scale):
    finding = only(changed(truth(4), boxes=lambda im: im.boxes * scale))
    assert finding.cause == "scaled"
    assert f"scaled by {1 / scale:.2g}" in finding.seen.replace(".01", "").replace("2.99", "3")


# --- classes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1, -1])
def test_classes_off_by_one_are_named(step):
    finding = only(changed(truth(5), classes=lambda im: im.classes + step))
    assert finding.cause == "classes_off_by_one"
    assert f"classes are off by {step:+d}" in finding.seen
    assert ('"bolt" is called "nut"' if step == 1 else '"bolt" is called class 0') in finding.seen
    assert "label_map_path" in finding.advice


def test_permuted_classes_are_named():
    order = np.array([0, 3, 1, 2])
    finding = only(changed(truth(6), classes=lambda im: order[im.classes]))
    assert finding.cause == "classes_permuted"
    assert finding.seen == (
        'boxes are right but classes are permuted: "bolt" is called "washer", "nut" is called '
        '"bolt", "washer" is called "nut"'
    )


def test_classes_without_training_data_are_named():
    finding = only(truth(7), TrainingFacts(trained={1: 50, 2: 0}))
    assert finding.cause == "untrained_classes"
    assert finding.seen.endswith('without a box in the training data: "nut", "washer"')
    assert causes(truth(7), TrainingFacts(trained={1: 5, 2: 5, 3: 5})) == []


def test_classes_by_the_wrong_number_are_not_called_untrained():
    shifted = changed(truth(5), truth_classes=lambda im: im.truth_classes + 1)
    assert causes(shifted, TrainingFacts(trained={1: 50, 2: 50, 3: 50})) == ["classes_off_by_one"]


def test_untrained_classes_that_are_called_what_they_look_like_are_not_called_permuted():
    others = changed(
        truth(5),
        truth_classes=lambda im: im.truth_classes % 2 + 3,
        classes=lambda im: im.classes % 2 + 1,
    )
    assert causes(others) == ["classes_permuted"]
    assert causes(others, TrainingFacts(trained={1: 50, 2: 50})) == ["untrained_classes"]


# --- scores and training --------------------------------------------------------------------------


def test_low_scores_are_named():
    weak = changed(truth(8), scores=lambda im: im.scores * 0.05, boxes=lambda im: im.boxes * 0 + 1)
    finding = only(weak)
    assert finding.cause == "low_scores"
    assert finding.seen == "no box has a score above 0.047"


def test_an_evaluation_without_a_single_box_is_named():
    none = changed(
        truth(9),
        boxes=lambda im: im.boxes[:0],
        scores=lambda im: im.scores[:0],
        classes=lambda im: im.classes[:0],
    )
    finding = only(none)
    assert finding.cause == "nothing_found"
    assert "score_threshold" in finding.advice


FALLING = [2.0 * 0.9**step for step in range(20)]


@pytest.mark.parametrize(
    ("facts", "cause"),
    [
        (TrainingFacts(FALLING, [0.01], statistics_left=0.3), "lagging_statistics"),
        (TrainingFacts([2.0, 2.001, 1.999, 2.0] * 4, [1e-7]), "learning_rate_too_small"),
        (TrainingFacts([2.0, 1.5, 1.0, 1.0, 3.0, 9.0, 20.0, 20.0], [0.5]),
         "learning_rate_too_large"),
    ],
)  # fmt: skip
def test_the_numbers_of_the_training_name_their_cause(facts, cause):
    assert causes(weak_detector(1), facts) == [cause]


def test_clipping_is_not_advised_where_gradients_are_clipped():
    rising = [2.0, 1.5, 1.0, 1.0, 3.0, 9.0, 20.0, 20.0]
    assert "gradient_clipping" in only(weak_detector(1), TrainingFacts(rising, [0.5])).advice
    clipped = TrainingFacts(rising, [0.5], clips=True)
    assert only(weak_detector(1), clipped).advice == "Lower the learning rate to a tenth."


@pytest.mark.parametrize("losses", [[], [1.4, 1.3], [1.4, 1.3, 1.3, 1.35]])
def test_a_few_steps_are_named_where_the_loss_has_not_fallen(losses):
    finding = only(weak_detector(1), TrainingFacts(losses, [0.01], steps=4))
    assert finding.cause == "too_few_steps"
    fell = ", in which the loss went from 1.4 to 1.35" if len(losses) == 4 else ""
    assert finding.seen == f"the training had 4 steps{fell}"


def test_few_steps_are_no_cause_where_the_loss_fell_or_another_was_seen():
    assert causes(weak_detector(1), TrainingFacts(FALLING, [0.01], steps=100)) == []
    assert causes(weak_detector(1), TrainingFacts([2.0] * 16, [0.01], steps=5000)) == []
    standing = TrainingFacts([2.0] * 16, [1e-7], steps=50)
    assert causes(weak_detector(1), standing) == ["learning_rate_too_small"]


def test_the_numbers_of_a_sound_training_name_none():
    for facts in (
        TrainingFacts(FALLING, [0.01]),
        TrainingFacts(FALLING, [0.01], statistics_left=0.05),
        TrainingFacts([2.0] * 16, [0.01]),  # it may stand still for many reasons
        TrainingFacts([2.0, 1.9, 2.1, 1.8] * 4, [0.01], statistics_left=0.9),
        TrainingFacts([2.0], [0.01], statistics_left=0.9),
        TrainingFacts([float("nan")] * 8, [0.01]),
    ):
        assert causes(weak_detector(2), facts) == [], facts


# --- what must not be named -----------------------------------------------------------------------


def weak_detector(seed: int, kind: str = "random") -> list[ImageRows]:
    """Boxes that have little to do with the objects, as early in a training."""
    random = np.random.default_rng(seed)
    images = []
    for image in truth(seed, count=60):
        count = int(random.integers(5, 100))
        centres = random.uniform([0, 0], [HEIGHT, WIDTH], (count, 2))
        sizes = random.uniform(10, 150, (count, 2))
        if kind == "anchors":  # one size everywhere
            sizes = np.full((count, 2), 90.0)
        boxes = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
        classes = random.integers(1, 4, count)
        if kind == "one class":
            boxes[: len(image.truth_boxes)] = image.truth_boxes[:count]
            classes[:] = 1
        if kind == "some right":
            right = random.uniform(size=len(image.truth_boxes)) < 0.15
            boxes[: right.sum()] = image.truth_boxes[right][:count]
        scores = np.sort(random.uniform(0.05, 0.6, count))[::-1]
        images.append(replace(image, boxes=boxes, scores=scores, classes=classes))
    return images


@pytest.mark.parametrize("kind", ["random", "anchors", "one class", "some right"])
@pytest.mark.parametrize("seed", range(12))
def test_a_weak_detector_is_only_weak(seed, kind):
    assert causes(weak_detector(seed, kind)) == []


@pytest.mark.parametrize("seed", range(6))
def test_random_classes_are_no_permutation(seed):
    random = np.random.default_rng(seed)
    guessed = changed(truth(seed), classes=lambda im: random.integers(1, 4, len(im.classes)))
    assert causes(guessed) == []


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("size", [(300, 500), (400, 400)])
def test_a_good_detector_has_no_fault(seed, size):
    assert causes(truth(seed, 30, *size)) == []


def test_a_detector_with_boxes_too_small_is_not_called_scaled():
    def shrunk(image: ImageRows) -> np.ndarray:
        centre = (image.boxes[:, :2] + image.boxes[:, 2:]) / 2
        half = (image.boxes[:, 2:] - image.boxes[:, :2]) / 4
        return np.concatenate([centre - half, centre + half], axis=1)

    assert causes(changed(truth(3), boxes=shrunk)) == []


@pytest.mark.parametrize("count", [0, 1])
def test_a_handful_of_objects_proves_nothing(count):
    images = [image for image in truth(1) if len(image.truth_boxes) == 3][:count]
    assert causes(changed(images, boxes=lambda im: im.boxes[:, [1, 0, 3, 2]])) == []
