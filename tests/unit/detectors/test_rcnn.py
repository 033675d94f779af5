"""R-CNN: what its crops show, and what becomes of margins and boxes."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from google.protobuf import text_format
from own_networks import small_network

from detectune.config import schema
from detectune.detectors.build import build_detector
from detectune.errors import ConfigError, DataError
from detectune.structures import GroundTruth

MODEL = """rcnn {
  num_classes: 2 max_proposals: 5 crop_size: 32 crops_at_once: 2
  image_resizer { fixed_shape_resizer { height: 48 width: 64 } }
  feature_extractor { backbone { saved: "backbone.json" preprocessing: TF } }
}"""


def built(more: str = ""):
    keras.utils.set_random_seed(0)
    config = text_format.Parse(MODEL, schema.DetectionModel())
    text_format.Merge(more, config.rcnn)
    return build_detector(config, backbone=small_network())


def a_batch():
    random = np.random.default_rng(0)
    images = random.uniform(0, 255, (2, 48, 64, 3)).astype(np.float32)
    corners = random.uniform(0, 20, (2, 5, 2))
    proposals = np.concatenate([corners, corners + random.uniform(8, 24, (2, 5, 2))], axis=-1)
    proposals[1, 3:] = 0  # padding
    return {"images": images, "proposals": proposals.astype(np.float32)}


def test_a_crop_of_its_own_size_shows_the_pixels_of_its_box():
    detector = built("context: 0")
    images = a_batch()["images"]
    boxes = np.array([[[8, 16, 40, 48]]] * 2, np.float32)
    crops = np.asarray(detector.crops(images, boxes))
    np.testing.assert_allclose(crops[:, 0], images[:, 8:40, 16:48], atol=1e-2)


def test_outside_the_image_a_crop_has_the_colour_of_padding():
    detector = built("context: 0")
    images = np.full((1, 48, 64, 3), 200, np.float32)
    boxes = np.array([[[-32, 0, 32, 64]]], np.float32)
    crop = np.asarray(detector.crops(images, boxes))[0, 0]
    np.testing.assert_allclose(crop[:15], np.broadcast_to(detector.pad_value, (15, 32, 3)))
    np.testing.assert_allclose(crop[17:], 200, atol=1e-2)


def test_how_many_crops_go_together_changes_nothing():
    batch = a_batch()
    some, all_ = built(), built("crops_at_once: 100")
    one = np.asarray(some.vectors(batch["images"], batch["proposals"]))
    other = np.asarray(all_.vectors(batch["images"], batch["proposals"]))
    assert one.shape == (2, 5, some.dimension)
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_before_it_has_learned_it_finds_nothing():
    found = built().detect(a_batch(), np.array([[48, 64]] * 2))
    assert not np.asarray(found.valid).any()


def with_margins(detector, vectors, margins):
    """Let `detector` give the vectors of the first image these margins `[P, C]`."""
    kernel = np.linalg.lstsq(vectors, margins, rcond=None)[0]
    detector.margins.set_weights([kernel, np.zeros(2)])


def test_scores_are_sigmoids_of_margins_and_overlaps_of_a_class_go():
    detector = built("score_threshold: 0.4")
    batch = {
        "images": a_batch()["images"][:1],
        "proposals": np.array(
            [[[0, 0, 20, 20], [0, 6, 20, 26], [0, 12, 20, 32], [24, 0, 44, 20], [0, 0, 0, 0]]],
            np.float32,
        ),
    }
    vectors = np.asarray(detector.vectors(batch["images"], batch["proposals"]))[0]
    # Neighbours overlap by 0.54, the first and the third by 0.25.
    wanted = np.array([[2.0, -9], [1.0, 3.0], [0.5, -9], [-9, -9], [9, 9]])
    with_margins(detector, vectors.astype(np.float64), wanted)
    found = detector.detect(batch, np.array([[48, 64]]))
    kept = np.asarray(found.valid)[0].sum()
    scores = np.asarray(found.scores)[0, :kept]
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(-np.array([3.0, 2.0, 0.5]))), atol=1e-3)
    assert np.asarray(found.classes)[0, :kept].tolist() == [1, 0, 0]
    np.testing.assert_allclose(
        np.asarray(found.boxes)[0, :kept], batch["proposals"][0, [1, 0, 2]], atol=1e-3
    )


def test_boxes_are_moved_as_published_for_each_class():
    detector = built()
    bias = np.array([0.1, -0.2, np.log(2), 0, 0, 0, 0, 0])
    detector.box_codes.set_weights([np.zeros((detector.dimension, 8)), bias])
    batch = {
        "images": a_batch()["images"][:1],
        "proposals": np.array([[[10, 10, 20, 30]]], np.float32),
    }
    boxes = np.asarray(detector.boxes(detector(batch)))[0, 0]
    # Centre (15, 20) moves by a tenth of 10 down and a fifth of 20 left; the height doubles.
    np.testing.assert_allclose(boxes[0], [6, 6, 26, 26], atol=1e-4)
    np.testing.assert_allclose(boxes[1], [10, 10, 20, 30], atol=1e-4)


def test_losses_are_those_of_proposals_and_finite():
    detector, batch = built(), a_batch()
    truth = GroundTruth(
        boxes=batch["proposals"][:, :1],
        classes=np.array([[0], [1]], np.int32),
        valid=np.ones((2, 1), bool),
        weights=np.ones((2, 1), np.float32),
    )
    losses = detector.named_losses(batch, truth, detector(batch))
    # All margins are −10: an object costs 11, a negative nothing; the boxes are right.
    overlaps = int(np.round(float(losses["classification_loss"]) / 11 * 16))
    assert overlaps > 0
    assert np.isfinite(float(losses["localization_loss"]))


def test_images_without_proposals_are_refused():
    with pytest.raises(DataError, match="and no proposals"):
        built()(a_batch()["images"])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("crop_size: 8", "crop_size: it is 8"),
        ("context: 113.5", "context: it is 113.5"),
        ("svm { cost: 0 }", "svm.cost: it is 0"),
        ("box_regression { ridge: -1 }", "box_regression.ridge: it is -1"),
        ('feature_extractor { type: "rcnn_resnet50_v1_keras" }', "takes no|backbone"),
    ],
)
def test_what_cannot_be_built_is_refused(more, message):
    config = text_format.Parse(MODEL, schema.DetectionModel())
    text_format.Merge(more, config.rcnn)
    with pytest.raises(ConfigError, match=message):
        build_detector(config)


def test_a_network_has_to_be_named():
    config = text_format.Parse(MODEL, schema.DetectionModel())
    config.rcnn.feature_extractor.ClearField("backbone")
    with pytest.raises(ConfigError, match="nothing says which backbone"):
        build_detector(config)


def test_a_network_of_the_zoo_is_named_by_its_type():
    config = text_format.Parse(MODEL, schema.DetectionModel())
    config.rcnn.feature_extractor.ClearField("backbone")
    config.rcnn.feature_extractor.type = "rcnn_mobilenet_v2_keras"
    assert build_detector(config).dimension == 1280
