"""Suppression: against a plain greedy loop, and its edge cases."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from detectune.boxes.iou import pairwise_iou
from detectune.boxes.nms import NonMaxSuppression

WINDOW = np.array([[0.0, 0.0, 100.0, 100.0]], np.float32)


def greedy(boxes, scores, settings):
    """The textbook algorithm, class by class; (box index, class) best first."""
    found = []
    for kind in range(scores.shape[1]):
        kept: list[int] = []
        for index in np.argsort(-scores[:, kind], kind="stable"):
            if scores[index, kind] <= settings.score_threshold:
                break
            overlaps = pairwise_iou(boxes[[index]], boxes[kept]) if kept else np.zeros((1, 1))
            if overlaps.max() <= settings.iou_threshold and len(kept) < settings.max_per_class:
                kept.append(int(index))
        found += [(scores[index, kind], index, kind) for index in kept]
    inside = [
        row
        for row in sorted(found, key=lambda row: -row[0])
        if min(boxes[row[1]][2:]) > 0 and max(boxes[row[1]][:2]) < 100
    ]
    return [(index, kind) for _, index, kind in inside[: settings.max_detections]]


def random_boxes(count, seed, spread=110):
    random = np.random.default_rng(seed)
    corners = random.uniform(-20, spread, (count, 2))
    return np.concatenate([corners, corners + random.uniform(5, 40, (count, 2))], 1).astype("f4")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("block_size", [3, 16, 512])
def test_the_answer_is_that_of_the_greedy_loop_whatever_the_block_size(seed, block_size):
    boxes = random_boxes(60, seed)
    scores = np.random.default_rng(seed + 50).uniform(0, 1, (60, 3)).astype(np.float32)
    settings = NonMaxSuppression(
        score_threshold=0.2, iou_threshold=0.4, max_per_class=9, max_detections=20,
        block_size=block_size,
    )  # fmt: skip
    kept = settings(boxes[None], scores[None], WINDOW)
    count = int(np.asarray(kept.valid).sum())
    ours = list(
        zip(np.asarray(kept.indices)[0][:count], np.asarray(kept.classes)[0][:count], strict=True)
    )
    assert ours == greedy(boxes, scores, settings)


def test_of_two_boxes_on_one_object_the_better_stays():
    boxes = np.array([[[0, 0, 10, 10], [0, 1, 10, 11], [50, 50, 60, 60]]], np.float32)
    scores = np.array([[[0.6], [0.9], [0.3]]], np.float32)
    kept = NonMaxSuppression(iou_threshold=0.5, max_detections=5)(boxes, scores, WINDOW)
    np.testing.assert_array_equal(np.asarray(kept.indices)[0], [1, 2, 0, 0, 0])
    np.testing.assert_array_equal(np.asarray(kept.valid)[0], [1, 1, 0, 0, 0])
    np.testing.assert_allclose(np.asarray(kept.scores)[0], [0.9, 0.3, 0, 0, 0])


def test_boxes_of_different_classes_do_not_compete_unless_asked_to():
    boxes = np.array([[[0, 0, 10, 10], [0, 0, 10, 10]]], np.float32)
    scores = np.array([[[0.9, 0.1], [0.2, 0.8]]], np.float32)
    apart = NonMaxSuppression(score_threshold=0.5, max_detections=4)
    together = NonMaxSuppression(score_threshold=0.5, max_detections=4, class_agnostic=True)
    assert np.asarray(apart(boxes, scores, WINDOW).valid).sum() == 2
    assert np.asarray(together(boxes, scores, WINDOW).valid).sum() == 1


def test_images_of_a_batch_do_not_influence_each_other():
    boxes = np.stack([random_boxes(30, 1), random_boxes(30, 2)])
    scores = np.random.default_rng(9).uniform(0, 1, (2, 30, 2)).astype(np.float32)
    nms = NonMaxSuppression(iou_threshold=0.3, max_detections=10, block_size=8)
    windows = np.repeat(WINDOW, 2, 0)
    both = nms(boxes, scores, windows)
    for image in range(2):
        alone = nms(boxes[[image]], scores[[image]], WINDOW)
        np.testing.assert_array_equal(np.asarray(both.indices)[image], np.asarray(alone.indices)[0])


def test_no_box_above_the_threshold_gives_only_padding():
    scores = np.zeros((1, 30, 2), np.float32)
    kept = NonMaxSuppression(score_threshold=0.1)(random_boxes(30, 3)[None], scores, WINDOW)
    assert not np.asarray(kept.valid).any()
    assert not np.asarray(kept.boxes).any()


def test_a_box_outside_the_window_is_dropped_but_suppresses_first():
    boxes = np.array([[[-40, -40, -1, -1], [-40, -40, 0.5, 0.5], [20, 20, 40, 40]]], np.float32)
    scores = np.array([[[0.9], [0.8], [0.7]]], np.float32)
    kept = NonMaxSuppression(iou_threshold=0.5, max_detections=3)(boxes, scores, WINDOW)
    np.testing.assert_array_equal(np.asarray(kept.valid)[0], [1, 0, 0])
    assert np.asarray(kept.indices)[0, 0] == 2


def test_a_box_for_each_class_is_found_where_the_batch_size_is_not_known():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("shapes are always known on this backend")
    import tensorflow as tf

    boxes = np.stack([random_boxes(20, seed) for seed in range(3)], axis=1)[None]
    scores = np.random.default_rng(7).uniform(0, 1, (1, 20, 3)).astype(np.float32)
    settings = NonMaxSuppression(iou_threshold=0.4, max_per_class=9, max_detections=12)
    free = [tf.TensorSpec([None, *part.shape[1:]]) for part in (boxes, scores)]
    graph = tf.function(lambda *parts: settings(*parts, WINDOW), input_signature=free)
    expected, found = settings(boxes, scores, WINDOW), graph(boxes, scores)
    assert np.asarray(expected.valid).all()
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
