"""ResNet V1: depths, widths, strides, and its stages one by one."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras.layers import Conv2D, Input
from structure import structure_only

from detectune.backbones.resnet_v1 import (
    BLOCKS,
    DEFAULT_HYPERPARAMS,
    ResNetGraph,
    normalize,
    resnet_v1,
)
from detectune.layers.batch_norm import FreezableBatchNormalization
from detectune.layers.conv_norm import ConvNorm
from detectune.registry import backbones

pytestmark = pytest.mark.usefixtures("no_values")


def convolutions(network: keras.Model) -> dict[str, Conv2D]:
    parts = [layer.conv if isinstance(layer, ConvNorm) else layer for layer in network.layers]
    return {layer.name: layer for layer in parts if isinstance(layer, Conv2D)}


@pytest.fixture(scope="module")
def resnet50():
    """With few channels; no test changes it."""
    with structure_only():
        return resnet_v1(50, depth_multiplier=0.125)


@pytest.mark.parametrize("depth", BLOCKS)
def test_three_convolutions_for_each_block_make_the_depth(depth):
    assert 1 + 3 * sum(BLOCKS[depth]) == depth - 1  # the last layer is the classifier


@pytest.mark.parametrize(
    "depth", [n if n == 50 else pytest.param(n, marks=pytest.mark.slow) for n in BLOCKS]
)
def test_there_are_as_many_convolutions_as_the_name_says(depth):
    network = resnet_v1(depth, depth_multiplier=0.125, min_depth=8)
    found = [name for name in convolutions(network) if not name.endswith("_0_conv")]
    assert len(found) == depth - 1  # the last layer is the classifier


def test_without_biases_the_graph_is_that_of_keras_applications():
    ours = resnet_v1(50)
    theirs = keras.applications.ResNet50(include_top=False, weights=None)
    biases = sum(layer.filters for layer in theirs.layers if isinstance(layer, Conv2D))
    assert ours.count_params() == theirs.count_params() - biases
    assert list(convolutions(ours)) == list(convolutions(theirs))


def test_the_first_1x1_convolution_of_a_stage_has_the_stride(resnet50):
    found = convolutions(resnet50)
    strides = {name: conv.strides[0] for name, conv in found.items() if conv.strides != (1, 1)}
    assert strides == {"conv1_conv": 2} | {
        f"conv{stage}_block1_{unit}_conv": 2 for stage in (3, 4, 5) for unit in (0, 1)
    }


def test_widths_are_multiplied_and_never_below_the_minimum():
    found = convolutions(resnet_v1(50, depth_multiplier=0.1, min_depth=16))
    names = ("conv1_conv", "conv2_block1_3_conv", "conv5_block1_1_conv", "conv5_block1_3_conv")
    assert [found[name].filters for name in names] == [16, 25, 51, 204]


def test_levels_end_where_the_stride_doubles(resnet50):
    deeper = backbones["resnet101_v1"].level_outputs(resnet50)  # names alone
    assert deeper[4] == "conv4_block23_out"
    for level, name in backbones["resnet50_v1"].level_outputs(resnet50).items():
        inner = keras.Model(resnet50.inputs, resnet50.get_layer(name).output)
        side = 256 // 2**level
        assert inner.compute_output_shape((1, 256, 256, 3))[1:3] == (side, side)


def test_a_stage_can_be_had_alone_as_the_head_of_a_box():
    graph = ResNetGraph(DEFAULT_HYPERPARAMS, depth_multiplier=0.125, last_recomputed=0)
    crops = Input((14, 14, 128))
    head = keras.Model(crops, graph.stage(crops, 5, 3))
    assert head.output.shape == (None, 7, 7, 256)
    assert [layer.name for layer in head.layers[1:3]] == [
        "conv5_block1_1_conv", "conv5_block1_1_bn",
    ]  # fmt: skip


def test_the_defaults_are_those_of_the_original(resnet50):
    norm = resnet50.get_layer("conv5_block3_3_bn")
    assert isinstance(norm, FreezableBatchNormalization)
    assert (norm.momentum, norm.epsilon) == (0.997, 1e-5)
    # The whole squared norm counts, not half of it.
    kernel = resnet50.get_layer("conv5_block3_3_conv").kernel_regularizer
    assert float(kernel(np.ones((1, 1, 2, 2), np.float32))) == pytest.approx(4e-4)


def test_the_mean_colour_becomes_zero():
    family = backbones["resnet50_v1"]
    found = normalize(np.array([[family.pad_value, (255.0, 0.0, 103.939)]], np.float32))
    expected = [[[0, 0, 0], [131.32, -116.779, 0]]]
    np.testing.assert_allclose(np.asarray(found), expected, atol=1e-4)
