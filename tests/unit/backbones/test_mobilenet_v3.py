"""MobileNet V3: the tables, squeeze and excite, and names in TF-Slim."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from detectune.backbones.mobilenet_v3 import LARGE, SMALL, Gate
from detectune.registry import backbones

pytestmark = pytest.mark.usefixtures("no_values")
FAMILIES = ("mobilenet_v3_large", "mobilenet_v3_small")


@pytest.mark.parametrize("name", FAMILIES)
def test_levels_have_their_strides(name):
    family = backbones[name]
    network = family.build(
        depth_multiplier=0.25, min_depth=8, hyperparams=None, explicit_padding=False
    )
    levels = family.level_outputs(network)
    maps = [network.get_layer(layer).output for layer in levels.values()]
    images = keras.KerasTensor((1, 64, 64, 3))
    outputs = keras.Model(network.input, maps).compute_output_spec(images)
    assert [64 // map_.shape[1] for map_ in outputs] == [4, 8, 16, 32]


def test_the_halved_end_is_what_detectors_use():
    # Source: Howard et al. 2019, section 6.4: channels between C4 and C5 are halved.
    assert [row.channels for row in LARGE[-3:]] == [80, 80, 80]
    assert [row.channels for row in SMALL[-3:]] == [48, 48, 48]
    network = backbones["mobilenet_v3_large"].build(
        depth_multiplier=1.0, min_depth=16, hyperparams=None, explicit_padding=False
    )
    assert network.output.shape[-1] == 480


def test_blocks_with_squeeze_and_excite_are_those_of_the_table():
    network = backbones["mobilenet_v3_small"].build(
        depth_multiplier=1.0, min_depth=16, hyperparams=None, explicit_padding=False
    )
    gates = [layer for layer in network.layers if isinstance(layer, Gate)]
    assert len(gates) == sum(row.excite for row in SMALL) == 9
    inner = network.get_layer("expanded_conv_squeeze_excite_Conv")
    assert inner.filters == 8  # a quarter of 16, but at least 8
    assert inner.use_bias


def test_the_gate_is_closed_below_minus_three_and_open_above_three():
    found = np.asarray(Gate()(np.array([-4.0, -3.0, 0.0, 3.0, 9.0], np.float32)))
    np.testing.assert_allclose(found, [0.0, 0.0, 0.50001, 1.00002, 1.00002], atol=1e-6)


@pytest.mark.parametrize(
    ("layer", "scope"),
    [
        ("Conv_BN", "Conv"),
        ("Conv_1", "Conv_1"),
        ("expanded_conv_depthwise_BN", "expanded_conv/depthwise"),
        ("expanded_conv_10_expand", "expanded_conv_10/expand"),
        ("expanded_conv_3_squeeze_excite_Conv_1", "expanded_conv_3/squeeze_excite/Conv_1"),
    ],
)
def test_a_layer_knows_its_scope_in_tf_slim(layer, scope):
    assert backbones["mobilenet_v3_small"].tf1.scope_of(layer) == scope
