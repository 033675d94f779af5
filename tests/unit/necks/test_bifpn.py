"""BiFPN: how maps become one, which maps meet, and what a config may ask for."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
from small_backbone import register_small_backbone
from tiny import tiny_config

from detectune.config import schema
from detectune.config.choices import BIFPN_METHODS
from detectune.detectors.build import build_detector
from detectune.detectors.builders.feature_extractor import backbone_and_neck
from detectune.errors import ConfigError
from detectune.layers.hyperparams import BatchNormSettings, ConvHyperparams
from detectune.necks.bifpn import FUSION_METHODS, BiFpn, Fusion, nodes_of
from detectune.registry import backbones


@pytest.fixture(autouse=True)
def _small_backbone(monkeypatch):
    register_small_backbone(monkeypatch)


MAPS = [np.full((1, 1, 2, 1), value, np.float32) for value in (1.0, 10.0, 100.0)]


@pytest.mark.parametrize(
    ("method", "factors", "expected"),
    [
        ("sum", None, 111.0),
        ("weighted_sum", [2.0, -1.0, 0.5], 2.0 - 10.0 + 50.0),
        # Factors below 0 count as 0; the others are divided by their sum and a little more.
        ("fast_attention", [3.0, -1.0, 1.0], (3.0 * 1.0 + 1.0 * 100.0) / 4.0001),
        ("fast_attention", [-1.0, -2.0, 0.0], 0.0),
        # The original's softmax is over an axis of one element: a plain sum.
        ("attention", [5.0, -3.0, 0.1], 111.0),
    ],
)
def test_maps_become_one(method, factors, expected):
    fusion = Fusion(method)
    fusion.build([one.shape for one in MAPS])
    if factors is not None:
        fusion.factors.assign(np.array(factors, np.float32)[:, None])
    np.testing.assert_allclose(fusion(MAPS), np.full((1, 1, 2, 1), expected), rtol=1e-6)
    assert len(fusion.weights) == (factors is not None)


def test_fresh_factors_give_nearly_the_mean():
    fusion = Fusion("fast_attention")
    fusion.build([one.shape for one in MAPS])
    np.testing.assert_allclose(fusion(MAPS), np.full((1, 1, 2, 1), 111.0 / 3.0001), rtol=1e-6)


def test_nodes_meet_as_in_the_paper():
    nodes = nodes_of(min_level=3, max_level=6, num_inputs=3, iterations=2)
    # Maps 0–2 come from the backbone, at levels 3–5.
    assert [(node.name, node.inputs) for node in nodes] == [
        ("0_up_lvl_6", (2,)),
        ("1_dn_lvl_5", (2, 3)),
        ("1_dn_lvl_4", (1, 4)),
        ("1_dn_lvl_3", (0, 5)),
        ("1_up_lvl_4", (1, 5, 6)),
        ("1_up_lvl_5", (2, 4, 7)),
        ("1_up_lvl_6", (3, 8)),
        ("2_dn_lvl_5", (8, 9)),
        ("2_dn_lvl_4", (7, 10)),
        ("2_dn_lvl_3", (6, 11)),
        ("2_up_lvl_4", (7, 11, 12)),
        ("2_up_lvl_5", (8, 10, 13)),
        ("2_up_lvl_6", (9, 14)),
    ]


def _neck(**changes) -> BiFpn:
    settings = {"num_inputs": 2, "min_level": 3, "max_level": 5, "iterations": 1, "filters": 4}
    style = ConvHyperparams(batch_norm=BatchNormSettings(), activation="swish")
    return BiFpn(**(settings | changes), fusion="sum", hyperparams=style)


def test_levels_halve_also_where_their_size_is_odd():
    neck = _neck()
    neck.build([(None, None, None, 6), (None, None, None, 4)])
    maps = [np.ones((1, 7, 5, 6), np.float32), np.ones((1, 4, 3, 4), np.float32)]
    assert [level.shape for level in neck(maps)] == [(1, 7, 5, 4), (1, 4, 3, 4), (1, 2, 2, 4)]


def test_only_maps_of_another_width_are_projected():
    neck = _neck()
    neck.build([(None, None, None, 6), (None, None, None, 4)])
    projected = [
        (node.name, neck.map_name(place))
        for node, layers in zip(neck.nodes, neck.projections, strict=True)
        for place, one in zip(node.inputs, layers, strict=True)
        if one
    ]
    assert projected == [("1_dn_lvl_3", "0_up_lvl_3")]


def test_the_last_bottom_up_pass_comes_out():
    """With fresh norms, convolutions of zeros leave nothing but what is asked for here."""
    neck = _neck(num_inputs=3)
    neck.build([(None, None, None, 4)] * 3)
    maps = [
        np.random.default_rng(side).normal(size=(1, side, side, 4)).astype(np.float32)
        for side in (8, 4, 2)
    ]
    fused = maps[0] + maps[1].repeat(2, 1).repeat(2, 2) + maps[2].repeat(4, 1).repeat(4, 2)
    for layers in neck.after:
        del layers[:]
    np.testing.assert_allclose(neck(maps)[0], fused, rtol=1e-5, atol=1e-5)


def _extractor(**changes) -> schema.SsdFeatureExtractor:
    config = tiny_config(extractor="ssd_five_convolutions_bifpn_keras").model.ssd.feature_extractor
    config.use_depthwise = False
    config.bifpn.SetInParent()
    for field, value in changes.items():
        message = config
        *parents, name = field.split("__")
        for parent in parents:
            message = getattr(message, parent)
        setattr(message, name, value)
    return config


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"use_depthwise": True}, "feature_extractor.use_depthwise"),
        ({"use_explicit_padding": True}, "feature_extractor.use_explicit_padding"),
        ({"bifpn__combine_method": "fast_atention"}, 'Did you mean "fast_attention"?'),
        ({"bifpn__min_level": 6}, "min_level 6 and max_level 7 do not fit"),
    ],
)
def test_what_a_bifpn_cannot_do_is_refused(changes, found):
    with pytest.raises(ConfigError) as caught:
        backbone_and_neck(_extractor(**changes), freeze_batch_norm=False)
    assert found in str(caught.value)


def test_methods_of_the_config_are_those_of_the_neck():
    assert BIFPN_METHODS == FUSION_METHODS


def test_without_a_bifpn_block_the_backbone_says_how_large_it_is(monkeypatch):
    size = backbones["efficientnet-b6"].bifpn
    assert size == (8, 384, "sum")
    family = replace(backbones["five_convolutions"], bifpn=size)
    monkeypatch.setitem(backbones._parts, "five_convolutions", family)
    config = _extractor()
    config.ClearField("bifpn")
    _, neck = backbone_and_neck(config, freeze_batch_norm=False)
    assert neck.filters == 384
    assert neck.nodes[-1].name == "8_up_lvl_7"
    assert {fusion.method for fusion in neck.fusions if fusion} == {"sum"}


def test_factors_stand_in_the_network_and_train_where_they_count():
    found = {}
    for method in FUSION_METHODS:
        config = tiny_config().model
        changes = {"bifpn__combine_method": method, "bifpn__max_level": 5, "bifpn__num_filters": 8}
        extractor = _extractor(bifpn__num_iterations=1, **changes)
        config.ssd.feature_extractor.CopyFrom(extractor)
        keras.utils.set_random_seed(0)
        detector = build_detector(config)
        found[method] = tuple(
            len([variable for variable in variables if "combine" in variable.name])
            for variables in (detector.variables, detector.trainable_variables)
        )
    assert found == {
        "sum": (0, 0), "weighted_sum": (4, 4), "attention": (4, 0), "fast_attention": (4, 4),
    }  # fmt: skip
