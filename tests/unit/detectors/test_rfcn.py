"""A second stage whose head looks at whole maps, from its config."""

import keras
import numpy as np
import pytest
from google.protobuf import text_format
from keras import ops
from three_parts import three_parts

from detectune.config import schema
from detectune.detectors.build import build_detector
from detectune.detectors.builders.region_features import region_features
from detectune.detectors.builders.roi_head import roi_crops, roi_head
from detectune.errors import ConfigError
from detectune.structures import GroundTruth, Proposals

CONFIG = """
num_classes: 2 first_stage_max_proposals: 4 second_stage_batch_size: 4
feature_extractor { type: "faster_rcnn_resnet50_keras" }
second_stage_box_predictor { rfcn_box_predictor {
  conv_hyperparams { op: CONV regularizer { } initializer { } } depth: 8
} }
second_stage_post_processing {
  batch_non_max_suppression {
    iou_threshold: 0.6 max_detections_per_class: 5 max_total_detections: 5
  }
  score_converter: SOFTMAX
}
"""
SIZE = (48, 64)
BOXES = np.array([[[4, 4, 30, 40], [10, 20, 44, 60], [0, 0, 20, 20], [0] * 4]], np.float32)
VALID = np.array([[True, True, True, False]])
TRUTH = GroundTruth(BOXES[:, :1], np.array([[1]]), VALID[:, :1], np.ones((1, 1), np.float32))


def _config(changes: str = "") -> schema.FasterRcnn:
    config = text_format.Parse(CONFIG, schema.FasterRcnn())
    config.MergeFrom(text_format.Parse(changes, schema.FasterRcnn()))
    return config


def _stage():
    box_features = keras.Sequential([keras.layers.Conv2D(6, 1)])
    box_features.build((None, None, None, 3))
    stage = roi_head(_config(), box_features)
    stage.build((None, 12, 16, 3))
    return stage


def _maps() -> list:
    return [ops.convert_to_tensor(np.random.default_rng(0).normal(size=(1, 12, 16, 3)), "float32")]


def test_the_image_goes_through_the_box_features_once():
    stage, maps = _stage(), _maps()
    out = stage(maps, proposals=Proposals(BOXES, VALID), image_size=SIZE)
    # The features of the whole image, and not of each region.
    np.testing.assert_allclose(out.features, stage.box_features(maps[0]), atol=1e-6)
    regions = BOXES.shape[1]
    assert out.box_codes.shape == (1, regions, 2, 4)
    assert out.class_logits.shape == (1, regions, 3)


def test_a_region_sees_what_lies_in_it():
    stage, maps = _stage(), _maps()
    logits = np.asarray(stage(maps, proposals=Proposals(BOXES, VALID), image_size=SIZE)[1])
    changed = np.array(maps[0])
    changed[:, 8:, 8:] += 1.0
    maps = [ops.convert_to_tensor(changed)]
    again = np.asarray(stage(maps, proposals=Proposals(BOXES, VALID), image_size=SIZE)[1])
    np.testing.assert_allclose(again[0, 2], logits[0, 2], atol=1e-6)
    assert np.abs(again[0, 1] - logits[0, 1]).max() > 1e-3


def test_losses_are_those_of_any_second_stage():
    stage = _stage()
    out = stage(_maps(), proposals=Proposals(BOXES, VALID), image_size=SIZE)
    losses = stage.roi_losses(out, TRUTH)
    assert all(float(loss) > 0.0 for loss in losses.values())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ("number_of_stages: 3", "draws no masks"),
        ("output_final_box_features: true", "no features of single boxes"),
        ("second_stage_box_predictor { rfcn_box_predictor { crop_width: 10 } }", "do not divide"),
        ("second_stage_box_predictor { rfcn_box_predictor { depth: 0 } }", "it is 0"),
        ("second_stage_box_predictor { rfcn_box_predictor { box_code_size: 5 } }", "each side"),
    ],
)
def test_what_does_not_fit_is_refused(changes, said):
    with pytest.raises(ConfigError, match=said) as caught:
        build_detector(schema.DetectionModel(faster_rcnn=_config(changes)))
    assert three_parts(caught.value)[0].startswith("model.faster_rcnn.")


def test_pyramids_are_refused():
    config = _config('feature_extractor { type: "faster_rcnn_resnet50_fpn_keras" }')
    size = roi_crops(config).output_size
    with pytest.raises(ConfigError, match="looks at a single one"):
        region_features(config.feature_extractor, patch_size=size)
