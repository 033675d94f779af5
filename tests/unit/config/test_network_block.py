"""`backbone { … }`, as far as a config tells what is wrong with it."""

from __future__ import annotations

import pytest
from google.protobuf import text_format
from three_parts import three_parts
from tiny import tiny_config
from tiny_two_stage import tiny_two_stage

from detectune.config.application_names import APPLICATIONS
from detectune.config.architectures import architecture_of
from detectune.config.architectures.ssd import SSD_EXTRACTORS
from detectune.config.check import check_message
from detectune.config.named_files import file_problems
from detectune.config.own_network import network_block, with_network
from detectune.detectors.build import build_detector
from detectune.errors import ConfigError

HERE = "model.ssd.feature_extractor"


def config_with(block: str, type_: str = "ssd_fpn_keras"):
    config = tiny_config()
    extractor = config.model.ssd.feature_extractor
    extractor.type = type_
    extractor.ClearField("depth_multiplier")
    extractor.override_base_feature_extractor_hyperparams = False
    text_format.Merge(block, extractor)
    return config


CASES = [
    ("", "", f"{HERE}.backbone", "nothing says which backbone", "backbone { name:"),
    ("backbone { }", "", f"{HERE}.backbone", "it names no network", "name or saved"),
    (
        'backbone { name: "resnet50_v2" }', "", f"{HERE}.backbone.name",
        'no network is called "resnet50_v2"', 'Did you mean "ResNet50V2"?',
    ),
    (
        'backbone { name: "ConvNextTiny" }', "", f"{HERE}.backbone.name",
        'no network is called "ConvNextTiny"', 'Did you mean "ConvNeXtTiny"?',
    ),
    (
        'backbone { name: "VGG16" }', "ssd_resnet50_v1_fpn_keras", f"{HERE}.backbone",
        "names a network, and backbone { } another", 'Write type: "ssd_fpn_keras"',
    ),
    (
        'backbone { name: "VGG16" } depth_multiplier: 0.5', "", f"{HERE}.depth_multiplier",
        "it is 0.5", "Remove the line",
    ),
    (
        "depth_multiplier: 0.5", "ssd_vgg16_fpn_keras", f"{HERE}.depth_multiplier",
        "it is 0.5", "Remove the line",
    ),
    (
        'backbone { name: "VGG16" } override_base_feature_extractor_hyperparams: true', "",
        f"{HERE}.override_base_feature_extractor_hyperparams", "it is true", "Remove the line",
    ),
    (
        'backbone { name: "VGG16" weights: "weights.ckpt" }', "", f"{HERE}.backbone.weights",
        "weights.ckpt is no file of weights", "imagenet",
    ),
    (
        'backbone { name: "InceptionV4" weights: "imagenet" }', "", f"{HERE}.backbone.weights",
        "Keras has no weights of InceptionV4", "fine_tune_checkpoint",
    ),
    (
        'backbone { saved: "mine.h5" }', "", f"{HERE}.backbone.saved", "mine.h5 is no .keras file",
        "model.save",
    ),
    (
        'backbone { saved: "mine.keras" weights: "imagenet" }', "", f"{HERE}.backbone.weights",
        "Keras has no weights for a network of your own", "Remove the line",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("block", "type_", "field", "found", "advice"), CASES)
def test_what_cannot_be_built_is_found_and_refused(block, type_, field, found, advice):
    config = config_with(block, type_ or "ssd_fpn_keras")
    problems = [p for p in check_message(config, check_files=False) if p.severity == "error"]
    problem = next(p for p in problems if p.field == field)
    assert found in problem.found
    assert advice in problem.text
    with pytest.raises(ConfigError) as error:
        build_detector(config.model)
    assert found in three_parts(error.value)[0]


def wrong_in_model(config) -> list:
    problems = check_message(config, check_files=False)
    return [p for p in problems if p.severity == "error" and p.field.startswith("model")]


@pytest.mark.parametrize("name", ["ResNet50V2", "InceptionV4"])
def test_a_network_that_is_known_is_no_problem(name):
    config = config_with(f'backbone {{ name: "{name}" }}')
    assert wrong_in_model(config) == []


def test_types_by_name_cover_every_network_without_a_family_of_its_own():
    keys = {key for key in APPLICATIONS.values() if key}
    for neck in ("", "_fpn", "_bifpn"):
        assert {f"ssd_{key}{neck}_keras" for key in keys} <= set(SSD_EXTRACTORS.of_keras)
    assert wrong_in_model(config_with("", "ssd_densenet121_fpn_keras")) == []


def test_a_network_with_weights_is_no_start_from_random_weights():
    def warned(block):
        found = check_message(config_with(block), check_files=False)
        return any("Training from random weights" in problem.text for problem in found)

    assert warned('backbone { name: "VGG16" }')
    assert not warned('backbone { name: "VGG16" weights: "imagenet" }')
    assert not warned('backbone { saved: "mine.keras" }')


def test_files_that_are_not_there_are_named():
    config = config_with('backbone { name: "VGG16" weights: "missing/vgg.h5" }')
    (problem,) = [p for p in file_problems(config) if "vgg.h5" in p.text]
    assert problem.field == f"{HERE}.backbone.weights"
    config = config_with('backbone { saved: "missing/mine.keras" }')
    (problem,) = [p for p in file_problems(config) if "mine.keras" in p.text]
    assert problem.field == f"{HERE}.backbone.saved"
    # In a run directory it lies beside the config.
    config = config_with('backbone { saved: "backbone.json" }')
    assert not [p for p in file_problems(config) if "backbone.json" in p.text]


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        ("ssd_resnet50_v1_fpn_keras", "ssd_fpn_keras"),
        ("ssd_efficientnet-b0_bifpn_keras", "ssd_bifpn_keras"),
        ("ssd_mobilenet_v2_keras", "ssd_extras_keras"),
        ("ssd_bifpn_keras", "ssd_bifpn_keras"),
    ],
)
def test_a_network_from_outside_takes_the_place_of_the_one_in_the_type(type_, expected):
    config = tiny_config(extractor=type_)
    changed = with_network(config.model)
    assert changed.ssd.feature_extractor.type == expected
    assert changed.ssd.feature_extractor.backbone.saved == "backbone.json"
    assert config.model.ssd.feature_extractor.type == type_  # the message itself stays
    assert network_block(config.model) is None


def test_two_stage_detectors_take_one_under_their_pyramid_only():
    model = tiny_two_stage("faster_rcnn_resnet50_fpn_keras")
    assert with_network(model).faster_rcnn.feature_extractor.type == "faster_rcnn_fpn_keras"
    model.faster_rcnn.feature_extractor.type = "faster_rcnn_resnet50_keras"
    problems = list(architecture_of(with_network(model)).conflicts())
    problem = next(p for p in problems if "names a network, and backbone { } another" in p.found)
    assert 'Write type: "faster_rcnn_fpn_keras"' in problem.next_step


def test_people_are_told_which_network_it_is():
    model = config_with('backbone { name: "VGG16" }').model
    assert architecture_of(model).describe() == "ssd_fpn_keras on VGG16, 2 classes"
    assert architecture_of(tiny_config().model).describe().count(" on ") == 0
