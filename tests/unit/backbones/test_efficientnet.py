"""EfficientNet: its sizes, its stochastic depth, and the layers that no detector computes."""

from __future__ import annotations

import re

import keras
import numpy as np
import pytest
from tiny import tiny_config

from detectune.backbones.base import Backbone
from detectune.backbones.efficientnet import blocks_of, normalize
from detectune.checkpoints.files import write_checkpoint
from detectune.checkpoints.keys import variable_keys
from detectune.checkpoints.restore import restore
from detectune.detectors.build import build_detector
from detectune.errors import ConfigError
from detectune.registry import backbones


@pytest.mark.parametrize(
    ("width", "depth", "channels", "blocks", "last_rate"),
    [
        (1.0, 1.0, (16, 24, 40, 80, 112, 192, 320), 16, 0.2 * 15 / 16),
        (1.8, 2.6, (32, 40, 72, 144, 200, 344, 576), 45, 0.2 * 44 / 45),
    ],
)
def test_width_and_depth_scale_the_stacks(width, depth, channels, blocks, last_rate):
    found = list(blocks_of(width, depth))
    assert tuple(dict.fromkeys(block.channels for block in found)) == channels
    assert len(found) == blocks
    assert found[0].drop_rate == 0
    assert found[-1].drop_rate == pytest.approx(last_rate)
    assert [block.stride for block in found].count(2) == 4


@pytest.fixture(scope="module")
def small_network() -> keras.Model:
    family = backbones["efficientnet-b0"]
    return family.build(
        depth_multiplier=0.25, min_depth=16, hyperparams=None, explicit_padding=False
    )


@pytest.mark.usefixtures("no_values")
def test_parameters_are_those_of_keras_applications_but_for_its_rescaling():
    family = backbones["efficientnet-b0"]
    ours = family.build(depth_multiplier=1.0, min_depth=0, hyperparams=None, explicit_padding=False)
    theirs = keras.applications.EfficientNetB0(weights=None)
    normalization = 7  # three means, three variances and a counter
    assert ours.count_params() == theirs.count_params() - normalization


def test_names_of_layers_are_allowed_on_every_backend(small_network):
    # TensorFlow's scopes take these; PyTorch has no dots in names and Keras no slashes.
    for layer in small_network.layers:
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", layer.name), layer.name


def test_a_block_is_left_out_for_whole_images_and_scaled_up_for_the_others(
    small_network, monkeypatch
):
    drop = next(one for one in small_network.layers if isinstance(one, keras.layers.Dropout))
    monkeypatch.setattr(drop, "rate", 0.25)
    out = np.asarray(drop(np.ones((400, 2, 2, 3), np.float32), training=True))
    kept = out[:, 0, 0, 0]
    np.testing.assert_array_equal(out, np.broadcast_to(kept[:, None, None, None], out.shape))
    np.testing.assert_allclose(np.unique(kept), [0, 1 / 0.75], rtol=1e-6)
    assert 0.15 < np.mean(kept == 0) < 0.35


def test_layers_after_the_last_level_keep_their_weights_and_are_not_computed(
    small_network,
):
    network = small_network
    family = backbones["efficientnet-b0"]
    names = family.level_outputs(network)
    backbone = Backbone(
        network,
        [names[3], names[4]],
        normalize=family.normalize,
        pad_value=family.pad_value,
        keeps_unused_layers=True,
    )
    computed = {layer.name for layer in backbone.network.layers}
    assert "stack_4-block_2-add" in computed
    assert "stack_5-block_0-expand_conv2d" not in computed
    unused = {variable.path for layer in backbone.unused for variable in layer.weights}
    assert "logits/kernel" in unused
    assert backbone.count_params() == network.count_params()
    still = {layer.name for layer in backbone.unused if not layer.trainable}
    assert "top_bn" in still
    assert all(name.endswith("_bn") for name in still)


def test_the_padding_colour_becomes_zero_and_white_is_positive():
    colours = np.array([backbones["efficientnet-b0"].pad_value, (255.0,) * 3], np.float32)
    padding, white = np.asarray(normalize(colours))
    np.testing.assert_allclose(padding, 0, atol=1e-6)
    np.testing.assert_allclose(white, [2.2489, 2.4286, 2.64], atol=1e-4)


def test_explicit_padding_is_refused():
    with pytest.raises(ConfigError, match="use_explicit_padding"):
        backbones["efficientnet-b3"].build(
            depth_multiplier=1.0, min_depth=0, hyperparams=None, explicit_padding=True
        )


@pytest.mark.slow
def test_a_classifier_fills_the_backbone_and_the_layers_that_are_not_computed(
    small_network, tmp_path
):
    config = tiny_config().model
    extractor = config.ssd.feature_extractor
    extractor.type, extractor.use_depthwise = "ssd_efficientnet-b0_bifpn_keras", False
    extractor.bifpn.max_level = 5
    detector = build_detector(config)
    rows = [row for row in variable_keys(detector) if "layer_with_weights-" in row.key]
    random = np.random.default_rng(0)
    values = {
        row.key: np.abs(random.normal(size=row.variable.shape)).astype(np.float32) for row in rows
    }
    keys = {key: f"model/{key[key.index('layer_with_weights-') :]}" for key in values}
    write_checkpoint(tmp_path / "ckpt-0", {keys[key]: value for key, value in values.items()})
    report = restore(detector, tmp_path / "ckpt-0", kind="classification")
    assert len(report.matched) == len(rows) == len(small_network.weights)
    for row in rows:
        np.testing.assert_array_equal(row.variable, values[row.key])
