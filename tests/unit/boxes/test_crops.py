"""Crops: how much surroundings they show, and which pixels."""

from __future__ import annotations

import numpy as np
import pytest

from detectune.boxes.crops import sampled, with_context


def test_the_published_crop_has_16_pixels_of_surroundings_on_each_side():
    # A box of 195 pixels fills the inner 195 of 227.
    (grown,) = with_context(np.array([[100, 200, 295, 395]], np.float32), 16.0)
    np.testing.assert_allclose(grown, [84, 184, 311, 411], atol=1e-4)


def test_sides_grow_in_proportion():
    (grown,) = with_context(np.array([[0, 0, 195, 39]], np.float32), 16.0)
    np.testing.assert_allclose(grown, [-16, -3.2, 211, 42.2], atol=1e-4)


def test_without_context_boxes_stay():
    boxes = np.array([[1, 2, 3, 5]], np.float32)
    np.testing.assert_allclose(with_context(boxes, 0.0), boxes)


@pytest.mark.parametrize(("size", "first", "last"), [(8, 2.0, 9.0), (4, 2.5, 8.5), (2, 3.5, 7.5)])
def test_samples_are_in_the_middle_of_their_parts(size, first, last):
    # Columns 2 to 10 of 21: pixel 2 is where 2.5 is.
    (box,) = sampled(np.array([[2, 2, 10, 10]], np.float32), size, (21, 21))
    np.testing.assert_allclose(box * 20, [first, first, last, last], atol=1e-5)
