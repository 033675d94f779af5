"""A functional model of the user's → a backbone: what is kept, what changes, what is refused."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
from own_networks import convolutions, small_network
from three_parts import three_parts
from tiny import random_batch, tiny_config

from detectune.backbones.adopted import adopt
from detectune.backbones.levels import find_levels, named_levels
from detectune.backbones.own_network import own_family
from detectune.backbones.stored import description, read_description, read_keras_file
from detectune.detectors.build import build_detector
from detectune.errors import CheckpointError, ConfigError
from detectune.layers.batch_norm import FreezableBatchNormalization

layers = keras.layers
# Keras reads files so.
reads_h5 = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def config():
    model = tiny_config().model
    model.ssd.feature_extractor.type = "ssd_fpn_keras"
    model.ssd.feature_extractor.override_base_feature_extractor_hyperparams = False
    model.ssd.feature_extractor.ClearField("depth_multiplier")
    model.ssd.feature_extractor.backbone.preprocessing = 1  # NONE
    return model


def given_weights(model: keras.Model) -> keras.Model:
    random = np.random.default_rng(1)
    for variable in model.weights:
        variable.assign(random.uniform(0.1, 1, variable.shape))
    return model


# --- levels ---------------------------------------------------------------------------------------


def test_the_last_map_of_every_stride_is_found_and_the_classifier_left_out():
    levels = find_levels(adopt(small_network()))
    assert levels == {1: "level1", 2: "level2", 3: "level3", 4: "level4", 5: "level5"}


def test_a_map_inside_a_residual_block_is_not_the_last_of_its_stride():
    images = keras.Input((None, None, 3))
    x = convolutions(images, last=3)
    inner = layers.Conv2D(8, 1, name="inner")(x)
    inner = layers.Conv2D(8, 3, strides=2, padding="same", name="halved")(inner)
    shortcut = layers.Conv2D(8, 1, strides=2, name="shortcut")(x)
    x = layers.Add(name="sum")([inner, shortcut])
    network = adopt(keras.Model(images, x))
    assert find_levels(network) == {1: "level1", 2: "level2", 3: "level3", 4: "sum"}


def test_a_sum_that_is_no_layer_and_a_padding_are_seen():
    images = keras.Input((None, None, 3))
    x = convolutions(images, last=2)
    x = x + layers.Conv2D(8, 1, name="side")(x)
    x = layers.ZeroPadding2D(1, name="pad")(x)
    x = layers.Conv2D(8, 3, strides=2, name="halved")(x)
    levels = find_levels(adopt(keras.Model(images, x)))
    assert levels[2].startswith("add")
    assert levels[3] == "halved"


def test_levels_can_be_named_in_the_config():
    network = adopt(small_network())
    assert named_levels(network, ["conv3", "conv4"], "levels") == {3: "conv3", 4: "conv4"}
    model = config()
    model.ssd.feature_extractor.backbone.levels.extend(["norm3", "norm4", "norm5"])
    backbone = build_detector(model, backbone=small_network()).backbone
    assert [one._keras_history.operation.name for one in backbone.network.outputs[::-1]] == [
        "norm3", "norm4", "norm5",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "wrong"),
    [
        (["levle3"], 'no layer of small is called "levle3"'),
        (["classes"], 'what "classes" gives is no feature map'),
        (["level4", "level3"], '"level3" has stride 8, and stands behind one of stride 16'),
        (["level3", "conv3"], '"conv3" has stride 8, and stands behind one of stride 8'),
    ],
)
def test_levels_that_are_none_are_refused(names, wrong):
    with pytest.raises(ConfigError) as error:
        named_levels(adopt(small_network()), names, "backbone.levels")
    assert wrong in three_parts(error.value)[0]


def test_a_level_that_is_not_there_is_named_with_those_that_are():
    images = keras.Input((None, None, 3))
    shallow = keras.Model(images, convolutions(images, last=4), name="shallow")
    with pytest.raises(ConfigError) as error:
        build_detector(config(), backbone=shallow)
    found, allowed, _ = three_parts(error.value)
    assert "shallow has no feature map of stride 32 (level 5)" in found
    assert "level4 (stride 16)" in allowed


# --- what is kept ---------------------------------------------------------------------------------


def test_weights_and_outputs_are_kept_at_any_size():
    model = given_weights(small_network(64, top=False))
    network = adopt(model)
    images = random_batch()[0]
    np.testing.assert_allclose(network(images), model(images), rtol=1e-6)
    assert network(np.ones((1, 96, 32, 3))).shape == (1, 3, 1, 20)


def test_the_model_itself_is_left_as_it_is():
    model = given_weights(small_network())
    before = [np.asarray(variable) for variable in model.weights]
    detector = build_detector(config(), backbone=model)
    for variable in detector.backbone.variables:
        variable.assign(keras.ops.zeros_like(variable))
    for variable, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_what_was_frozen_stays_frozen_and_is_said():
    model = small_network()
    for layer in model.layers[:4]:
        layer.trainable = False
    backbone = build_detector(config(), backbone=model).backbone
    frozen = {v.path.split("/")[-2] for v in backbone.variables if not v.trainable} - {
        f"norm{level}" for level in range(2, 6)
    }
    assert frozen == {"conv1", "norm1"}
    norms = {n.name: n.learns_statistics for n in backbone.network.layers if is_norm(n)}
    assert norms == {"norm1": False} | {f"norm{level}": True for level in range(2, 6)}
    assert "2 of its 11 layers with weights are frozen" in "; ".join(backbone.notes)


def test_a_whole_model_that_does_not_train_leaves_nothing_to_train_in_the_backbone():
    model = small_network()
    model.trainable = False
    detector = build_detector(config(), backbone=model)
    assert not detector.backbone.trainable_variables
    assert detector.neck.trainable_variables


def is_norm(layer) -> bool:
    return isinstance(layer, FreezableBatchNormalization)


def test_batch_norms_are_ours_with_the_same_settings():
    images = keras.Input((None, None, 3))
    x = layers.Conv2D(4, 1)(images)
    x = layers.BatchNormalization(momentum=0.7, epsilon=0.02, center=False, name="norm")(x)
    norm = adopt(keras.Model(images, x)).get_layer("norm")
    assert is_norm(norm)
    assert (norm.momentum, norm.epsilon, norm.center, norm.scale) == (0.7, 0.02, False, True)


# --- models inside of models ----------------------------------------------------------------------


def tutorial_model(base: keras.Model, **call) -> keras.Model:
    """A classifier on a base, as guides to transfer learning build it."""
    images = keras.Input((64, 64, 3))
    x = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)])(images)
    x = layers.Rescaling(1 / 127.5, offset=-1)(x)
    x = base(x, **call)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.2)(x)
    return keras.Model(images, layers.Dense(1)(x), name="classifier")


def test_a_base_inside_a_model_is_taken_apart_and_augmentations_are_left_out():
    base = given_weights(small_network(64, top=False))
    family = own_family(tutorial_model(base), "AUTO")
    network = family.build(
        depth_multiplier=1.0, min_depth=1, hyperparams=None, explicit_padding=False
    )
    assert not any(isinstance(layer, keras.Model) for layer in network.layers)
    assert family.level_outputs(network)[5] == "level5"
    notes = "; ".join(family.notes)
    assert "left out: random_flip, random_rotation" in notes
    assert "the network normalizes images itself, and is given 0 to 255" in notes
    images = random_batch()[0]
    tap = keras.Model(network.inputs, network.get_layer("level5").output)
    expected = base.predict(images / 127.5 - 1, verbose=0)
    for training in (False, True):
        if training:
            for layer in network.layers:
                layer.trainable = False
        found = tap(keras.ops.convert_to_tensor(images), training=training)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_base_called_without_training_keeps_its_statistics():
    base = small_network(64, top=False)
    kept = adopt(tutorial_model(base, training=False))
    learns = adopt(tutorial_model(base))
    assert not any(layer.learns_statistics for layer in kept.layers if is_norm(layer))
    assert all(layer.learns_statistics for layer in learns.layers if is_norm(layer))


def test_a_sequential_model_is_a_graph_too():
    model = keras.Sequential([keras.Input((64, 64, 3))], name="row")
    for level in range(1, 6):
        model.add(layers.Conv2D(4, 3, strides=2, padding="same", name=f"conv{level}"))
    assert find_levels(adopt(model))[5] == "conv5"


def test_an_adapted_normalization_follows_a_checkpoint():
    images = keras.Input((None, None, 3))
    norm = layers.Normalization(axis=-1, name="pixels")
    model = keras.Model(images, convolutions(norm(images)))
    norm.adapt(np.random.default_rng(0).normal(100, 20, (8, 16, 16, 3)))
    ours = adopt(model).get_layer("pixels")
    pixels = np.full((1, 2, 2, 3), 120.0, np.float32)
    expected = norm(pixels)
    np.testing.assert_allclose(ours(pixels), expected, rtol=1e-5)
    values = ours.get_weights()
    ours.set_weights([np.zeros(3), np.ones(3), values[2]])
    np.testing.assert_allclose(ours(pixels), pixels)
    ours.set_weights(values)
    np.testing.assert_allclose(ours(pixels), expected, rtol=1e-5)


# --- how images are normalized --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown"), [("ResNet50", "ResNet50"), ("MobileNetV2", "MobileNetV2")]
)
def test_a_network_of_keras_is_known_by_its_layers_whatever_it_is_called(name, shown):
    base = getattr(keras.applications, name)(weights=None, include_top=False)
    model = keras.Model(base.input, layers.GlobalAveragePooling2D()(base.output), name="mine")
    family = own_family(model, "AUTO")
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 2, 2, 3)).astype(np.float32)
    module = {"ResNet50": "resnet50", "MobileNetV2": "mobilenet_v2"}[name]
    expected = getattr(keras.applications, module).preprocess_input(pixels.copy())
    np.testing.assert_allclose(family.normalize(pixels), expected, rtol=1e-5, atol=1e-4)
    assert f"as Keras does for {shown}" in family.notes[0]


def test_an_unknown_network_is_given_pixels_as_they_are_which_is_said():
    family = own_family(small_network(), "AUTO")
    assert "images are given as they are, 0 to 255" in family.notes[0]
    assert family.pad_value == (0, 0, 0)


@pytest.mark.parametrize(("way", "module"), [("TF", "tf"), ("TORCH", "torch"), ("CAFFE", "caffe")])
def test_the_ways_are_those_of_keras(way, module):
    from keras.applications import imagenet_utils

    family = own_family(small_network(), way)
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 3, 3, 3)).astype(np.float32)
    expected = imagenet_utils.preprocess_input(pixels.copy(), mode=module)
    np.testing.assert_allclose(family.normalize(pixels), expected, rtol=1e-5, atol=1e-4)
    colour = np.array(family.pad_value, np.float32)[None, None, None]
    np.testing.assert_allclose(family.normalize(colour), 0, atol=1e-4)


# --- what is refused ------------------------------------------------------------------------------


@keras.saving.register_keras_serializable("tests")
class Own(layers.Layer):
    def call(self, x):
        return x


def with_layer(layer) -> keras.Model:
    images = keras.Input((None, None, 3))
    return keras.Model(images, convolutions(layer(images)), name="mine")


class Subclassed(keras.Model):
    def call(self, x):
        return x


@pytest.mark.parametrize(
    ("model", "wrong"),
    [
        (Subclassed, "Subclassed is no functional Keras model"),
        (lambda: keras.Sequential([layers.Dense(1)]), "Sequential is no functional Keras model"),
        (lambda: "ResNet50", "str is no functional Keras model"),
        (lambda: with_layer(Own()), "Own of"),
        (lambda: with_layer(layers.Lambda(lambda x: x)), "Lambda"),
        (lambda: with_layer(layers.Resizing(32, 32)), '"resizing" changes the size of images'),
        (lambda: keras.Model(*[keras.Input((None, None, 1))] * 2), "(None, None, None, 1)"),
        (lambda: keras.Model(*[keras.Input((3, 64, 64))] * 2), "(None, 3, 64, 64)"),
        (lambda: keras.Model(*[keras.Input((10,))] * 2), "(None, 10)"),
    ],
)
def test_what_can_be_no_backbone_is_refused_by_name(model, wrong):
    with pytest.raises(ConfigError) as error:
        build_detector(config(), backbone=model())
    assert wrong in three_parts(error.value)[0]


def test_a_detector_without_a_backbone_from_outside_says_so(monkeypatch):
    from detectune.registry import detectors

    monkeypatch.setitem(detectors._parts, "ssd", lambda message: None)
    with pytest.raises(ConfigError, match="it takes no network from outside"):
        build_detector(config(), backbone=small_network())


# --- as data --------------------------------------------------------------------------------------


def test_a_description_builds_the_same_network(tmp_path):
    model = small_network()
    model.get_layer("conv2").trainable = False
    (tmp_path / "backbone.json").write_text(description(model, "TF"))
    again, way = read_description(tmp_path / "backbone.json")
    assert way == "TF"
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    assert not again.get_layer("conv2").trainable
    assert again.get_layer("conv3").trainable


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", "not json", '{"format": 9, "preprocessing": "TF", "network": {}}',
     '{"format": 1, "preprocessing": "TF", "network": {"class_name": "Functional"}}',
     '{"format": 1, "preprocessing": "TF", "network": 3}', "[" * 100_000],
)  # fmt: skip
def test_a_damaged_description_is_refused(tmp_path, content):
    (tmp_path / "backbone.json").write_text(content)
    with pytest.raises(CheckpointError) as error:
        read_description(tmp_path / "backbone.json")
    assert "the network in it cannot be built" in three_parts(error.value)[0]


def test_a_description_that_names_code_builds_nothing(tmp_path):
    text = json.loads(description(small_network(), "TF"))
    text["network"]["config"]["layers"][1].update(
        {"class_name": "Popen", "module": "subprocess", "registered_name": None}
    )
    (tmp_path / "backbone.json").write_text(json.dumps(text))
    with pytest.raises(ConfigError, match="Popen of subprocess"):
        read_description(tmp_path / "backbone.json")


@reads_h5
def test_a_keras_file_is_read_with_its_weights(tmp_path):
    model = given_weights(small_network())
    model.save(tmp_path / "mine.keras")
    again = read_keras_file(tmp_path / "mine.keras")
    for one, other in zip(again.weights, model.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    detector_config = config()
    detector_config.ssd.feature_extractor.backbone.saved = str(tmp_path / "mine.keras")
    detector = build_detector(detector_config)
    kernel = detector.backbone.network.get_layer("conv1").kernel
    np.testing.assert_array_equal(kernel, model.get_layer("conv1").kernel)


@reads_h5
def test_a_keras_file_with_foreign_layers_or_damage_is_refused(tmp_path):
    with_layer(Own()).save(tmp_path / "own.keras")
    with pytest.raises(ConfigError, match="Own of"):
        read_keras_file(tmp_path / "own.keras")
    whole = tmp_path / "whole.keras"
    small_network().save(whole)
    (tmp_path / "torn.keras").write_bytes(whole.read_bytes()[:2000])
    (tmp_path / "text.keras").write_text("no zip")
    for name in ("torn.keras", "text.keras"):
        with pytest.raises(CheckpointError) as error:
            read_keras_file(tmp_path / name)
        three_parts(error.value)
    with pytest.raises(CheckpointError, match="there is no such file"):
        read_keras_file(tmp_path / "missing.keras")


# --- feature maps on the grid of anchors ----------------------------------------------------------


def test_maps_that_lost_cells_are_padded_to_the_grid_of_anchors():
    images = keras.Input((None, None, 3))
    x = images
    for level in range(1, 6):
        x = layers.Conv2D(4, 3, strides=2, padding="valid", name=f"level{level}")(x)
    backbone = build_detector(config(), backbone=keras.Model(images, x)).backbone
    pixels = keras.ops.ones((1, 300, 260, 3))
    raw = backbone.network(pixels)[::-1]
    for one, padded, stride in zip(raw, backbone(pixels), backbone.strides, strict=True):
        high, wide = -(-300 // stride), -(-260 // stride)
        assert padded.shape[1:3] == (high, wide)
        top, left = (high - one.shape[1]) // 2, (wide - one.shape[2]) // 2
        inside = padded[:, top : top + one.shape[1], left : left + one.shape[2]]
        np.testing.assert_array_equal(inside, one)
        assert float(keras.ops.sum(keras.ops.abs(padded))) == pytest.approx(
            float(keras.ops.sum(keras.ops.abs(one))), rel=1e-5
        )
