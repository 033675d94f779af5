"""A network from Python under a detector: trained, and then used without the Python object."""

from __future__ import annotations

import importlib
import io
import json

import keras
import numpy as np
import pytest
from command import detectune
from rich.console import Console
from tiny import tiny_config, write_squares

from detectune.checkpoints.run_directory import open_run
from detectune.config.load import load_config
from detectune.config.save import write_config
from detectune.detectors.build import build_detector
from detectune.errors import CheckpointError, ConfigError
from detectune.inference.evaluate_run import evaluate
from detectune.inference.predictor import Predictor
from detectune.training.console import RunConsole
from detectune.training.train import train

layers = keras.layers


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_squares(tmp_path_factory.mktemp("own") / "data")


def config_for(data, *, steps=2):
    config = tiny_config(data)
    config.train_config.num_steps = steps
    config.train_config.evaluate_every_steps = 100
    config.eval_config.batch_norm_recalibration = False
    extractor = config.model.ssd.feature_extractor
    extractor.type = "ssd_fpn_keras"
    extractor.backbone.preprocessing = 2  # TF
    return config


def my_network() -> keras.Model:
    """A classifier of five convolutions of which the first two do not train."""
    images = x = keras.Input((64, 64, 3))
    for level in range(1, 6):
        x = layers.Conv2D(8 * level, 3, strides=2, padding="same", name=f"conv{level}")(x)
        x = layers.BatchNormalization(momentum=0.5, name=f"norm{level}")(x)
        x = layers.Activation("relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(images, layers.Dense(5)(x), name="mine")
    for layer in model.layers[:7]:
        layer.trainable = False
    return model


@pytest.fixture(scope="module")
def said():
    return io.StringIO()


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(4)
    return my_network()


@pytest.fixture(scope="module")
def run(data, network, said, tmp_path_factory):
    console = RunConsole(Console(file=said, width=1000))
    folder = tmp_path_factory.mktemp("run") / "mine"
    return train(config_for(data), folder, backbone=network, console=console)


def test_training_begins_with_its_weights_and_leaves_what_was_frozen(run, network, said):
    trained = run.detector("last").backbone.network
    for name in ("conv1", "norm1", "conv2", "norm2"):
        pairs = zip(trained.get_layer(name).weights, network.get_layer(name).weights, strict=True)
        for one, other in pairs:
            np.testing.assert_array_equal(one, other)
    for name in ("conv3", "conv5"):
        kernel = network.get_layer(name).get_weights()[0]
        change = np.abs(trained.get_layer(name).get_weights()[0] - kernel).max()
        assert 0 < change < np.abs(kernel).max()
    text = said.getvalue()
    assert "training from the weights of the network that was given" in text
    assert "4 of its 11 layers with weights are frozen" in text
    assert "images are normalized as the config says (TF)" in text


def test_the_run_directory_says_what_the_network_is(run):
    described = json.loads((run.path / "backbone.json").read_text())
    assert described["network"]["config"]["name"] == "mine"
    extractor = load_config(run.path / "pipeline.config").model.ssd.feature_extractor
    assert (extractor.type, extractor.backbone.saved) == ("ssd_fpn_keras", "backbone.json")
    checked = detectune("config", "check", run.path / "pipeline.config")
    assert "backbone" not in checked.out + checked.err


def test_it_is_evaluated_predicts_and_is_exported_without_the_object(run, data, tmp_path):
    moved = tmp_path / "elsewhere"
    run.path.rename(moved)
    try:
        assert evaluate(moved)["images"] == 8
        images = sorted(data.glob("*.png"))[:2]
        expected = Predictor.load(moved).predict(images)
        done = detectune("export", moved, "-o", tmp_path / "exported")
        assert done.status == 0, done.err
        for one, other in zip(
            Predictor.load(tmp_path / "exported").predict(images), expected, strict=True
        ):
            np.testing.assert_allclose(one.scores, other.scores, atol=1e-4)
    finally:
        moved.rename(run.path)


def test_it_goes_on_to_the_weights_of_a_run_that_was_not_interrupted(data, network, tmp_path):
    config = config_for(data, steps=4)
    del config.eval_input_reader[:]
    whole = train(config, tmp_path / "whole", backbone=network)
    config.train_config.num_steps = 2
    train(config, tmp_path / "parts", backbone=network)
    rest = load_config(tmp_path / "parts" / "pipeline.config", ["train_config.num_steps=4"])
    parts = train(rest, tmp_path / "parts", resume=True)
    for one, other in zip(
        parts.detector("last").weights, whole.detector("last").weights, strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_a_run_without_its_network_says_what_is_missing(run):
    file = run.path / "backbone.json"
    text = file.read_text()
    file.unlink()
    try:
        with pytest.raises(CheckpointError, match=r"backbone\.json: it is not there"):
            open_run(run.path).detector()
    finally:
        file.write_text(text)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_keras_file_in_a_config_trains_and_the_run_does_without_it(data, network, tmp_path):
    network.save(tmp_path / "mine.keras")
    config = config_for(data, steps=1)
    del config.eval_input_reader[:]
    config.model.ssd.feature_extractor.backbone.saved = str(tmp_path / "mine.keras")
    config.model.ssd.feature_extractor.ClearField("depth_multiplier")
    config.model.ssd.feature_extractor.override_base_feature_extractor_hyperparams = False
    write_config(config, tmp_path / "own.config")
    done = detectune("train", tmp_path / "own.config", "--model-dir", tmp_path / "run")
    assert done.status == 0, done.err
    (tmp_path / "mine.keras").unlink()
    kernel = open_run(tmp_path / "run").detector().backbone.network.get_layer("conv1").kernel
    np.testing.assert_array_equal(kernel, network.get_layer("conv1").kernel)


def test_a_detector_is_built_on_it_in_one_line(network):
    config = tiny_config(extractor="ssd_mobilenet_v2_fpn_keras")
    detector = build_detector(config.model, backbone=network)
    assert [one.shape[-1] for one in detector.backbone.network.outputs] == [40, 32, 24]


# --- as every tutorial shows them -----------------------------------------------------------------


def detector_on(model: keras.Model, data, folder):
    config = config_for(data, steps=1)
    del config.eval_input_reader[:]
    fixed = config.model.ssd.image_resizer.fixed_shape_resizer
    fixed.height = fixed.width = 96
    config.model.ssd.feature_extractor.backbone.preprocessing = 0  # AUTO
    run = train(config, folder, backbone=model)
    return run.detector("last")


@pytest.fixture
def imagenet(monkeypatch):
    """`weights="imagenet"` leaves the weights random, for there is no network here."""
    for name in ("resnet", "mobilenet_v2", "inception_v3"):
        module = importlib.import_module(f"keras.src.applications.{name}")
        monkeypatch.setattr(module.file_utils, "get_file", lambda *_, **__: "weights.h5")
    monkeypatch.setattr(keras.Model, "load_weights", lambda *_, **__: None)


@pytest.mark.slow
def test_resnet50_frozen(imagenet, data, tmp_path):
    from keras.applications import ResNet50

    base_model = ResNet50(weights="imagenet", include_top=False, input_shape=(224, 224, 3))
    base_model.trainable = False

    detector = detector_on(base_model, data, tmp_path / "run")
    assert not detector.backbone.trainable_variables
    kernel = detector.backbone.network.get_layer("conv1_conv").kernel
    np.testing.assert_array_equal(kernel, base_model.get_layer("conv1_conv").kernel)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`input_shape` is undefined")
def test_mobilenet_v2_with_its_output(imagenet, data, tmp_path):
    from keras.applications import MobileNetV2

    base_model = MobileNetV2(weights="imagenet", include_top=False)
    for layer in base_model.layers[:100]:
        layer.trainable = False
    x = base_model.output
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dense(1024, activation="relu")(x)
    predictions = keras.layers.Dense(200, activation="softmax")(x)
    model = keras.Model(inputs=base_model.input, outputs=predictions)

    detector = detector_on(model, data, tmp_path / "run")
    network = detector.backbone.network
    count = sum(len(layer.trainable_weights) for layer in base_model.layers[100:])
    assert len(network.trainable_variables) == count
    np.testing.assert_array_equal(
        network.get_layer("Conv1").kernel, base_model.get_layer("Conv1").kernel
    )


@pytest.mark.slow
def test_inception_v3_with_pooling_and_a_size(imagenet, data, tmp_path):
    from keras.applications import InceptionV3

    model = InceptionV3(
        weights="imagenet", include_top=False, pooling="avg", input_shape=(299, 299, 3)
    )
    detector = detector_on(model, data, tmp_path / "run")
    assert detector.backbone.strides == (8, 16, 32)
    assert detector.backbone.trainable_variables


def test_a_network_that_is_no_backbone_leaves_no_folder(data, tmp_path):
    images = keras.Input((64, 64, 3))
    wrong = keras.Model(images, layers.Lambda(lambda x: x)(images))
    with pytest.raises(ConfigError, match="Lambda"):
        train(config_for(data), tmp_path / "run", backbone=wrong)
    assert not (tmp_path / "run").exists()
