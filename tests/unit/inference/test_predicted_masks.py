"""What a predictor says about masks: pixels, COCO run lengths, a tinted picture."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pycocotools import mask as reference

from detectune.drawing.boxes import draw_detections
from detectune.drawing.colours import palette_colour
from detectune.inference.predictor import Found, Predictor

GREY = np.full((120, 160, 3), 128, np.uint8)
NAMES = {1: "cat", 2: "dog"}
BOXES = np.array([[20, 30, 100, 110], [40, 100, 100, 150]], np.float32)


def found(masks: bool = True) -> Found:
    """A whole and a half box."""
    pixels = np.ones((2, 9, 9), np.float32)
    pixels[1, :, 5:] = 0
    return Found(
        BOXES, np.array([0.9, 0.4], np.float32), np.array([1, 2]), pixels if masks else None
    )


def predictor(masks: bool = True) -> Predictor:
    return Predictor(lambda image: found(masks), NAMES)


def test_masks_are_as_large_as_the_picture_and_lie_in_their_boxes():
    masks = predictor().predict(GREY).masks
    assert masks is not None
    assert (masks.shape, masks.dtype) == ((2, 120, 160), bool)
    assert masks[0, 21:99, 31:109].all()
    assert not masks[0, :, :29].any()
    assert masks[1, 41:99, 101:125].all()
    assert not masks[1, :, 130:].any()


def test_a_detector_of_boxes_has_no_masks():
    detections = predictor(masks=False).predict(GREY)
    assert detections.masks is None
    assert "segmentation" not in detections.to_coco()[0]


def test_few_boxes_keep_their_masks():
    detections = predictor().predict(GREY)
    assert detections.above(0.5).masks.shape == (1, 120, 160)
    np.testing.assert_array_equal(detections.above(0.5).masks[0], detections.masks[0])
    assert detections.above(0.95).masks.shape == (0, 120, 160)


def test_coco_results_have_run_lengths_that_pycocotools_reads():
    detections = predictor().predict(GREY)
    rows = json.loads(json.dumps(detections.to_coco(7)))
    for row, mask in zip(rows, detections.masks, strict=True):
        assert row["segmentation"]["size"] == [120, 160]
        assert isinstance(row["segmentation"]["counts"], str)
        assert reference.area(row["segmentation"]) == mask.sum()
        expected = reference.encode(np.asfortranarray(mask.astype(np.uint8)))
        assert row["segmentation"]["counts"].encode() == expected["counts"]


def test_masks_are_tinted_in_the_colour_of_their_class():
    picture = np.asarray(predictor().predict(GREY).draw(0.3)).astype(int)
    inside = np.array([60, 70])
    expected = 128 * 0.58 + np.array(palette_colour(0)) * 0.42
    np.testing.assert_allclose(picture[tuple(inside)], expected, atol=1)
    np.testing.assert_array_equal(picture[60, 140], [128] * 3)  # in the box, not in the object
    plain = np.asarray(predictor(masks=False).predict(GREY).draw(0.3))
    np.testing.assert_array_equal(plain[60, 70], [128] * 3)


def test_masks_below_the_threshold_are_not_drawn():
    picture = np.asarray(predictor().predict(GREY).draw(0.5))
    np.testing.assert_array_equal(picture[70, 118], [128] * 3)
    assert (np.asarray(predictor().predict(GREY).draw(0.3))[70, 118] != 128).any()


@pytest.mark.parametrize("mask", [np.zeros((120, 160)), np.ones((120, 160))])
def test_empty_and_full_masks_are_drawn(mask):
    drawn = draw_detections(GREY, BOXES[:1], [0.9], [1], NAMES, masks=lambda row: mask)
    picture = np.asarray(drawn)
    changed = (picture[110:, 120:] != 128).any()
    assert changed == mask.any()
