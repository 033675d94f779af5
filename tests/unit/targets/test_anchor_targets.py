"""Targets: what each anchor should say."""

from __future__ import annotations

import numpy as np

from detectune.boxes.coders import FasterRcnnBoxCoder
from detectune.structures import GroundTruth
from detectune.targets.anchor_targets import AnchorAssigner
from detectune.targets.matchers import ArgmaxMatcher

ANCHORS = np.array([[0, 0, 10, 10], [0, 0, 10, 14], [30, 30, 50, 50], [80, 80, 90, 90]], np.float32)


def assign(boxes, weights=None, **options):
    count = len(boxes)
    truth = GroundTruth(
        np.array([[*boxes, [0, 0, 0, 0]]], np.float32),
        np.array([[*range(1, count + 1), 0]], np.int32),
        np.array([[True] * count + [False]]),
        np.array([[*(weights or [1.0] * count), 0.0]], np.float32),
    )
    matcher = ArgmaxMatcher(force_match=options.pop("force", True), **options.pop("matcher", {}))
    assigner = AnchorAssigner(matcher, FasterRcnnBoxCoder(), num_classes=4, **options)
    return [np.asarray(part)[0] for part in assigner(ANCHORS, truth)]


def test_an_anchor_on_a_box_learns_its_code_and_class():
    codes, box_weights, classes, class_weights, matches = assign([[0, 0, 10, 10]])
    np.testing.assert_array_equal(matches, [0, 0, -1, -1])
    np.testing.assert_array_equal(box_weights, [1, 1, 0, 0])
    np.testing.assert_allclose(codes[0], 0, atol=1e-6)
    np.testing.assert_array_equal(classes[0], [0, 0, 1, 0, 0])  # column 0 is the background
    np.testing.assert_array_equal(class_weights, [1, 1, 1, 1])


def test_padding_never_becomes_a_positive():
    *_, matches = assign([[0, 0, 10, 10]])
    assert matches[2] == matches[3] == -1


def test_a_box_that_no_anchor_fits_still_claims_its_best_one():
    *_, matches = assign([[0, 0, 10, 10], [32, 32, 38, 38]])
    np.testing.assert_array_equal(matches, [0, 0, 1, -1])
    *_, without = assign([[0, 0, 10, 10], [32, 32, 38, 38]], force=False)
    np.testing.assert_array_equal(without, [0, 0, -1, -1])


def test_a_box_of_weight_zero_silences_its_anchor_but_claims_none():
    _, box_weights, _, class_weights, matches = assign(
        [[0, 0, 10, 10], [30, 30, 36, 36]], weights=[0.0, 0.0]
    )
    np.testing.assert_array_equal(matches, [0, 0, -1, -1])
    np.testing.assert_array_equal(box_weights, [0, 0, 0, 0])
    np.testing.assert_array_equal(class_weights, [0, 0, 1, 1])


def test_anchors_between_the_thresholds_are_ignored():
    *_, class_weights, matches = assign(
        [[0, 0, 10, 10]],
        matcher={"matched_threshold": 0.9, "unmatched_threshold": 0.5},
    )
    np.testing.assert_array_equal(matches, [0, -2, -1, -1])
    np.testing.assert_array_equal(class_weights, [1, 0, 1, 1])


def test_background_is_a_class_of_its_own_when_asked():
    classes = assign([[0, 0, 10, 10]], background_as_zeros=False)[2]
    np.testing.assert_array_equal(classes[3], [1, 0, 0, 0, 0])
    assert assign([[0, 0, 10, 10]], background_column=False)[2].shape == (4, 4)


def test_an_image_without_boxes_is_all_background():
    codes, box_weights, classes, class_weights, matches = assign([])
    assert not codes.any()
    assert not box_weights.any()
    assert not classes.any()
    np.testing.assert_array_equal(class_weights, 1)
    np.testing.assert_array_equal(matches, -1)
