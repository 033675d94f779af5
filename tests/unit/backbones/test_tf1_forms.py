"""What TensorFlow 1 did otherwise with a family, and that nothing else changes."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from structure import structure_only
from tiny import tiny_config

from detectune.detectors.build import build_detector
from detectune.detectors.builders.layers import conv_hyperparams
from detectune.layers.batch_norm import FreezableBatchNormalization
from detectune.layers.hyperparams import ConvHyperparams
from detectune.necks.fpn import FeaturePyramid
from detectune.registry import backbones


def built(name, **settings):
    defaults = {"depth_multiplier": 1.0, "min_depth": 16, "hyperparams": None}
    with structure_only():
        return backbones[name].in_tf1().build(**defaults | settings, explicit_padding=False)


def test_mobilenet_v2_widens_its_last_layer_and_adds_where_shapes_fit():
    assert built("mobilenet_v2", depth_multiplier=1.4).output.shape[-1] == 1792
    names = {layer.name for layer in built("mobilenet_v2", depth_multiplier=0.25).layers}
    assert "block_2_add" in names  # 8 channels, which min_depth makes 16 before and after


@pytest.mark.usefixtures("no_values")
def test_mobilenet_v2_is_thin_under_a_separable_pyramid():
    family = backbones["mobilenet_v2"]
    assert family.build_thin is None
    thin = family.in_tf1().build_thin(
        depth_multiplier=1.0, min_depth=16, hyperparams=None, explicit_padding=False
    )
    assert thin.output.shape[-1] == 256


def test_mobilenet_v1_is_multiplied_once():
    thin = built("mobilenet_v1", depth_multiplier=0.5)
    assert thin.output.shape[-1] == 512
    assert thin.get_layer("conv1_relu").output.shape[-1] == 16


@pytest.mark.parametrize("name", ["mobilenet_v2", "mobilenet_v3_large", "resnet50_v1"])
def test_what_a_network_sets_itself_counts_more_than_the_config(name):
    config = tiny_config().model.ssd.feature_extractor.conv_hyperparams
    config.batch_norm.scale = False
    config.batch_norm.decay = 0.5
    config.batch_norm.epsilon = 0.125
    style = (
        backbones[name]
        .in_tf1()
        .from_config(conv_hyperparams(config, freeze_batch_norm=False, tf1=True))
    )
    assert style.batch_norm is not None
    assert style.batch_norm.scale
    taken = (style.batch_norm.momentum, style.batch_norm.epsilon)
    assert taken == ((0.997, 1e-5) if name == "resnet50_v1" else (0.5, 0.125))


def test_a_block_of_resnet_ends_with_relu_whatever_the_config_asks():
    style = ConvHyperparams(activation="relu6")
    network = built("resnet50_v1", depth_multiplier=0.1, min_depth=4, hyperparams=style)
    assert network.get_layer("conv2_block1_out").activation is keras.activations.relu
    assert network.get_layer("conv2_block1_1_relu").activation is keras.activations.relu6


def test_a_block_of_resnet_ends_four_times_as_wide_as_its_middle():
    network = built("resnet50_v1", depth_multiplier=0.37, min_depth=4)
    assert network.get_layer("conv2_block1_1_relu").output.shape[-1] == 23
    assert network.get_layer("conv2_block1_out").output.shape[-1] == 4 * 23


def test_the_pyramid_carries_sums_down():
    features = [np.ones((1, side, side, 2), np.float32) for side in (8, 4, 2)]
    outputs = []
    for carry_smoothed in (True, False):
        neck = FeaturePyramid(
            num_inputs=3,
            num_coarse=0,
            depth=2,
            hyperparams=ConvHyperparams(
                initializer={"class_name": "Constant", "config": {"value": 0.1}},
                activation="linear",
            ),
            carry_smoothed=carry_smoothed,
        )
        neck.build([feature.shape for feature in features])
        outputs.append([np.asarray(level) for level in neck(features)])
    # 1x1 over two channels of ones: 0.2. Sums: 0.2, 0.4, 0.6; a smoothed centre is 1.8 times that.
    np.testing.assert_allclose(outputs[1][0][0, 4, 4], 1.8 * 0.6, rtol=1e-5)
    # The corner of the map before it sees 4 of 9 pixels, its sides 6: (1.8 · 0.4 + 0.2) · 1.8.
    smoothed = 1.8 * 0.4 * 4 / 9 + 0.2
    np.testing.assert_allclose(outputs[0][1][0, 0, 0], 1.8 * 0.4 * 4 / 9, rtol=1e-5)
    np.testing.assert_allclose(outputs[1][1], outputs[0][1], rtol=1e-5)
    np.testing.assert_allclose(outputs[0][0][0, 0, 0], 1.8 * smoothed * 4 / 9, rtol=1e-5)


def test_depthwise_kernels_are_regularized_where_they_were():
    config = tiny_config()
    counts = {}
    for name in ("ssd_mobilenet_v2_fpn_keras", "ssd_mobilenet_v2_fpn"):
        config.model.ssd.feature_extractor.type = name
        detector = build_detector(config.model)
        counts[name] = len(detector.losses)
    # The pointwise kernels of pyramid and heads, and both kernels of the predictors.
    assert counts["ssd_mobilenet_v2_fpn"] > counts["ssd_mobilenet_v2_fpn_keras"]


@pytest.mark.usefixtures("no_values")
def test_the_field_that_the_original_dropped_freezes_the_extractor_only():
    config = tiny_config().model
    config.ssd.feature_extractor.batch_norm_trainable = False
    detector = build_detector(config)
    frozen = [
        {layer.frozen_statistics for layer in part._flatten_layers() if is_norm(layer)}
        for part in (detector.backbone, detector.neck, detector.head)
    ]
    assert frozen == [{True}, {True}, {False}]


def is_norm(layer):
    return isinstance(layer, FreezableBatchNormalization)
