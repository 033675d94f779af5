"""Soft suppression: against a plain greedy loop, and its edge cases."""

from __future__ import annotations

import numpy as np
import pytest

from detectune.boxes.iou import pairwise_iou
from detectune.boxes.soft_nms import SoftNonMaxSuppression

WINDOW = np.array([[0.0, 0.0, 100.0, 100.0]], np.float32)


def greedy(boxes, scores, settings):
    """Take the best, lower what overlaps it, again: (score, box index, class), best first."""
    found = []
    for kind in range(scores.shape[1]):
        left = scores[:, kind].astype(np.float64).copy()
        for _ in range(settings.max_per_class):
            best = int(np.argmax(left))
            if left[best] <= settings.score_threshold:
                break
            found.append((left[best], best, kind))
            overlap = pairwise_iou(boxes[[best]], boxes)[0]
            left *= np.exp(-(overlap**2) / (2 * settings.sigma))
            left[overlap > settings.iou_threshold] = 0
            left[best] = 0
    return sorted(found, key=lambda row: -row[0])[: settings.max_detections]


def random_case(count, classes, seed):
    random = np.random.default_rng(seed)
    corners = random.uniform(0, 60, (count, 2))
    boxes = np.concatenate([corners, corners + random.uniform(10, 40, (count, 2))], 1)
    return boxes.astype("f4"), random.uniform(0, 1, (count, classes)).astype("f4")


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2))])
@pytest.mark.parametrize("pool", [2, 7, 400])
@pytest.mark.parametrize("iou_threshold", [0.5, 1.0])
def test_the_answer_is_that_of_the_greedy_loop_whatever_the_pool(seed, pool, iou_threshold):
    boxes, scores = random_case(50, 2, seed)
    settings = SoftNonMaxSuppression(
        0.3, score_threshold=0.1, iou_threshold=iou_threshold, max_per_class=12,
        max_detections=15, pool=pool,
    )  # fmt: skip
    kept = settings(boxes[None], scores[None], WINDOW)
    expected = greedy(boxes, scores, settings)
    count = len(expected)
    assert int(np.asarray(kept.valid).sum()) == count
    np.testing.assert_array_equal(np.asarray(kept.indices)[0, :count], [r[1] for r in expected])
    np.testing.assert_array_equal(np.asarray(kept.classes)[0, :count], [r[2] for r in expected])
    np.testing.assert_allclose(
        np.asarray(kept.scores)[0, :count], [r[0] for r in expected], rtol=1e-5
    )


def test_a_box_on_another_one_keeps_a_lower_score():
    boxes = np.array([[[0, 0, 10, 10], [0, 1, 10, 11], [50, 50, 60, 60]]], np.float32)
    scores = np.array([[[0.6], [0.9], [0.4]]], np.float32)
    kept = SoftNonMaxSuppression(0.5, max_detections=3)(boxes, scores, WINDOW)
    assert np.asarray(kept.indices).tolist() == [[1, 2, 0]]
    overlap = 90 / 110
    np.testing.assert_allclose(kept.scores, [[0.9, 0.4, 0.6 * np.exp(-(overlap**2))]], rtol=1e-6)


def test_nothing_above_the_threshold_is_no_detection():
    boxes, scores = random_case(5, 2, 0)
    kept = SoftNonMaxSuppression(0.5, score_threshold=2.0)(boxes[None], scores[None], WINDOW)
    assert not np.asarray(kept.valid).any()
    assert not np.asarray(kept.boxes).any()
