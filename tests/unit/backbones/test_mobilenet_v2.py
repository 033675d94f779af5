"""MobileNet V2: widths, shortcuts, and the maps that feature levels are taken from."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from detectune.backbones.mobilenet_v2 import divisible, mobilenet_v2, normalize
from detectune.registry import backbones

pytestmark = pytest.mark.usefixtures("no_values")


@pytest.mark.parametrize(("channels", "expected"), [(12, 16), (6, 8), (4.8, 8), (44.8, 48), (1, 8)])
def test_channels_are_rounded_to_eights_and_never_fall_by_more_than_a_tenth(channels, expected):
    assert divisible(channels) == expected


def test_at_full_width_the_graph_is_that_of_keras_applications():
    ours = mobilenet_v2(depth_multiplier=1.0, min_depth=16)
    theirs = keras.applications.MobileNetV2(
        input_shape=(96, 96, 3), include_top=False, weights=None
    )
    sums = [layer.name for layer in theirs.layers if layer.name.endswith("_add")]
    assert [layer.name for layer in ours.layers if layer.name.endswith("_add")] == sums
    assert ours.count_params() == theirs.count_params()


def test_channels_are_whole_before_they_are_rounded_as_in_keras_applications():
    # 0.56 · 32 = 17.92: from 17 the nearest multiple is 16, from 17.92 it would fall too far.
    def widths(network):
        names = ("expanded_conv_project", "block_3_project", "block_6_project")
        return [network.get_layer(name).filters for name in names]

    theirs = keras.applications.MobileNetV2(
        input_shape=(96, 96, 3), alpha=0.56, include_top=False, weights=None
    )
    assert widths(mobilenet_v2(depth_multiplier=0.56, min_depth=8)) == widths(theirs) == [8, 16, 32]
    slim = mobilenet_v2(depth_multiplier=0.56, min_depth=8, whole_before_rounding=False)
    assert widths(slim) == [16, 24, 40]


def test_a_block_widened_by_min_depth_has_no_shortcut():
    # 24 channels at a quarter of the width are 8; min_depth makes them 16, before and after.
    network = mobilenet_v2(depth_multiplier=0.25, min_depth=16)
    names = {layer.name for layer in network.layers}
    assert "block_2_add" not in names
    assert "block_5_add" not in names
    assert "block_9_add" in names  # 64 / 4 = 16 needs no widening
    levels = backbones["mobilenet_v2"].level_outputs(network)
    assert levels == {
        2: "block_2_project_BN", 3: "block_5_project_BN", 4: "block_12_add", 5: "out_relu",
    }  # fmt: skip


def test_the_last_convolution_grows_with_no_width_but_shrinks(monkeypatch):
    monkeypatch.setattr("detectune.backbones.mobilenet_v2._STAGES", [(1, 16, 1, 1)])
    assert mobilenet_v2(depth_multiplier=1.4).output.shape[-1] == 1280
    assert mobilenet_v2(depth_multiplier=0.5).output.shape[-1] == 640


def test_the_padding_colour_becomes_zero():
    family = backbones["mobilenet_v2"]
    np.testing.assert_allclose(normalize(np.array(family.pad_value)), 0, atol=1e-7)
    np.testing.assert_allclose(normalize(np.array([0.0, 255.0])), [-1, 1], atol=1e-6)
