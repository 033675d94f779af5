"""Inception V2, V3 and V4: channels by table, sides of the maps, names in TF-Slim."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from structure import structure_only
from tiny import tiny_config

from detectune.backbones.inception_graph import Conv, Fork, InceptionGraph, Pool
from detectune.backbones.inception_v2 import BLOCKS, inception_v2
from detectune.backbones.inception_v3 import inception_v3
from detectune.backbones.inception_v4 import inception_v4
from detectune.config import schema
from detectune.detectors.build import build_detector
from detectune.detectors.builders.feature_extractor import feature_extractor_types
from detectune.detectors.builders.region_features import region_feature_types
from detectune.errors import ConfigError
from detectune.layers.hyperparams import ConvHyperparams
from detectune.registry import backbones


@pytest.fixture(scope="module")
def v3():
    with structure_only():
        return inception_v3()


@pytest.fixture(scope="module")
def v4():
    with structure_only():
        return inception_v4()


def channels(network, names):
    return [network.get_layer(name).output.shape[-1] for name in names]


@pytest.mark.usefixtures("no_values")
def test_blocks_of_inception_v2_have_the_channels_of_the_paper():
    # Source: Ioffe and Szegedy 2015, figure 5: output sizes of the blocks.
    network = inception_v2()
    expected = [256, 320, 576, 576, 576, 576, 576, 1024, 1024, 1024]
    assert channels(network, BLOCKS) == expected


def test_blocks_of_inception_v3_have_the_channels_of_the_paper(v3):
    # Source: Szegedy et al. 2016, table 1.
    names = ["Mixed_5b", "Mixed_5d", "Mixed_6a", "Mixed_6e", "Mixed_7a", "Mixed_7c"]
    assert channels(v3, names) == [256, 288, 768, 768, 1280, 2048]


@pytest.mark.usefixtures("no_values")
def test_a_width_multiplier_stops_at_the_least_depth():
    network = inception_v2(depth_multiplier=0.25, min_depth=16)
    assert channels(network, ["Conv2d_1a_7x7", "Conv2d_2c_3x3"]) == [16, 48]
    assert channels(network, ["Mixed_3b"]) == [16 + 16 + 24 + 16]
    # The stem has as many filters for a colour as its own channels allow, at most 8.
    assert network.get_layer("Conv2d_1a_7x7").depthwise_kernel.shape == (7, 7, 3, 5)


def test_blocks_of_inception_v4_have_the_channels_of_the_paper(v4):
    # Source: Szegedy et al. 2016, figures 3 to 8.
    names = ["Mixed_3a", "Mixed_4a", "Mixed_5a", "Mixed_5e", "Mixed_6a", "Mixed_6h", "Mixed_7d"]
    assert channels(v4, names) == [160, 192, 384, 384, 1024, 1024, 1536]


def test_inception_v4_has_the_parameters_that_are_published(v4):
    # 42,679,816 with 1000 classes where batch norms scale; here they only shift.
    norms = [one for one in v4.layers if isinstance(one, keras.layers.BatchNormalization)]
    scales = sum(norm.beta.shape[0] for norm in norms)
    trained = sum(int(np.prod(variable.shape)) for variable in v4.trainable_weights)
    classifier = (1536 + 1) * 1000
    assert trained + scales + classifier == 42_679_816


@pytest.mark.parametrize("name", ["v3", "v4"])
def test_levels_lie_where_the_sides_have_halved(name, request):
    network = request.getfixturevalue(name)
    levels = backbones[f"inception_{name}"].level_outputs(network)
    maps = [network.get_layer(levels[level]).output for level in (2, 3, 4, 5)]
    images = keras.KerasTensor((1, 299, 299, 3))
    shapes = keras.Model(network.input, maps).compute_output_spec(images)
    sides = [map_.shape[1] for map_ in shapes]
    # Without padding, where others have 75, 38, 19 and 10.
    assert sides == [71, 35, 17, 8]
    # The last layer of each stride: what reads it has a coarser one, or there is none.
    assert levels[5] == network.layers[-1].name


@pytest.mark.parametrize("name", ["inception_v3", "inception_v4"])
def test_both_can_be_under_every_neck_and_both_kinds_of_detector(name):
    expected = {f"ssd_{name}{neck}_keras" for neck in ("", "_fpn", "_bifpn")}
    assert {one for one in feature_extractor_types() if name in one} == expected
    assert {one for one in region_feature_types() if name in one} == {
        f"faster_rcnn_{name}_fpn_keras"
    }


@pytest.mark.parametrize(
    ("layer", "scope"),
    [
        ("Conv2d_1a_7x7_BN", "Conv2d_1a_7x7"),
        ("Mixed_3b_Branch_1_Conv2d_0b_3x3", "Mixed_3b/Branch_1/Conv2d_0b_3x3"),
        ("Mixed_5c_Branch_1_Conv_1_0c_5x5_BN", "Mixed_5c/Branch_1/Conv_1_0c_5x5"),
    ],
)
def test_a_layer_knows_its_scope_in_tf_slim(layer, scope):
    assert backbones["inception_v3"].tf1.scope_of(layer) == scope


def test_a_fork_is_concatenated_after_its_branch():
    graph = InceptionGraph(ConvHyperparams(activation="linear"), min_depth=1)
    branches = (
        (Conv("a", 2, 1), Fork((Conv("b", 3, (1, 3)), Conv("c", 4, (3, 1))))),
        (Pool("max"),),
    )
    x = keras.Input((6, 6, 5))
    network = keras.Model(x, graph.block(x, "Mixed_9z", branches))
    assert network.output.shape == (None, 6, 6, 3 + 4 + 5)
    assert network.get_layer("Mixed_9z_Branch_0_c").kernel.shape == (3, 1, 2, 4)
    pooled = np.zeros((1, 6, 6, 5), np.float32)
    pooled[0, 2, 2, 4] = 1.0
    assert np.asarray(network(pooled))[0, 1:4, 1:4, -1].min() == 1.0


def test_an_image_that_nothing_would_be_left_of_is_refused():
    config = tiny_config().model
    config.ssd.image_resizer.fixed_shape_resizer.height = 96
    config.ssd.image_resizer.fixed_shape_resizer.width = 96
    config.ssd.feature_extractor.type = "ssd_inception_v3_keras"
    config.ssd.feature_extractor.ClearField("fpn")
    config.ssd.anchor_generator.ssd_anchor_generator.num_layers = 6
    shared = config.ssd.box_predictor.weight_shared_convolutional_box_predictor
    head = schema.ConvolutionalBoxPredictor(conv_hyperparams=shared.conv_hyperparams)
    config.ssd.box_predictor.convolutional_box_predictor.CopyFrom(head)
    backbone = build_detector(config).backbone
    assert [map_.shape[1] for map_ in backbone(np.zeros((1, 75, 75, 3), np.float32))] == [7, 3, 1]
    with pytest.raises(ConfigError, match="images of 74x90 pixels are too small"):
        backbone(np.zeros((1, 74, 90, 3), np.float32))
