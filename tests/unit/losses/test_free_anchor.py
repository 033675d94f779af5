"""FreeAnchor against the equations of the paper, box by box in float64."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from detectune.boxes.coders import FasterRcnnBoxCoder
from detectune.losses.free_anchor import FreeAnchorLoss
from detectune.structures import GroundTruth, Predictions
from detectune.targets.anchor_bags import BagAssigner

BAG, CLASSES = 6, 3
CODER = FasterRcnnBoxCoder((10.0, 10.0, 5.0, 5.0))
LOSS = FreeAnchorLoss(CODER, CLASSES)


def iou(one, other):
    height = min(one[2], other[2]) - max(one[0], other[0])
    width = min(one[3], other[3]) - max(one[1], other[1])
    common = max(height, 0.0) * max(width, 0.0)
    sides = [(b[2] - b[0]) * (b[3] - b[1]) for b in (one, other)]
    return common / max(sum(sides) - common, 1e-30)


def smooth(x, delta=0.11):
    return 0.5 * x**2 / delta if abs(x) < delta else abs(x) - 0.5 * delta


def reference(codes, logits, anchors, boxes, classes, weights):
    """Equations 4 to 7, for lists of boxes of every image."""
    positive, negative = 0.0, 0.0
    total = max(sum(sum(one) for one in weights), 1.0)
    for image in range(len(boxes)):
        scores = 1 / (1 + np.exp(-logits[image]))
        near = np.zeros((len(anchors), CLASSES))
        predicted = CODER.decode(codes[image], anchors)
        for box, kind, weight in zip(boxes[image], classes[image], weights[image], strict=True):
            overlaps = np.array([iou(box, anchor) for anchor in anchors])
            bag = np.argsort(-overlaps, kind="stable")[:BAG]
            wanted = CODER.encode(np.tile(box, (len(anchors), 1)), anchors)
            both = np.array([
                scores[j, kind]
                * np.exp(-0.75 * sum(smooth(c) for c in codes[image, j] - wanted[j]))
                for j in bag
            ])  # fmt: skip
            rarity = 1 / np.maximum(1 - both, 1e-12)
            positive -= 0.5 * weight * np.log((rarity * both).sum() / rarity.sum())
            located = np.array([iou(box, one) for one in predicted])
            best = max(located.max(), 0.6 + 1e-12)
            likely = np.clip((located - 0.6) / (best - 0.6), 0, 1)
            near[:, kind] = np.maximum(near[:, kind], likely)
        wrong = scores * (1 - near)
        negative -= 0.5 * (wrong**2 * np.log(1 - wrong)).sum()
    return positive / total, negative / (total * BAG)


@pytest.fixture
def case():
    random = np.random.default_rng(5)
    centres = np.stack(np.meshgrid(np.arange(8, 64, 16), np.arange(8, 64, 16)), -1).reshape(-1, 2)
    anchors = np.concatenate([
        np.concatenate([centres - size / 2, centres + size / 2], -1) for size in (14.0, 24.0)
    ])  # fmt: skip
    codes = random.normal(0, 0.4, (2, len(anchors), 4))
    logits = random.normal(-1, 1, (2, len(anchors), CLASSES))
    boxes = [[[3.0, 4, 17, 15], [20, 20, 44, 41], [2, 6, 15, 18]], [[30.0, 5, 52, 30]]]
    classes, weights = [[0, 2, 0], [1]], [[1.0, 0.5, 1], [1.0]]
    # Some predictions that are nearly right, so that anchors may have objects.
    for image, kind in ((0, 1), (1, 0)):
        codes[image] += 0.9 * (CODER.encode(np.array(boxes[image][kind]), anchors) - codes[image])
    return anchors, codes, logits, boxes, classes, weights


def padded(boxes, classes, weights, *, rows=5, labelled=None):
    truth = GroundTruth(
        np.zeros((2, rows, 4), np.float32), np.zeros((2, rows), np.int32),
        np.zeros((2, rows), bool), np.zeros((2, rows), np.float32), labelled=labelled,
    )  # fmt: skip
    for image, (mine, kinds, much) in enumerate(zip(boxes, classes, weights, strict=True)):
        count = len(mine)
        truth.boxes[image, :count] = np.reshape(mine, (count, 4))
        truth.classes[image, :count] = kinds
        truth.valid[image, :count], truth.weights[image, :count] = True, much
    return truth


def losses(codes, logits, anchors, truth):
    bags = BagAssigner(BAG)(anchors.astype(np.float32), truth)
    return LOSS(Predictions(codes, logits), bags, anchors.astype(np.float32))


def test_the_loss_is_that_of_the_paper(case):
    anchors, codes, logits, boxes, classes, weights = case
    expected = reference(codes, logits, anchors, boxes, classes, weights)
    found = losses(np.float32(codes), np.float32(logits), anchors, padded(boxes, classes, weights))
    assert [float(found[name]) for name in LOSS.names] == pytest.approx(expected, rel=1e-5)


def test_the_gradients_are_those_of_the_paper(case):
    import tensorflow as tf

    anchors, codes, logits, boxes, classes, weights = case
    if keras.backend.backend() != "tensorflow":
        pytest.skip("gradients are taken on TensorFlow")
    truth = padded(boxes, classes, weights)
    ours_codes, ours_logits = tf.Variable(np.float32(codes)), tf.Variable(np.float32(logits))
    with tf.GradientTape() as tape:
        found = losses(ours_codes.value(), ours_logits.value(), anchors, truth)
        total = sum(found.values())
    by_codes, by_logits = tape.gradient(total, [ours_codes, ours_logits])

    # What an anchor may have near by is no function that is learned through.
    fixed = near_of(codes, anchors, boxes, classes)

    def total_at(codes, logits):
        return frozen_reference(codes, logits, anchors, boxes, classes, weights, fixed)

    random = np.random.default_rng(0)
    largest = float(max(np.abs(by_codes).max(), np.abs(by_logits).max()))
    for _ in range(60):
        place = random.integers(0, 2), random.integers(0, len(anchors))
        for values, gradient, width in ((codes, by_codes, 4), (logits, by_logits, CLASSES)):
            where = (*place, random.integers(0, width))
            step = np.zeros_like(values)
            step[where] = 1e-6
            if values is codes:
                slope = (total_at(codes + step, logits) - total_at(codes - step, logits)) / 2e-6
            else:
                slope = (total_at(codes, logits + step) - total_at(codes, logits - step)) / 2e-6
            assert float(gradient[where]) == pytest.approx(slope, abs=1e-5 * largest, rel=1e-3)


def near_of(codes, anchors, boxes, classes):
    near = np.zeros((2, len(anchors), CLASSES))
    for image in range(2):
        predicted = CODER.decode(codes[image], anchors)
        for box, kind in zip(boxes[image], classes[image], strict=True):
            located = np.array([iou(box, one) for one in predicted])
            best = max(located.max(), 0.6 + 1e-12)
            likely = np.clip((located - 0.6) / (best - 0.6), 0, 1)
            near[image, :, kind] = np.maximum(near[image, :, kind], likely)
    return near


def frozen_reference(codes, logits, anchors, boxes, classes, weights, near):
    positive, _ = reference(codes, logits, anchors, boxes, classes, weights)
    total = max(sum(sum(one) for one in weights), 1.0)
    wrong = (1 / (1 + np.exp(-logits))) * (1 - near)
    return positive - 0.5 * (wrong**2 * np.log(1 - wrong)).sum() / (total * BAG)


def test_an_image_without_boxes_teaches_that_nothing_is_there(case):
    anchors, codes, logits, *_ = case
    found = losses(
        np.float32(codes), np.float32(logits), anchors, padded([[], []], [[], []], [[], []])
    )
    assert float(found["positive_bag_loss"]) == 0
    scores = 1 / (1 + np.exp(-logits))
    expected = -0.5 * (scores**2 * np.log(1 - scores)).sum() / BAG
    assert float(found["negative_bag_loss"]) == pytest.approx(expected, rel=1e-5)


def test_an_image_that_is_not_labelled_counts_in_neither_loss(case):
    anchors, codes, logits, boxes, classes, weights = case
    both = padded(boxes, classes, weights, labelled=np.array([False, True]))
    found = losses(np.float32(codes), np.float32(logits), anchors, both)
    alone = reference(codes[1:], logits[1:], anchors, boxes[1:], classes[1:], weights[1:])
    assert [float(found[name]) for name in LOSS.names] == pytest.approx(alone, rel=1e-5)


def test_a_bag_goes_from_its_mean_to_its_maximum():
    """Equation 6: with one sure anchor the others do not matter."""
    anchors = np.float32([[0, 0, 10, 10], [0, 0, 10, 10.0]])
    truth = padded([[[0.0, 0, 10, 10]], []], [[0], []], [[1.0], []], rows=1)
    codes = np.zeros((2, 2, 4), np.float32)

    def found(first, second):
        scores = np.array([first, second], np.float32)
        logits = np.full((2, 2, CLASSES), -20.0, np.float32)
        logits[0, :, 0] = np.log(scores / (1 - scores))
        bags = BagAssigner(2)(anchors, truth)
        value = LOSS(Predictions(codes, logits), bags, anchors)["positive_bag_loss"]
        return np.exp(-2 * float(value))

    assert found(0.01, 0.03) == pytest.approx(0.02, rel=0.05)
    assert found(0.9999, 0.1) == pytest.approx(0.9999, rel=1e-2)
    assert ops.ndim(truth.boxes) == 3
