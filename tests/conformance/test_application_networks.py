"""What every network of `keras.applications` owes its users as a backbone.

A network that Keras adds is tested here once it stands in `config.application_names`.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from application_networks import module_of, outputs_of, reference_network
from keras.src.applications import convnext
from tiny import random_batch, tiny_config

from detectune.backbones.graph import nodes_of, operations_of
from detectune.checkpoints.files import write_checkpoint
from detectune.checkpoints.keys import variable_keys
from detectune.checkpoints.restore import restore
from detectune.config import schema
from detectune.config.application_names import APPLICATIONS
from detectune.detectors.base import Detector
from detectune.detectors.build import build_detector
from detectune.training.freezing import freeze

# One for each way of being odd: pixels normalized inside, convolutions that pad by the size of the
# image, ones that do not pad at all. The one without batch norms is below, with few blocks.
FAST = {"InceptionV3", "MobileNet", "MobileNetV3Small", "VGG16"}
NETWORKS = [
    pytest.param(name, marks=[] if name in FAST else pytest.mark.slow) for name in APPLICATIONS
]
SIDE = 101
"""Odd, and no multiple of anything, so that paddings show."""


# Keras writes files so.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_keras_is_a_backbone(name, tmp_path):
    check_network(name, tmp_path)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_convnext_of_four_blocks_is_a_backbone(monkeypatch, tmp_path):
    short = {"depths": [1, 1, 1, 1], "projection_dims": [16, 32, 48, 64], "default_size": 224}
    monkeypatch.setitem(convnext.MODEL_CONFIGS, "tiny", short)
    check_network("ConvNeXtTiny", tmp_path)


def check_network(name: str, tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    detector = build_detector(config_of(name))
    check_maps(name, detector, tmp_path)
    check_saved_is_restored(detector, tmp_path)
    check_training(detector)


def config_of(name: str) -> schema.DetectionModel:
    model = tiny_config().model
    extractor = model.ssd.feature_extractor
    extractor.type = "ssd_fpn_keras"
    extractor.backbone.name = name
    extractor.ClearField("depth_multiplier")
    extractor.override_base_feature_extractor_hyperparams = False
    # Maps of one cell have no statistics to speak of.
    model.ssd.freeze_batchnorm = True
    extractor.fpn.min_level, extractor.fpn.max_level = 2, 5
    anchors = model.ssd.anchor_generator.multiscale_anchor_generator
    anchors.min_level, anchors.max_level = 2, 5
    fixed = model.ssd.image_resizer.fixed_shape_resizer
    fixed.height = fixed.width = SIDE
    return model


def check_maps(name: str, detector: Detector, folder: Path) -> None:
    """They have the right strides, and equal those of Keras with the same file of weights."""
    backbone = detector.backbone
    outputs = {id(one) for one in backbone.network.outputs}
    found = [node for node in nodes_of(backbone.network) if id(node.operation.output) in outputs]
    assert [node.level for node in found] == [2, 3, 4, 5]
    assert backbone.strides == (4, 8, 16, 32)

    reference = reference_network(name, SIDE)
    reference.save_weights(folder / "network.weights.h5")
    report = restore(detector, folder / "network.weights.h5", kind="classification")
    assert report.left_over == []
    ours, theirs = list(operations_of(backbone.network)), list(operations_of(reference))
    assert len(ours) == len(theirs)
    taps = [other for one, other in zip(ours, theirs, strict=True) if id(one.output) in outputs]
    images = np.random.default_rng(3).uniform(0, 255, (2, SIDE, SIDE, 3)).astype(np.float32)
    expected = outputs_of(reference, taps, module_of(name).preprocess_input(images.copy()))
    pixels = keras.ops.convert_to_tensor(images)
    computed = backbone.network(backbone.normalize(pixels), training=False)
    for one, other in zip(computed[::-1], expected, strict=True):
        largest = np.abs(other).max()
        assert 1e-3 < largest < 1e6
        np.testing.assert_allclose(keras.ops.convert_to_numpy(one), other, atol=1e-5 * largest)
    padded = backbone._on_grid(computed[::-1], (SIDE, SIDE))
    for one, stride in zip(padded, backbone.strides, strict=True):
        assert tuple(one.shape[1:3]) == (-(-SIDE // stride), -(-SIDE // stride))


def check_saved_is_restored(detector: Detector, folder: Path) -> None:
    values = values_of(detector)
    write_checkpoint(folder / "ckpt-0", values)
    for row in variable_keys(detector):
        row.variable.assign(keras.ops.zeros_like(row.variable.value))
    report = restore(detector, folder / "ckpt-0")
    assert (len(report.matched), report.fresh, report.left_over) == (len(values), [], [])
    found = values_of(detector)
    assert found.keys() == values.keys()
    for key, value in values.items():
        np.testing.assert_array_equal(found[key], value, err_msg=key)


def check_training(detector: Detector) -> None:
    """A step lowers the loss; what is frozen has no part in the next."""
    images, truth = random_batch()
    missing = SIDE - images.shape[1]
    images = np.pad(images, [(0, 0), (0, missing), (0, missing), (0, 0)])
    step(detector, images, truth.as_batch())
    inside = {id(variable) for variable in detector.backbone.trainable_variables}
    assert len(inside) > 20
    frozen = freeze(detector, freeze_patterns=["classification_backbone"], update_patterns=[])
    assert frozen is not None
    assert frozen.variables == len(inside)
    assert detector.trainable_variables
    assert not inside & {id(variable) for variable in detector.trainable_variables}


def step(detector: Detector, images: np.ndarray, truth: dict) -> None:
    """One small step, which lowers the loss of its batch."""
    import tensorflow as tf

    # Dropout counts how often it was drawn.
    state = [np.asarray(variable) for variable in detector.non_trainable_variables]
    with tf.GradientTape() as tape:
        out = detector(images, training=True)
        loss = detector.compute_loss(images, truth, out)
    variables = detector.trainable_variables
    gradients = tape.gradient(loss, [variable.value for variable in variables])
    known = [(v, g) for v, g in zip(variables, gradients, strict=True) if g is not None]
    norm = tf.linalg.global_norm([gradient for _, gradient in known])
    assert np.isfinite(float(norm))
    assert float(norm) > 0
    for variable, gradient in known:
        variable.assign_sub(gradient * (1e-3 / norm))
    for variable, value in zip(detector.non_trainable_variables, state, strict=True):
        variable.assign(value)
    again = detector.compute_loss(images, truth, detector(images, training=True))
    assert float(again) < float(loss)


def values_of(detector: Detector) -> dict[str, np.ndarray]:
    return {row.key: np.asarray(row.variable) for row in variable_keys(detector)}
