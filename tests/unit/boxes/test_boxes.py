"""Box math: conversions, overlap, codes."""

from __future__ import annotations

import numpy as np
import pytest

from detectune.boxes.coders import FasterRcnnBoxCoder
from detectune.boxes.convert import clip, from_center_size, to_center_size, to_fractions
from detectune.boxes.iou import pairwise_iou

BOXES = np.array([[10.0, 20.0, 30.0, 60.0], [0.0, 0.0, 5.0, 5.0]], np.float32)


def test_center_and_size_give_the_corners_back():
    assert to_center_size(BOXES[0]) == (20.0, 40.0, 20.0, 40.0)
    np.testing.assert_allclose(from_center_size(*to_center_size(BOXES)), BOXES)


def test_clipping_cuts_boxes_to_the_window_and_empties_those_outside():
    window = np.array([5.0, 0.0, 20.0, 30.0], np.float32)
    far = np.array([[50.0, 50.0, 60.0, 60.0]], np.float32)
    np.testing.assert_allclose(clip(BOXES[:1], window), [[10, 20, 20, 30]])
    np.testing.assert_allclose(clip(far, window), [[20, 30, 20, 30]])


def test_overlap_of_half_covered_boxes_is_a_third():
    a = np.array([[0.0, 0.0, 10.0, 10.0]], np.float32)
    b = np.array([[0.0, 5.0, 10.0, 15.0], [20.0, 20.0, 30.0, 30.0]], np.float32)
    np.testing.assert_allclose(pairwise_iou(a, b), [[1 / 3, 0.0]], rtol=1e-6)


def test_empty_boxes_overlap_nothing_and_give_no_nan():
    empty = np.zeros((1, 4), np.float32)
    np.testing.assert_array_equal(pairwise_iou(empty, np.concatenate([empty, BOXES])), [[0, 0, 0]])


def test_tensors_and_arrays_give_the_same_overlap():
    from keras import ops

    found = pairwise_iou(ops.convert_to_tensor(BOXES), BOXES)
    np.testing.assert_allclose(np.asarray(found), pairwise_iou(BOXES, BOXES), atol=1e-6)


def test_a_code_is_shift_over_size_and_logarithm_of_the_ratio():
    anchor = np.array([0.0, 0.0, 10.0, 20.0], np.float32)
    box = np.array([5.0, 0.0, 25.0, 20.0], np.float32)  # 10 lower, twice as high
    np.testing.assert_allclose(
        FasterRcnnBoxCoder((10, 10, 5, 5)).encode(box, anchor), [10, 0, 5 * np.log(2), 0], atol=1e-5
    )


@pytest.mark.parametrize("scales", [(1, 1, 1, 1), (10, 10, 5, 5)])
def test_decoding_inverts_encoding(scales):
    coder = FasterRcnnBoxCoder(scales)
    anchors = np.array([[8.0, 8.0, 40.0, 50.0], [1.0, 2.0, 9.0, 8.0]], np.float32)
    np.testing.assert_allclose(
        coder.decode(coder.encode(BOXES, anchors), anchors), BOXES, atol=1e-4
    )


def test_fractions_divide_by_height_and_width():
    boxes = np.array([[[10.0, 20.0, 50.0, 40.0]]], np.float32)
    np.testing.assert_allclose(to_fractions(boxes, np.array([[100, 40]])), [[[0.1, 0.5, 0.5, 1.0]]])
