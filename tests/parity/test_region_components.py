"""Operations on regions of feature maps against numbers recorded from the original."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from detectune.layers.regions import (
    crop_and_resize,
    crop_and_resize_levels,
    paste_masks,
    pyramid_levels,
    roi_align,
)

from .recordings import Cases

pytestmark = pytest.mark.parity

CASES = Cases("spatial_ops", "rcnn")


@pytest.mark.parametrize(
    ("name", "soft_border"), [("native_crop_and_resize", False), ("matmul_crop_and_resize", True)]
)
def test_crops_equal_the_recorded_ones(name, soft_border):
    inputs = CASES["native_crop_and_resize"]
    features, boxes = inputs["in/features"], inputs["in/boxes"]
    found = crop_and_resize(features, boxes, (7, 7), soft_border=soft_border)
    np.testing.assert_allclose(np.asarray(found), CASES[name]["out/out"], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "crop"),
    [
        ("multilevel_native_crop_and_resize", crop_and_resize_levels),
        ("multilevel_roi_align", roi_align),
    ],
)
def test_crops_of_pyramids_equal_the_recorded_ones(name, crop):
    inputs = CASES["multilevel_roi_align"]
    maps = [inputs[f"in/f{level}"] for level in range(3)]
    found = crop(maps, inputs["in/boxes"], inputs["in/levels"], (4, 4))
    np.testing.assert_allclose(np.asarray(found), CASES[name]["out/out"], atol=1e-5)


@pytest.mark.parametrize("sampling", ["bilinear", "nearest"])
def test_pasted_masks_equal_the_recorded_ones(sampling):
    inputs = CASES["reframe_box_masks_bilinear"]
    found = paste_masks(inputs["in/masks"], inputs["in/boxes"], (40, 50), sampling=sampling)
    recorded = CASES[f"reframe_box_masks_{sampling}"]["out/out"]
    np.testing.assert_allclose(np.asarray(found), recorded, atol=1e-5)


def test_levels_of_boxes_equal_the_recorded_ones():
    case = CASES["fpn_feature_levels"]
    found = pyramid_levels(ops.convert_to_tensor(case["in/boxes"]), 5, 2, 1.0)
    np.testing.assert_array_equal(np.asarray(found), case["out/out"])
