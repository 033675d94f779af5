"""What excludes each other in `ssd { }`: found by `config check`, refused when it is built."""

from __future__ import annotations

import pytest
from detectune.config.contradictions import contradictions
from detectune.config.required import missing_parts
from google.protobuf import text_format
from tiny import tiny_config

from detectune.config.templates import template
from detectune.detectors.build import build_detector
from detectune.errors import ConfigError

NMS = "post_processing { batch_non_max_suppression"
POINTS = "x_y_pairs { x_y_pair { x: 0.1 y: 0.2 }"
CALIBRATED = "post_processing { calibration_config"

CASES = [
    ("add_background_class: true explicit_background_class: true", "", "both true"),
    ("feature_extractor { fpn { min_level: 1 } }", ".feature_extractor.fpn", "min_level 1"),
    (f"{NMS} {{ iou_threshold: 1.5 }} }}", ".batch_non_max_suppression", "1.5"),
    (f"{NMS} {{ soft_nms_sigma: -1 }} }}", ".batch_non_max_suppression", "-1"),
    (
        f"{NMS} {{ soft_nms_sigma: 0.5 use_class_agnostic_nms: true }} }}",
        ".batch_non_max_suppression",
        "use_class_agnostic_nms and soft_nms_sigma",
    ),
    (
        f"{CALIBRATED} {{ function_approximation {{ {POINTS} }} }} }} }}",
        ".calibration_config",
        "1 points",
    ),
    (
        f"{CALIBRATED} {{ function_approximation {{ {POINTS} x_y_pair {{ x: 0.1 }} }} }} }} }}",
        ".calibration_config",
        "x = 0.1, 0.1",
    ),
    (
        f"{CALIBRATED} {{ temperature_scaling_calibration {{ scaler: 0 }} }} }}",
        ".temperature_scaling_calibration.scaler",
        "it is 0",
    ),
    (
        "loss { hard_example_miner { } expected_loss_weights: EXPECTED_SAMPLING }",
        ".loss",
        "both expected_loss_weights and hard_example_miner",
    ),
    (
        "box_predictor { weight_shared_convolutional_box_predictor { box_code_size: 3 } }",
        ".box_code_size",
        "3 does not fit",
    ),
]


def config_with(text: str):
    config = tiny_config()
    text_format.Merge(text, config.model.ssd)
    return config


@pytest.mark.parametrize(("text", "field", "found"), CASES)
def test_a_contradiction_is_an_error_of_the_check_and_of_the_build(text, field, found):
    config = config_with(text)
    problem = next(p for p in missing_parts(config) if found in p.found)
    assert problem.severity == "error"
    assert problem.field.startswith("model.ssd")
    assert problem.field.endswith(field)
    assert all((problem.allowed, problem.next_step))
    with pytest.raises(ConfigError) as caught:
        build_detector(config.model)
    assert found in str(caught.value)
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize("neck", ["fpn", "bifpn"])
def test_the_levels_of_a_pyramid_are_those_of_its_anchors(neck):
    config = tiny_config()
    ssd = config.model.ssd
    ssd.feature_extractor.type = f"ssd_mobilenet_v2_{neck}_keras"
    getattr(ssd.feature_extractor, neck).max_level = 6
    (problem,) = contradictions(ssd)
    assert f"Change them here or in feature_extractor.{neck}." in problem.text
    with pytest.raises(ConfigError):
        build_detector(config.model)


def test_a_pyramid_that_the_type_does_not_have_is_not_looked_at():
    ssd = config_with("feature_extractor { type: 'ssd_mobilenet_v2_keras' }").model.ssd
    ssd.feature_extractor.fpn.max_level = 6
    assert list(contradictions(ssd)) == []


def test_a_good_config_contradicts_nothing():
    assert list(contradictions(tiny_config().model.ssd)) == []


@pytest.mark.parametrize(("low", "problems"), [(0, 1), (1, 0), (3, 0)])
def test_a_bifpn_may_begin_where_the_finest_backbone_does(low, problems):
    ssd = template("efficientdet_d0_coco17_tpu-32").model.ssd
    ssd.feature_extractor.bifpn.min_level = low
    ssd.anchor_generator.multiscale_anchor_generator.min_level = low
    assert len(list(contradictions(ssd))) == problems
