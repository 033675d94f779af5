"""Checkpoints of classifiers: their layers become the backbone of a detector."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.layers import Dense, GlobalAveragePooling2D, Input
from tiny import tiny_config
from tiny_two_stage import make_short

from detectune.backbones.mobilenet_v1 import mobilenet_v1
from detectune.backbones.mobilenet_v2 import mobilenet_v2
from detectune.backbones.resnet_v1 import BLOCKS, DEFAULT_HYPERPARAMS, ResNetGraph
from detectune.checkpoints.classifiers import backbone_values
from detectune.checkpoints.name_maps.networks import backbone_layers
from detectune.checkpoints.restore import restore
from detectune.detectors.build import build_detector
from detectune.errors import CheckpointError
from detectune.layers.conv_norm import ConvNorm

SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
STATE = ["save_counter", "step", "optimizer/iter"]


def _values(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Not below 0: some of them stand for variances."""
    return np.abs(random.normal(size=shape)).astype(np.float32)


def resnet50() -> keras.Model:
    graph = ResNetGraph(DEFAULT_HYPERPARAMS, depth_multiplier=0.25, last_recomputed=0)
    images = Input((None, None, 3))
    x = graph.stem(images)
    for number, blocks in enumerate(BLOCKS[50], start=2):
        x = graph.stage(x, number, blocks)
    return keras.Model(images, x)


NETWORKS = {
    "ssd_mobilenet_v1_fpn_keras": lambda: mobilenet_v1(depth_multiplier=0.25, min_depth=8),
    "ssd_mobilenet_v2_fpn_keras": lambda: mobilenet_v2(depth_multiplier=0.25, min_depth=8),
    "ssd_resnet50_v1_fpn_keras": resnet50,
}


@pytest.fixture(autouse=True)
def _short_networks(monkeypatch):
    make_short(monkeypatch, 50)
    monkeypatch.setitem(BLOCKS, 101, (1, 1, 2, 1))


def detector_of(type_name: str):
    config = tiny_config().model
    config.ssd.feature_extractor.type = type_name
    # With separable convolutions MobileNet V1 has thinner last blocks than a classifier.
    config.ssd.feature_extractor.use_depthwise = False
    return build_detector(config)


def classifier(network: keras.Model) -> dict[str, dict[str, np.ndarray]]:
    """Layer → variable → value of `network` with a classifier on it, in the order of the graph."""
    out = Dense(7, name="predictions")(GlobalAveragePooling2D()(network.output))
    random = np.random.default_rng(1)
    layers = {}
    for layer in keras.Model(network.input, out).layers:
        for part in (layer.conv, layer.norm) if isinstance(layer, ConvNorm) else (layer,):
            if part.weights:
                layers[part.name] = {_kind(part, v): _values(random, v.shape) for v in part.weights}
    return layers


def _kind(layer, variable) -> str:
    is_depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    return "depthwise_kernel" if is_depthwise else variable.name


def write_archive(folder, layers, pattern="feature_extractor/layer_with_weights-{}"):
    values = {f"{name}{SUFFIX}": np.zeros((), np.int64) for name in STATE}
    for number, variables in enumerate(layers.values()):
        for name, value in variables.items():
            values[f"{pattern.format(number)}/{name}{SUFFIX}"] = value
    tf.raw_ops.SaveV2(
        prefix=str(folder / "model.ckpt-1"),
        tensor_names=list(values),
        shape_and_slices=[""] * len(values),
        tensors=list(values.values()),
    )
    return folder


@pytest.mark.parametrize(
    ("type_name", "root"),
    [
        pytest.param(
            name, root, marks=[] if root == "model/" or "mobilenet_v1" in name else pytest.mark.slow
        )
        for name in NETWORKS
        for root in ("feature_extractor/", "model/", "")
    ],
)
def test_a_backbone_is_restored_completely_and_the_classifier_left_over(tmp_path, type_name, root):
    pattern = f"{root}layer_with_weights-{{}}"
    layers = classifier(NETWORKS[type_name]())
    detector = detector_of(type_name)
    folder = write_archive(tmp_path, layers, pattern)
    report = restore(detector, folder, kind="classification")
    for layer in backbone_layers(detector.backbone):
        for variable in layer.weights:
            expected = layers[layer.name][_kind(layer, variable)]
            np.testing.assert_array_equal(np.asarray(variable), expected, err_msg=layer.name)
    last = pattern.format(len(layers) - 1)
    assert report.left_over == [f"{last}/bias", f"{last}/kernel"]
    assert not report.mismatched
    assert not any("classification_backbone" in path for path in report.fresh)
    assert any("_box_predictor" in path for path in report.fresh)
    assert "left over in the checkpoint: 2" in report.summary()


def test_an_efficientnet_is_restored_though_its_last_layers_have_another_root(tmp_path):
    config = tiny_config().model
    extractor = config.ssd.feature_extractor
    extractor.type = "ssd_efficientnet-b0_bifpn_keras"
    extractor.ClearField("use_depthwise")
    extractor.bifpn.num_filters = 16
    extractor.bifpn.min_level, extractor.bifpn.max_level = 3, 5
    extractor.depth_multiplier = 1.0
    detector = build_detector(config)
    random = np.random.default_rng(1)
    layers = {
        layer.name: {_kind(layer, v): _values(random, v.shape) for v in layer.weights}
        for layer in backbone_layers(detector.backbone)
    }
    report = restore(detector, write_archive(tmp_path, layers), kind="classification")
    for layer in backbone_layers(detector.backbone):
        for variable in layer.weights:
            expected = layers[layer.name][_kind(layer, variable)]
            np.testing.assert_array_equal(np.asarray(variable), expected, err_msg=layer.name)
    roots = {path.split("/")[1] for path in report.matched}
    assert roots == {"_efficientnet", "classification_backbone"}
    assert report.left_over == []


@pytest.mark.parametrize(
    ("archive", "type_name"),
    [
        ("ssd_mobilenet_v1_fpn_keras", "ssd_mobilenet_v2_fpn_keras"),
        ("ssd_mobilenet_v2_fpn_keras", "ssd_resnet50_v1_fpn_keras"),
        ("ssd_resnet50_v1_fpn_keras", "ssd_resnet101_v1_fpn_keras"),
    ],
)
def test_the_archive_of_another_network_is_refused(tmp_path, archive, type_name):
    folder = write_archive(tmp_path, classifier(NETWORKS[archive]()))
    detector = detector_of(type_name)
    before = [np.asarray(variable) for variable in detector.weights]
    with pytest.raises(CheckpointError, match="Of another shape") as caught:
        restore(detector, folder, kind="classification")
    message = str(caught.value)
    assert len(message.splitlines()) == 3
    assert "of the network that feature_extractor.type names" in message
    for variable, value in zip(detector.weights, before, strict=True):
        np.testing.assert_array_equal(np.asarray(variable), value)


def test_layers_may_be_counted_together_with_those_without_variables():
    checkpoint = {"model/layer-2/kernel": 1, "model/layer-5/kernel": 2, "model/layer-11/bias": 3}
    backbone = {"b/0/kernel": (0, "kernel"), "b/1/kernel": (1, "kernel")}
    assert backbone_values(checkpoint, backbone) == {  # type: ignore[arg-type]
        "b/0/kernel": 1, "b/1/kernel": 2, "model/layer-11/bias": 3,
    }  # fmt: skip


def test_of_nested_models_the_larger_one_is_the_backbone():
    inner = "model/layer_with_weights-0/layer_with_weights-"
    checkpoint = {f"{inner}{n}/kernel": n for n in range(3)}
    checkpoint["model/layer_with_weights-1/kernel"] = 9
    backbone = {f"b/{place}/kernel": (place, "kernel") for place in range(3)}
    found = backbone_values(checkpoint, backbone)  # type: ignore[arg-type]
    assert found == dict(zip(backbone, range(3), strict=True)) | {
        "model/layer_with_weights-1/kernel": 9
    }
