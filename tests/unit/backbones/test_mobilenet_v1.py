"""MobileNet V1: widths, and the maps that feature levels are taken from."""

from __future__ import annotations

import keras
import pytest

from detectune.backbones.mobilenet_v1 import mobilenet_v1
from detectune.layers.conv_norm import ConvNorm
from detectune.layers.hyperparams import FixedPadding
from detectune.registry import backbones

pytestmark = pytest.mark.usefixtures("no_values")


def widths(network: keras.Model) -> dict[str, int]:
    """Channels after each convolution that mixes channels."""
    found = {}
    for layer in network.layers:
        conv = layer.conv if isinstance(layer, ConvNorm) else layer
        if isinstance(conv, keras.layers.Conv2D):
            found[conv.name] = conv.filters
    return found


def test_at_full_width_the_graph_is_that_of_keras_applications():
    ours = mobilenet_v1(min_depth=16)
    theirs = keras.applications.MobileNet(input_shape=(96, 96, 3), include_top=False, weights=None)
    assert widths(ours) == widths(theirs)
    assert ours.count_params() == theirs.count_params()


@pytest.mark.parametrize(
    ("multiplier", "first", "last"),
    # twice: int(int(32 · m) · m)
    [(0.5, 8, 256), (0.75, 18, 576), (1.4, 61, 2006)],
)
def test_the_multiplier_counts_twice_as_in_the_original(multiplier, first, last):
    found = widths(mobilenet_v1(depth_multiplier=multiplier, min_depth=8))
    assert (found["conv1"], found["conv_pw_13"]) == (first, last)


def test_the_multiplier_counts_once_where_slim_is_meant():
    network = mobilenet_v1(depth_multiplier=0.5, min_depth=8, multiplied_twice=False)
    found = widths(network)
    assert (found["conv1"], found["conv_pw_13"]) == (16, 512)


def test_no_convolution_is_narrower_than_the_minimum():
    assert set(widths(mobilenet_v1(depth_multiplier=0.5**12, min_depth=32)).values()) == {32}


def test_under_a_separable_pyramid_the_last_blocks_are_thin_and_multiplied_once():
    family = backbones["mobilenet_v1"]
    network = family.build_thin(
        depth_multiplier=0.5, min_depth=8, hyperparams=None, explicit_padding=False
    )
    found = widths(network)
    assert [found[f"conv_pw_{block}"] for block in (11, 12, 13)] == [128, 256, 128]


def test_explicit_padding_keeps_sizes_where_same_padding_would():
    padded = mobilenet_v1(depth_multiplier=0.25, min_depth=8, explicit_padding=True)
    plain = mobilenet_v1(depth_multiplier=0.25, min_depth=8)
    pads = [layer for layer in padded.layers if isinstance(layer, FixedPadding)]
    assert len(pads) == 14  # the first convolution, and every depthwise one
    shape = (1, 65, 97, 3)
    assert padded.compute_output_shape(shape) == plain.compute_output_shape(shape)


def test_levels_end_where_the_stride_doubles():
    network = mobilenet_v1(depth_multiplier=0.25, min_depth=8)
    for level, name in backbones["mobilenet_v1"].level_outputs(network).items():
        inner = keras.Model(network.inputs, network.get_layer(name).output)
        side = 256 // 2**level
        assert inner.compute_output_shape((1, 256, 256, 3))[1:3] == (side, side)
