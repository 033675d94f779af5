"""`feature_extractor { … }`: every field does what it says, or is refused by name."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
from google.protobuf import text_format
from small_backbone import EXTRACTOR, register_small_backbone
from tiny import compiled, random_batch, tiny_config
from tiny_two_stage import make_short

from detectune.checkpoints.keys import variable_keys
from detectune.config import schema
from detectune.detectors.build import build_detector
from detectune.detectors.builders.feature_extractor import backbone_and_neck
from detectune.detectors.builders.padding_colour import padding_colour
from detectune.errors import ConfigError
from detectune.registry import backbones

TYPES = ["ssd_mobilenet_v1_fpn_keras", "ssd_mobilenet_v2_fpn_keras", "ssd_resnet50_v1_fpn_keras"]


@pytest.fixture(autouse=True)
def _little_networks(monkeypatch):
    register_small_backbone(monkeypatch)
    make_short(monkeypatch, 50)


def on(*quick: str):
    """`EXTRACTOR` and all of `TYPES`; those that are not `quick` are slow."""
    return [
        pytest.param(name, marks=[] if name in quick else pytest.mark.slow)
        for name in (EXTRACTOR, *TYPES)
    ]


def parts(type_name: str, text: str = ""):
    config = tiny_config().model.ssd.feature_extractor
    config.ClearField("use_depthwise")
    config.type = type_name
    text_format.Merge(text, config)
    return backbone_and_neck(config, freeze_batch_norm=False)


def maps(type_name: str, text: str = "", side: int = 64):
    """Shapes `(side, channels)` of the levels for a square image."""
    backbone, neck = parts(type_name, text)
    neck.build(backbone.output_shapes)
    levels = neck(backbone(np.zeros((1, side, side, 3), np.float32)))
    return [(level.shape[1], level.shape[3]) for level in levels]


PYRAMIDS = {
    "fpn { min_level: 2 max_level: 6 }": [16, 8, 4, 2, 1],
    "fpn { min_level: 3 max_level: 4 }": [8, 4],
    "fpn { min_level: 5 max_level: 5 }": [2],
    "fpn { min_level: 4 max_level: 8 }": [4, 2, 1, 1, 1],
    "pad_to_multiple: 48": [12, 6, 3],
    "use_explicit_padding: true fpn { max_level: 6 }": [8, 4, 2, 1],
    "depth_multiplier: 0.5 use_depthwise: true fpn { max_level: 6 }": [8, 4, 2, 1],
}


@pytest.mark.parametrize("type_name", on(EXTRACTOR))
@pytest.mark.parametrize(("text", "sides"), PYRAMIDS.items())
def test_a_pyramid_has_the_levels_that_are_asked_for(type_name, text, sides):
    assert [side for side, _ in maps(type_name, text)] == sides


@pytest.mark.parametrize("type_name", TYPES)
def test_levels_of_every_family_and_two_coarser_ones(type_name):
    text = "fpn { min_level: 2 max_level: 6 } use_depthwise: true use_explicit_padding: true"
    assert [side for side, _ in maps(type_name, text)] == [16, 8, 4, 2, 1]


@pytest.mark.parametrize(
    ("type_name", "text", "depth"),
    [
        (EXTRACTOR, "depth_multiplier: 0.75", 48),
        (EXTRACTOR, "depth_multiplier: 1.4", 89),
        (EXTRACTOR, "min_depth: 40", 40),
        # 256 times the multiplier, whatever the config says
        ("ssd_resnet50_v1_fpn_keras", "", 64),
        ("ssd_resnet50_v1_fpn_keras", "depth_multiplier: 0.125 min_depth: 40", 40),
    ],
)
def test_a_pyramid_has_the_depth_of_the_original(type_name, text, depth):
    assert {channels for _, channels in maps(type_name, text)} == {depth}


@pytest.mark.parametrize("type_name", on("ssd_resnet50_v1_fpn_keras")[1:])
def test_what_a_low_pyramid_does_not_use_stands_in_the_checkpoint_all_the_same(type_name):
    config = tiny_config().model
    config.ssd.feature_extractor.type = type_name
    config.ssd.feature_extractor.use_depthwise = False
    whole = {row.key for row in variable_keys(build_detector(config)) if "backbone" in row.key}
    for levels in (
        config.ssd.feature_extractor.fpn,
        config.ssd.anchor_generator.multiscale_anchor_generator,
    ):
        levels.min_level, levels.max_level = 3, 4
    rows = variable_keys(build_detector(config))
    assert {row.key for row in rows if "backbone" in row.key} == whole


@pytest.mark.parametrize("count", [1, 2, pytest.param(4, marks=pytest.mark.slow), 6])
def test_num_layers_counts_all_maps(count):
    found = maps("ssd_mobilenet_v1_keras", f"num_layers: {count}", side=128)
    assert [side for side, _ in found] == [8, 4, 2, 1, 1, 1][:count]


@pytest.mark.parametrize(
    ("type_name", "text", "found"),
    [
        ("ssd_resnet50_v1_fpn_keras", "num_layers: 4", "num_layers: ssd_resnet50_v1_fpn_keras has"),
        ("ssd_mobilenet_v1_keras", "num_layers: 0", "num_layers: 0 feature maps"),
        ("ssd_mobilenet_v1_fpn_keras", "fpn { min_level: 1 }", "min_level 1 and max_level 5"),
        ("ssd_resnet50_v1_keras", "", 'no feature extractor is called "ssd_resnet50_v1_keras"'),
    ],
)
def test_what_cannot_be_built_is_refused_by_name(type_name, text, found):
    with pytest.raises(ConfigError, match=found) as caught:
        parts(type_name, text)
    assert len(str(caught.value).splitlines()) == 3


def test_images_that_come_normalized_are_taken_as_they_are():
    images = np.random.default_rng(0).uniform(-1, 1, (1, 64, 64, 3)).astype(np.float32)
    backbone, _ = parts(EXTRACTOR)
    ready, _ = parts(EXTRACTOR, "replace_preprocessor_with_placeholder: true")
    assert ready.pad_value == (0.0, 0.0, 0.0)
    for variable, value in zip(ready.weights, backbone.weights, strict=True):
        variable.assign(value)
    for theirs, ours in zip(backbone((images + 1) * 127.5), ready(images), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_without_override_the_backbone_has_its_own_hyperparameters():
    extractor = "override_base_feature_extractor_hyperparams: false"
    backbone, neck = parts("ssd_resnet50_v1_fpn_keras", extractor)
    assert backbone.network.get_layer("conv5_block1_3_bn").epsilon == 1e-5
    usual = parts("ssd_resnet50_v1_fpn_keras")[1].hyperparams.batch_norm
    assert neck.hyperparams.batch_norm == usual


def test_fields_that_a_resnet_never_receives_are_warned_of_in_a_config():
    from detectune.config.warnings import warnings

    config = schema.TrainEvalPipelineConfig()
    extractor = config.model.ssd.feature_extractor
    extractor.type = "ssd_resnet101_v1_fpn_keras"
    extractor.use_depthwise = extractor.use_explicit_padding = True
    extractor.fpn.additional_layer_depth = 128
    prefix = "model.ssd.feature_extractor."
    found = {p.field.removeprefix(prefix) for p in warnings(config) if prefix in p.field}
    assert found == backbones["resnet101_v1"].ignored_fields


@pytest.mark.parametrize("type_name", on(EXTRACTOR, "ssd_resnet50_v1_fpn_keras"))
def test_padding_is_in_units_of_normalized_images(type_name):
    backbone, _ = parts(type_name)
    resizer = text_format.Parse(
        "keep_aspect_ratio_resizer { min_dimension: 8 max_dimension: 8 pad_to_max_dimension: true "
        "per_channel_pad_value: 0.5 per_channel_pad_value: 0 per_channel_pad_value: -0.25 }",
        schema.ImageResizer(),
    )
    colour = np.array(padding_colour(resizer, backbone), np.float32).reshape(1, 1, 1, 3)
    normalized = np.asarray(backbone.normalize(colour)).ravel()
    np.testing.assert_allclose(normalized, [0.5, 0.0, -0.25], atol=1e-4)
    resizer.keep_aspect_ratio_resizer.per_channel_pad_value.pop()
    with pytest.raises(ConfigError, match="per_channel_pad_value: 2 numbers"):
        padding_colour(resizer, backbone)
    resizer.keep_aspect_ratio_resizer.ClearField("per_channel_pad_value")
    assert padding_colour(resizer, backbone) == backbone.pad_value


@pytest.mark.parametrize(
    ("type_name", "text", "names"),
    [
        (
            "ssd_mobilenet_v1_fpn_keras",
            "use_depthwise: true",
            [
                "ssd_mobile_net_v1_fpn_keras_feature_extractor/FeatureMaps/top_down/"
                "smoothing_2_depthwise_conv/depthwise_kernel",
                "ssd_mobile_net_v1_fpn_keras_feature_extractor/FeatureMaps/top_down/projection_3/bias",
            ],
        ),
        (
            "ssd_resnet50_v1_fpn_keras",
            "fpn { max_level: 6 }",
            ["ResNet50V1_FPN/bottom_up_block5_conv/kernel", "conv1_conv/kernel"],
        ),
    ],
)
def test_variables_are_called_as_in_the_original(type_name, text, names):
    config = tiny_config().model
    extractor = config.ssd.feature_extractor
    extractor.ClearField("use_depthwise")
    extractor.type = type_name
    text_format.Merge(text, extractor)
    levels = config.ssd.anchor_generator.multiscale_anchor_generator
    levels.max_level = extractor.fpn.max_level
    found = {row.original_name for row in variable_keys(build_detector(config))}
    assert found >= set(names)


def test_the_names_of_the_maps_and_heads_of_ssd_are_those_of_the_original():
    config = tiny_config().model
    config.ssd.feature_extractor.type = "ssd_mobilenet_v1_keras"
    config.ssd.anchor_generator.CopyFrom(
        text_format.Parse("ssd_anchor_generator { aspect_ratios: 1.0 }", schema.AnchorGenerator())
    )
    config.ssd.box_predictor.CopyFrom(
        text_format.Parse(
            "convolutional_box_predictor { conv_hyperparams { batch_norm { } } kernel_size: 3 "
            "use_depthwise: true num_layers_before_predictor: 1 max_depth: 24 min_depth: 8 }",
            schema.BoxPredictor(),
        )
    )
    found = {row.original_name for row in variable_keys(build_detector(config))}
    maps = "ssd_mobile_net_v1_keras_feature_extractor/FeatureMaps/Conv2d_13_pointwise"
    head = "BoxPredictor/ConvolutionalBoxHead_0/BoxEncodingPredictor"
    assert found >= {
        f"{maps}_1_Conv2d_2_1x1_64_conv/kernel",
        f"{maps}_2_Conv2d_2_3x3_s2_128_depthwise_conv/depthwise_kernel",
        f"{maps}_2_Conv2d_2_3x3_s2_128_depthwise_batchnorm/beta",
        f"{maps}_2_Conv2d_2_3x3_s2_128_batchnorm/beta",
        "BoxPredictor/SharedConvolutions_0/Conv2d_0_1x1_24/kernel",
        "BoxPredictor/SharedConvolutions_0/Conv2d_0_1x1_24_norm/beta",
        f"{head}_depthwise/depthwise_kernel",
        f"{head}_depthwise_batchnorm/beta",
        f"{head}/bias",
    }


@pytest.mark.parametrize(
    ("resizer", "extractor"),
    [
        ("fixed_shape_resizer { height: 300 width: 74 }", ""),
        (
            "keep_aspect_ratio_resizer { min_dimension: 32 max_dimension: 32 "
            "pad_to_max_dimension: true }",
            "pad_to_multiple: 64",
        ),
    ],
)
def test_inputs_of_which_the_backbone_leaves_nothing_are_refused_before_the_first_step(
    monkeypatch, resizer, extractor
):
    needs_75_pixels(monkeypatch)
    with pytest.raises(ConfigError, match="too small for ssd_five_convolutions_keras") as caught:
        without_pyramid(resizer, extractor)
    assert "at least 75 pixels" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 3


def test_the_least_input_of_a_backbone_counts_with_its_padding(monkeypatch):
    needs_75_pixels(monkeypatch)
    detector = without_pyramid("fixed_shape_resizer { height: 75 width: 75 }")
    assert min(detector(np.zeros((1, 75, 75, 3), np.float32)).box_codes.shape) >= 1
    assert without_pyramid("fixed_shape_resizer { height: 40 width: 40 }", "pad_to_multiple: 80")


def needs_75_pixels(monkeypatch):
    """Let the small backbone need as many as Inception V3 does."""
    family = backbones["five_convolutions"]
    least = backbones["inception_v3"].min_image_side
    monkeypatch.setitem(
        backbones._parts, "five_convolutions", replace(family, min_image_side=least)
    )


def without_pyramid(resizer: str, extractor: str = ""):
    config = tiny_config().model
    ssd = config.ssd
    ssd.image_resizer.CopyFrom(text_format.Parse(resizer, schema.ImageResizer()))
    ssd.feature_extractor.type = "ssd_five_convolutions_keras"
    ssd.feature_extractor.num_layers = 2
    text_format.Merge(extractor, ssd.feature_extractor)
    for part, text in (
        (ssd.anchor_generator, "ssd_anchor_generator { num_layers: 2 aspect_ratios: 1.0 }"),
        (ssd.box_predictor, "convolutional_box_predictor { conv_hyperparams { } kernel_size: 1 }"),
    ):
        part.CopyFrom(text_format.Parse(text, type(part)()))
    return build_detector(config)


def test_an_efficientdet_may_begin_at_stride_two():
    text = (
        "override_base_feature_extractor_hyperparams: false depth_multiplier: 0.25 "
        "bifpn { min_level: 1 max_level: 4 num_iterations: 1 num_filters: 16 }"
    )
    found = maps("ssd_efficientnet-b0_bifpn_keras", text)
    assert found == [(32, 16), (16, 16), (8, 16), (4, 16)]
    with pytest.raises(ConfigError, match="min_level 0 and max_level 7"):
        parts("ssd_efficientnet-b0_bifpn_keras", "bifpn { min_level: 0 }")


@pytest.mark.parametrize("regularized", [True, False])
def test_layers_that_nothing_depends_on_do_not_train_and_nobody_warns(regularized):
    config = tiny_config().model
    config.ssd.feature_extractor.fpn.max_level = 4
    config.ssd.anchor_generator.multiscale_anchor_generator.max_level = 4
    if not regularized:
        config.ssd.feature_extractor.conv_hyperparams.ClearField("regularizer")
    detector = build_detector(config)
    unused = {v.path: v for layer in detector.backbone.unused for v in layer.weights}
    assert any(v.trainable for v in unused.values()) == regularized
    before = {path: np.asarray(v) for path, v in unused.items() if not v.trainable}
    compiled(detector, keras.optimizers.SGD(0.1), eager=True)
    detector.train_on_batch(*random_batch())  # a warning would be an error
    for path, value in before.items():
        np.testing.assert_array_equal(np.asarray(unused[path]), value)
