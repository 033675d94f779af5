"""Networks of two-stage detectors, cut in two: strides, sides, channels, order of the layers."""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import pytest
from tiny_two_stage import make_short

from detectune.backbones import inception_resnet_v2 as inception_resnet
from detectune.backbones import inception_v2, resnet_v1
from detectune.backbones.inception_resnet_v2 import Repeats, ScaledSum
from detectune.checkpoints.name_maps.networks import taken_apart
from detectune.registry import backbones

pytestmark = pytest.mark.usefixtures("no_values")
FEW = Repeats(2, 2, 2)
THIN = {"hyperparams": inception_resnet.DEFAULT_HYPERPARAMS, "depth_multiplier": 0.05}
NETWORKS = {
    "inception_resnet_v2": partial(inception_resnet.region_networks, repeats=FEW),
    "inception_v2": inception_v2.region_networks,
    "resnet50": partial(resnet_v1.region_networks, 50),
}


@cache
def halves_of(name, features_stride=16):
    """Thin halves of a network, which no test changes."""
    return NETWORKS[name](features_stride=features_stride, **THIN)


@cache
def whole_inception_resnet():
    return inception_resnet.inception_resnet_v2(depth_multiplier=0.05, repeats=FEW)


def names(network):
    return [layer.name for layer in taken_apart(network.layers) if layer.weights]


def side(network, pixels):
    return network.compute_output_shape((None, pixels, pixels, network.input_shape[-1]))[1]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_trunk_has_a_stride_of_16(name):
    networks = halves_of(name)
    assert networks.trunk.get_layer(networks.features).output is networks.trunk.output
    assert (side(networks.trunk, 64), side(networks.trunk, 65)) == (4, 5)


@pytest.mark.parametrize("name", ["inception_resnet_v2", "resnet50"])
def test_a_stride_of_8_dilates_what_comes_after(name):
    networks = halves_of(name, 8)
    assert side(networks.trunk, 64) == 8
    dilated = [
        layer.kernel_size
        for layer in taken_apart(networks.trunk.layers)
        if getattr(layer, "dilation_rate", (1, 1)) == (2, 2)
    ]
    expected = {"inception_resnet_v2": [(1, 7), (7, 1)] * 2, "resnet50": [(3, 3)] * 6}
    assert dilated == expected[name]


def test_the_networks_of_tensorflow_1_do_otherwise_with_patches(monkeypatch):
    inception = backbones["inception_resnet_v2"]
    padded, unpadded = (
        form.build(features_stride=16, **THIN, repeats=FEW).box_features
        for form in (inception.regions, inception.tf1.regions)
    )
    assert (side(padded, 17), side(unpadded, 17)) == (9, 8)
    make_short(monkeypatch, 50)
    resnet = backbones["resnet50_v1"]
    halved, kept = (
        form.build(features_stride=16, **THIN).box_features
        for form in (resnet.regions, resnet.tf1.regions)
    )
    assert (side(halved, 7), side(kept, 7)) == (4, 7)
    assert side(halves_of("inception_v2").box_features, 7) == 4


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("inception_resnet_v2", whole_inception_resnet),
        ("inception_v2", partial(inception_v2.inception_v2, depth_multiplier=0.05)),
        ("resnet50", partial(resnet_v1.resnet_v1, 50, depth_multiplier=0.05)),
    ],
)
def test_both_halves_have_the_layers_of_the_whole_network_in_its_order(name, whole):
    halves = halves_of(name)
    expected = names(whole())
    assert names(halves.trunk) + names(halves.box_features) == expected


def test_the_first_stage_of_resnet_in_tensorflow_1_holds_the_whole_network():
    networks = backbones["resnet50_v1"].tf1.regions.build(features_stride=16, **THIN)
    assert names(networks.trunk)[-len(names(networks.box_features)) :] == names(
        networks.box_features
    )
    assert side(networks.trunk, 64) == 2
    assert networks.features == "conv4_block6_out"


def test_blocks_of_inception_resnet_have_the_channels_of_the_paper():
    # Source: Szegedy et al. 2016, figure 15, with the 320 and 2080 channels of its published form.
    network = inception_resnet.inception_resnet_v2(repeats=Repeats(1, 1, 1))
    ends = ("mixed_5b", "mixed_6a", "mixed_7a", "conv_7b_ac")
    assert [network.get_layer(end).output.shape[-1] for end in ends] == [320, 1088, 2080, 1536]


def test_a_residual_is_scaled_before_it_is_added():
    x, residual = np.full((1, 1, 1, 2), 3.0, np.float32), np.full((1, 1, 1, 2), 2.0, np.float32)
    np.testing.assert_allclose(ScaledSum(0.25)((x, residual)), 3.5)
    network = whole_inception_resnet()
    scales = [layer.scale for layer in network.layers if isinstance(layer, ScaledSum)]
    assert scales == [0.17, 0.17, 0.1, 0.1, 0.2, 1.0]
    # Parity: neither is the last one rectified.
    assert "block8_2_ac" not in {layer.name for layer in network.layers}
