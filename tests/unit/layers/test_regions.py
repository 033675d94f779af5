"""Regions of feature maps."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from detectune.layers.regions import (
    crop_and_resize,
    crop_and_resize_levels,
    crop_masks,
    paste_masks,
    position_sensitive_pool,
    pyramid_levels,
)

RANDOM = np.random.default_rng(3)
MAPS = RANDOM.normal(size=(2, 9, 11, 18)).astype(np.float32)
BOXES = np.array(
    [[[0.1, 0.2, 0.7, 0.9], [0, 0, 1, 1]], [[0.5, 0.4, 0.9, 0.6], [0, 0, 0, 0]]], np.float32
)


def test_a_crop_of_everything_at_the_size_of_the_map_is_the_map():
    crops = crop_and_resize(MAPS, np.array([[[0, 0, 1, 1]]] * 2, np.float32), (9, 11))
    np.testing.assert_allclose(np.asarray(crops)[:, 0], MAPS, atol=1e-5)


def test_samples_outside_are_zero_and_fade_only_if_asked():
    ones = np.ones((1, 5, 5, 1), np.float32)
    # Samples half a cell above the map, on its first row, and half a cell below it.
    boxes = np.array([[[-0.125, 0, 0.125, 0], [0.875, 0, 1.125, 0]]], np.float32)
    hard = np.asarray(crop_and_resize(ones, boxes, (3, 1)))[0, :, :, 0, 0]
    soft = np.asarray(crop_and_resize(ones, boxes, (3, 1), soft_border=True))[0, :, :, 0, 0]
    np.testing.assert_allclose(hard, [[0, 1, 1], [1, 1, 0]])
    np.testing.assert_allclose(soft, [[0.5, 1, 1], [1, 1, 0.5]], atol=1e-6)


def test_every_box_is_cropped_from_the_map_of_its_level():
    coarse = MAPS[:, ::2, ::2]
    levels = np.array([[0, 1], [1, 0]], np.int32)
    both = np.asarray(crop_and_resize_levels([MAPS, coarse], BOXES, levels, (3, 3)))
    each = [np.asarray(crop_and_resize(maps, BOXES, (3, 3))) for maps in (MAPS, coarse)]
    expected = np.where(levels[..., None, None, None] == 0, *each)
    np.testing.assert_allclose(both, expected, atol=1e-6)


def test_the_gradient_of_a_crop_goes_to_the_cells_it_was_made_of():
    class Crop(keras.Model):
        def __init__(self):
            super().__init__()
            self.maps = self.add_weight(shape=(1, 3, 3, 1), initializer="zeros")

        def call(self, inputs):
            return ops.sum(crop_and_resize(self.maps, inputs, (1, 1)), axis=(1, 2, 3))

    model = Crop()
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss=lambda truth, said: -said)
    # The middle of the box lies on the edge between the cells (0, 0) and (0, 1).
    model.train_on_batch(np.array([[[0, 0, 0, 0.5]]], np.float32), np.zeros((1, 1), np.float32))
    expected = np.zeros((3, 3))
    expected[0, :2] = 0.5
    np.testing.assert_allclose(
        np.asarray(ops.stop_gradient(model.maps))[0, :, :, 0], expected, atol=1e-6
    )


def test_masks_are_cropped_of_the_matched_object():
    masks = (RANDOM.uniform(size=(2, 3, 16, 20)) > 0.5).astype(np.uint8)
    matches = np.array([[2, 0], [1, -1]], np.int32)
    found = np.asarray(crop_masks(masks, BOXES, matches, (5, 7)))
    for image, box in ((0, 0), (0, 1), (1, 0)):
        mask = masks[image, matches[image, box]][None, ..., None].astype(np.float32)
        expected = crop_and_resize(mask, BOXES[image : image + 1, box : box + 1], (5, 7))
        np.testing.assert_allclose(found[image, box], np.asarray(expected)[0, 0, ..., 0], atol=1e-6)


def test_a_pasted_mask_fills_its_box_and_nothing_else():
    box = np.array([[0.25, 0.5, 0.75, 1.0]], np.float32)
    pasted = np.asarray(paste_masks(np.ones((1, 4, 4), np.float32), box, (41, 21)))[0]
    assert pasted[10:31, 10:].min() == pytest.approx(1.0)
    assert pasted.sum() == pytest.approx(21 * 11)


def test_position_sensitive_scores_are_means_of_the_crops_of_all_parts():
    bins, found = (3, 2), np.asarray(position_sensitive_pool(MAPS, BOXES, (3, 2), (6, 4)))
    groups = MAPS.reshape(2, 9, 11, 6, 3)
    step = (BOXES[..., 2:] - BOXES[..., :2]) / bins
    expected = np.zeros((2, 2, 3))
    for y in range(3):
        for x in range(2):
            low = BOXES[..., :2] + step * (y, x)
            crops = crop_and_resize(
                groups[..., 2 * y + x, :], np.concatenate([low, low + step], axis=-1), (2, 2)
            )
            expected += np.asarray(crops).mean(axis=(2, 3)) / 6
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_position_sensitive_scores_are_the_same_in_a_compiled_graph():
    inputs = [keras.Input(batch_shape=array.shape) for array in (MAPS, BOXES)]
    network = keras.Model(inputs, position_sensitive_pool(*inputs, (3, 2), (6, 4)))
    expected = position_sensitive_pool(MAPS, BOXES, (3, 2), (6, 4))
    found = network.predict_on_batch([MAPS, BOXES])
    np.testing.assert_allclose(found, np.asarray(expected), atol=1e-5)


def test_a_box_that_ends_on_the_border_has_all_its_samples_in_the_map():
    low = np.random.default_rng(0).uniform(0.0, 0.9, 500).astype(np.float32)
    boxes = np.stack([low, low, np.ones_like(low), np.ones_like(low)], axis=-1)[None]
    found = position_sensitive_pool(np.ones((1, 38, 50, 9), np.float32), boxes, (3, 3), (18, 18))
    np.testing.assert_allclose(np.asarray(found), 1.0, atol=1e-5)


def test_boxes_twice_as_large_are_one_level_coarser_and_padding_has_a_level():
    sides = np.array([0.0, 0.1, 0.2, 0.4, 1.0], np.float32)
    boxes = np.stack([0 * sides, 0 * sides, sides, sides], axis=-1)[None]
    levels = pyramid_levels(ops.convert_to_tensor(boxes), 4, 2, 640 / 224)
    np.testing.assert_array_equal(np.asarray(levels)[0], [0, 0, 1, 2, 3])
