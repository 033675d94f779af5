"""Vectors of images and boxes: those of plain Keras, of crops, of every kind of network."""

from __future__ import annotations

import json
from dataclasses import replace

import keras
import numpy as np
import pytest
from features_data import class_folders, noisy
from keras import layers
from keras.applications import mobilenet
from keras.utils import img_to_array, load_img
from own_networks import convolutions, small_network
from PIL import Image
from small_backbone import EXTRACTOR, register_small_backbone
from three_parts import three_parts
from tiny import tiny_config

from detectune.checkpoints.files import write_checkpoint
from detectune.checkpoints.keys import variable_keys
from detectune.config.save import write_config
from detectune.detectors.build import build_detector
from detectune.errors import CheckpointError, ConfigError, DataError
from detectune.features.bare_detector import registered_backbone
from detectune.features.extract import extract_features, settings_of
from detectune.features.image_network import ImageNetwork
from detectune.features.open_network import open_network
from detectune.features.pixels import cut_out, resized
from detectune.features.settings import Settings
from detectune.registry import backbones

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # of Keras
    pytest.mark.filterwarnings("ignore:`input_shape` is undefined:UserWarning"),
]


@pytest.fixture
def few_layers(monkeypatch):
    """Let MobileNet have few layers, for the time of a test."""

    def build(*, input_shape, pooling, **_):
        images = keras.Input(input_shape)
        pool = {"avg": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D}[pooling]
        return keras.Model(images, pool()(convolutions(images, last=2)))

    build.__module__ = mobilenet.__name__
    monkeypatch.setattr(keras.applications, "MobileNet", build)


def means(size=(8, 8), name="means") -> ImageNetwork:
    """A network whose vector is the mean colour."""
    return ImageNetwork(
        name=name,
        weights="",
        pooling="avg",
        size=size,
        dimension=3,
        fingerprint="means",
        compute=lambda images: images.mean(axis=(1, 2), dtype=np.float64),
    )


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A MobileNet of Keras, and its weights in a file."""
    keras.utils.set_random_seed(3)
    model = keras.applications.MobileNet(
        include_top=False, weights=None, pooling="avg", input_shape=(96, 96, 3)
    )
    random = np.random.default_rng(3)
    for layer in model.layers:  # Keras's own start makes what deep layers give vanish
        if hasattr(layer, "kernel"):
            shape = tuple(layer.kernel.shape)
            inputs = np.prod(shape[:2] if isinstance(layer, layers.DepthwiseConv2D) else shape[:3])
            layer.kernel.assign(random.normal(size=shape) * np.sqrt(2 / inputs))
    file = tmp_path_factory.mktemp("weights") / "mobilenet.weights.h5"
    model.save_weights(file)
    return model, str(file)


def as_in_the_tutorial(model, path, side: int) -> np.ndarray:
    """What scripts do that extract features with Keras."""
    image = load_img(path, target_size=(side, side))
    batch = mobilenet.preprocess_input(np.expand_dims(img_to_array(image), axis=0))
    return model.predict(batch, verbose=0)[0]


def test_vectors_are_those_of_plain_keras(weights, tmp_path):
    model, file = weights
    root = class_folders(tmp_path, 2)
    photo = Image.fromarray(noisy((90, 120, 150), 9, 333, 517))
    photo.save(root / "blue" / "photo.jpg", quality=80)
    photo.convert("L").save(root / "red" / "grey.jpg")
    photo.quantize(16).save(root / "red" / "palette.png")
    network = open_network("MobileNet", weights=file, size=(96, 96))
    found = extract_features(root, network, batch_size=1)
    paths = sorted(root.rglob("*.*"))
    expected = [as_in_the_tutorial(model, path, 96) for path in paths]
    assert [path.name for path in paths] == list(found.file_names)
    assert found.vectors.shape == (7, 1024)
    np.testing.assert_allclose(found.vectors, expected, rtol=0, atol=1e-6)
    # Keras itself sums in another order where it sees several images at once.
    several = extract_features(root, network, batch_size=4).vectors
    np.testing.assert_allclose(several, expected, rtol=1e-3, atol=1e-4)
    assert np.abs(found.vectors).mean() > 0.01
    assert found.labels.tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert found.class_names == ("blue", "red")


def test_the_size_of_a_network_of_keras_is_that_of_its_weights(monkeypatch):
    sizes = []

    def build(*, input_shape, **_):
        sizes.append(input_shape)
        return keras.Sequential([keras.Input(input_shape), keras.layers.GlobalMaxPooling2D()])

    build.__module__ = mobilenet.__name__
    for name in ("MobileNet", "InceptionV3", "EfficientNetB3"):
        monkeypatch.setattr(keras.applications, name, build)
        assert open_network(name, weights="none").size == sizes[-1][:2]
    assert sizes == [(224, 224, 3), (299, 299, 3), (300, 300, 3)]


@pytest.mark.usefixtures("few_layers")
def test_max_pooling_takes_the_highest_value():
    mean, high = (
        open_network("MobileNet", weights="none", size=(64, 64), pooling=pooling)
        for pooling in ("avg", "max")
    )
    image = noisy((10, 200, 30), 1, 64, 64)[None]
    assert (high.vectors(image) >= mean.vectors(image) - 1e-6).all()
    assert high.fingerprint == mean.fingerprint


def test_a_file_of_another_network_is_refused(tmp_path):
    file = tmp_path / "small.weights.h5"
    small_network().save_weights(file)
    with pytest.raises(CheckpointError) as caught:
        open_network("MobileNet", weights=str(file), size=(64, 64))
    found, _, next_step = three_parts(caught.value)
    assert "it holds another network" in found
    assert "--network" in next_step


@pytest.mark.usefixtures("few_layers")
def test_random_weights_are_the_same_each_time():
    one, two = (open_network("MobileNet", weights="none", size=(32, 32)) for _ in range(2))
    assert one.fingerprint == two.fingerprint


def test_a_network_in_a_file_gives_its_last_feature_map(tmp_path):
    model = small_network(64)
    file = tmp_path / "small.keras"
    model.save(file)
    network = open_network(str(file))
    assert (network.size, network.dimension) == ((64, 64), 20)
    images = np.stack([noisy((200, 30, 60), seed, 64, 64) for seed in range(3)])
    last = keras.Model(model.input, model.get_layer("level5").output)
    expected = np.asarray(last(images.astype(np.float32))).mean(axis=(1, 2))
    np.testing.assert_allclose(network.vectors(images), expected, rtol=1e-4, atol=1e-4)
    assert network.notes == ("images are given as they are, 0 to 255",)


def test_a_backbone_of_the_registry_gives_its_last_feature_map(monkeypatch):
    register_small_backbone(monkeypatch)
    network = open_network("five_convolutions", weights="none")
    assert (network.size, network.dimension, network.weights) == ((224, 224), 256, "none")
    images = np.stack([noisy((200, 30, 60), seed, 224, 224) for seed in range(2)])
    assert network.vectors(images).shape == (2, 256)
    assert network.vectors(images).std() > 0


@pytest.mark.usefixtures("few_layers")
def test_the_last_batch_is_as_good_as_the_others():
    network = open_network("MobileNet", weights="none", size=(64, 64))
    images = np.stack([noisy((200, 30, 60), seed, 64, 64) for seed in range(3)])
    np.testing.assert_allclose(
        network.vectors(images[:1], batch_size=3), network.vectors(images)[:1], atol=1e-6
    )


def two_boxes(root):
    """An image, 60 x 40, with a red and a blue half, and a box in each."""
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, :30], pixels[:, 30:] = (250, 0, 0), (0, 0, 250)
    root.mkdir()
    Image.fromarray(pixels).save(root / "a.png")
    (root / "labels.csv").write_text(
        "filename,width,height,class,xmin,ymin,xmax,ymax\n"
        "a.png,60,40,red,0,10,20,30\na.png,60,40,blue,40,10,60,40\n"
    )
    return f"csv:{root / 'labels.csv'}"


def test_boxes_are_cut_out_each_with_its_class(tmp_path):
    found = extract_features(two_boxes(tmp_path / "data"), means())
    np.testing.assert_array_equal(found.vectors, [[250, 0, 0], [0, 0, 250]])
    assert [found.class_names[label] for label in found.labels] == ["red", "blue"]
    np.testing.assert_array_equal(found.boxes, [[10, 0, 30, 20], [10, 40, 40, 60]])
    assert found.images.tolist() == [0, 0]
    assert found.settings.crops == "boxes"


def test_a_margin_widens_boxes_inside_of_the_image(tmp_path):
    found = extract_features(two_boxes(tmp_path / "data"), means(), margin=0.5)
    np.testing.assert_array_equal(found.boxes, [[0, 0, 40, 30], [0, 30, 40, 60]])


def test_a_whole_image_with_boxes_of_two_classes_has_none(tmp_path):
    found = extract_features(two_boxes(tmp_path / "data"), means(), crops="image")
    np.testing.assert_array_equal(found.vectors, [[125, 0, 125]])
    assert found.labels.tolist() == [-1]
    np.testing.assert_array_equal(found.boxes, [[0, 0, 40, 60]])


def test_a_box_of_less_than_a_pixel_is_one_pixel():
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    cut, place = cut_out(pixels, np.array([0.99, 0.99, 1.0, 1.0]))
    assert place == (3, 3, 4, 4)
    np.testing.assert_array_equal(cut, [[[45, 46, 47]]])


def test_resizing_takes_the_nearest_pixel_unless_it_is_told_otherwise():
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[:, 1] = 200
    assert set(resized(pixels, (8, 8), "nearest").ravel()) == {0, 200}
    assert len(set(resized(pixels, (8, 8), "bilinear").ravel())) > 2


def test_images_that_cannot_be_read_are_left_out_and_named(tmp_path):
    root = class_folders(tmp_path, 3)
    (root / "red" / "1.png").write_bytes((root / "red" / "1.png").read_bytes()[:-40])
    found = extract_features(root, means())
    assert len(found) == 5
    assert [name for name, _ in found.left_out] == ["1.png"]
    assert found.images.tolist() == [0, 1, 2, 3, 5]


def test_vectors_that_are_not_finite_are_refused(tmp_path):
    broken = replace(means(), compute=lambda images: np.full((len(images), 3), np.nan))
    with pytest.raises(DataError, match=r"means: 4 vectors of 4 are not finite: 0\.png") as caught:
        extract_features(class_folders(tmp_path, 2), broken)
    three_parts(caught.value)


def test_data_without_boxes_are_taken_whole_unless_boxes_are_asked_for(tmp_path):
    folder = class_folders(tmp_path, 1, ("red",))
    found = extract_features(f"images:{folder}", means())
    assert (found.settings.crops, found.labels.tolist()) == ("image", [-1])
    with pytest.raises(DataError, match="there is no box to make a vector of") as caught:
        extract_features(f"images:{folder}", means(), crops="boxes")
    three_parts(caught.value)


@pytest.mark.parametrize(
    ("network", "options", "error", "text"),
    [
        ("MobileNetV4", {}, ConfigError, 'Did you mean "MobileNetV2"'),
        ("MobileNetV2", {"weights": "abc"}, ConfigError, "--weights abc: MobileNetV2"),
        ("MobileNet", {"weights": "no.h5"}, CheckpointError, "no.h5"),
        ("MobileNet", {"weights": "none", "size": (4, 4)}, ConfigError, "--size"),
        ("MobileNet", {"weights": "none", "size": (0, 9)}, ConfigError, "--size: 0x9"),
        ("MobileNetV2", {"pooling": "average"}, ConfigError, '--pooling: "average"'),
        ("inception_resnet_v2", {}, ConfigError, "no pyramid can stand"),
        ("", {}, ConfigError, "it is empty"),
    ],
)
def test_a_network_that_cannot_be_opened_is_refused(network, options, error, text):
    with pytest.raises(error, match=text) as caught:
        open_network(network, **options)
    three_parts(caught.value)


def test_weights_alone_are_no_network(tmp_path):
    file = tmp_path / "a.weights.h5"
    small_network().save_weights(file)
    with pytest.raises(ConfigError, match="does not say of which network") as caught:
        open_network(str(file))
    three_parts(caught.value)
    with pytest.raises(ConfigError, match="bring their own weights"):
        open_network(str(file), weights="imagenet")


@pytest.mark.parametrize(
    "options",
    [{"crops": "box"}, {"margin": -1.0}, {"margin": float("nan")}, {"resize": "x"}],
)
def test_an_option_that_makes_no_sense_is_refused(options, tmp_path):
    with pytest.raises(ConfigError) as caught:
        extract_features(class_folders(tmp_path, 1), means(), **options)
    assert str(caught.value).startswith(f"--{next(iter(options))}: ")
    three_parts(caught.value)


def test_the_backbone_of_a_run_gives_its_last_feature_map(tmp_path, monkeypatch):
    register_small_backbone(monkeypatch)
    config = tiny_config(extractor=EXTRACTOR)
    detector = build_detector(config.model)
    values = {row.key: np.asarray(row.variable) for row in variable_keys(detector)}
    write_checkpoint(tmp_path / "run" / "checkpoint" / "ckpt-0", values)
    write_config(config, tmp_path / "run" / "pipeline.config")
    network = open_network(str(tmp_path / "run"), size=(64, 64))
    images = np.stack([noisy((200, 30, 60), seed, 64, 64) for seed in range(2)])
    last = np.asarray(detector.backbone(images.astype(np.float32))[-1])
    np.testing.assert_allclose(network.vectors(images), last.mean(axis=(1, 2)), atol=1e-5)
    assert network.name == str(tmp_path / "run")
    with pytest.raises(ConfigError, match="bring their own weights"):
        open_network(str(tmp_path / "run"), weights="imagenet")


def test_maps_are_not_padded_to_the_grid_of_anchors(monkeypatch):
    register_small_backbone(monkeypatch)
    family = backbones["five_convolutions"]
    monkeypatch.setitem(backbones._parts, "five_convolutions", replace(family, pads_maps=True))
    network = open_network("five_convolutions", weights="none", size=(65, 65))
    plain = registered_backbone("five_convolutions", "none")
    image = noisy((200, 30, 60), 0, 65, 65)[None]
    last = plain.network(plain.normalized(image.astype(np.float32)))[-1]
    np.testing.assert_allclose(
        network.vectors(image), np.asarray(last).mean(axis=(1, 2)), atol=1e-5
    )


def test_a_savedmodel_gives_the_vectors_it_gives(tmp_path):
    inputs = keras.Input((16, 16, 3))
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))
    model.export(str(tmp_path / "hub"), verbose=False)
    network = open_network(str(tmp_path / "hub"))
    assert (network.size, network.pooling, network.dimension) == ((16, 16), "own", 3)
    image = noisy((255, 51, 0), 2, 16, 16)[None]
    np.testing.assert_allclose(network.vectors(image), image.mean(axis=(1, 2)) / 255, rtol=1e-5)
    assert network.notes == ("pixels are 0 to 1, and the SavedModel pools itself",)
    wider = open_network(str(tmp_path / "hub"), value_range=(-1.0, 1.0))
    np.testing.assert_allclose(
        wider.vectors(image), image.mean(axis=(1, 2)) / 127.5 - 1, rtol=1e-5, atol=1e-6
    )
    one, other = (settings_of(found, "image", 0.0, "nearest") for found in (network, wider))
    assert one.difference(other) == "value_range 0 to 1 against -1 to 1"
    assert Settings.from_json(json.loads(json.dumps(other.to_json()))) == other
    with pytest.raises(ConfigError, match="--value-range -1,1: with --network MobileNetV2"):
        open_network("MobileNetV2", value_range=(-1.0, 1.0))
    with pytest.raises(ConfigError, match="--size: 8x8 pixels"):
        open_network(str(tmp_path / "hub"), size=(8, 8))
