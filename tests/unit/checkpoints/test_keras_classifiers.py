"""Classifiers of Keras under a detector: every form of file, and the same maps as in Keras."""

from __future__ import annotations

import os

import h5py
import keras
import numpy as np
import pytest
from keras.layers import (
    BatchNormalization,
    Conv2D,
    Dense,
    GlobalAveragePooling2D,
    RandomFlip,
    Rescaling,
)
from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group
from three_parts import three_parts
from tiny import tiny_config

from detectune.checkpoints import keras_classifiers
from detectune.checkpoints.keys import variable_keys
from detectune.checkpoints.restore import restore
from detectune.config.label_map import LabelMap
from detectune.detectors.build import build_detector
from detectune.errors import CheckpointError, ConfigError
from detectune.training.fine_tuning import find_pretrained, fine_tune

# Of Keras, where it turns variables into arrays.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SIDE = 96
# Backbone → network of Keras, and its layers that make the same maps.
FAMILIES = {
    "mobilenet_v1": ("MobileNet", ("conv_pw_5_relu", "conv_pw_11_relu", "conv_pw_13_relu")),
    "mobilenet_v2": ("MobileNetV2", ("block_5_add", "block_12_add", "out_relu")),
    "inception_v3": ("InceptionV3", ("mixed2", "mixed7", "mixed10")),
    **{
        f"efficientnet-b{size}": (
            f"EfficientNetB{size}",
            ("block3b_add", "block5c_add", "block7a_project_bn"),
        )
        for size in range(8)
    },
}
QUICK = ("mobilenet_v1", "efficientnet-b0")
MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def application(name: str, **options) -> keras.Model:
    """A network of Keras without its top, with random weights of which none is like another."""
    network = getattr(keras.applications, name)(
        weights=None, include_top=False, input_shape=(SIDE, SIDE, 3), **options
    )
    random = np.random.default_rng(3)
    for variable in network.weights:
        draw = random.normal(scale=0.3, size=variable.shape)
        positive = any(one in variable.path for one in ("variance", "gamma"))
        variable.assign(0.5 + np.abs(draw) if positive else draw)
    for layer in network.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.set_weights([np.array(MEAN), np.square(DEVIATION), np.array(0)])
            layer.finalize_state()
        elif isinstance(layer, keras.layers.Conv2D) and layer.weights:
            # So that numbers neither vanish nor overflow on the way through the network.
            kernel = layer.weights[0]
            kernel.assign(kernel / np.sqrt(np.prod(kernel.shape[:3]) * 0.1))
    return network


def detector_on(family: str, alpha: float = 1.0):
    neck = "bifpn" if family.startswith("efficientnet") else "fpn"
    config = tiny_config(extractor=f"ssd_{family}_{neck}_keras").model
    extractor = config.ssd.feature_extractor
    extractor.depth_multiplier, extractor.min_depth, extractor.pad_to_multiple = alpha, 8, SIDE
    extractor.override_base_feature_extractor_hyperparams = False
    extractor.use_depthwise = False
    if neck == "bifpn":
        extractor.bifpn.min_level, extractor.bifpn.max_level = 3, 5
        extractor.bifpn.num_iterations, extractor.bifpn.num_filters = 1, 16
    return build_detector(config)


def older(network: keras.Model, path: str) -> None:
    """What `save_weights("….h5")` wrote before Keras 3, and Keras publishes."""
    with h5py.File(path, "w") as file:
        save_weights_to_hdf5_group(file, network)


def classifier(network: keras.Model) -> keras.Model:
    """`network` with a new top, layer after layer as in many tutorials."""
    out = Dense(5)(GlobalAveragePooling2D()(network.output))
    return keras.Model(network.input, out, name="my_classifier")


def nested(network: keras.Model) -> keras.Model:
    """`network` as one layer of another model."""
    for layer in network.layers[: len(network.layers) // 2]:
        layer.trainable = False
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            RandomFlip(),
            Rescaling(1.0),
            network,
            GlobalAveragePooling2D(),
            Dense(5),
        ],
        name="my_transfer",
    )


def check_equal(detector, network: keras.Model, ends) -> None:
    """Both give the same maps of the same image, within 1e-5 of their size."""
    images = np.random.default_rng(1).uniform(0, 255, (1, SIDE, SIDE, 3)).astype(np.float32)
    pixels = np.asarray(detector.backbone.normalize(images))
    whole = any(isinstance(layer, keras.layers.Normalization) for layer in network.layers)
    maps = [network.get_layer(end).output for end in ends]
    theirs = keras.Model(network.input, maps)(images if whole else pixels)
    ours = detector.backbone.network([pixels])
    for our, their in zip(ours, theirs, strict=True):
        our, their = np.asarray(our), np.asarray(their)
        assert np.linalg.norm(their) > 1
        assert np.linalg.norm(our - their) < 1e-5 * np.linalg.norm(their)


@pytest.fixture(scope="module")
def small():
    """MobileNet in Keras and under a detector."""
    return application("MobileNet"), detector_on("mobilenet_v1")


@pytest.fixture(scope="module")
def efficientnet():
    """EfficientNet-B0 in Keras and under a detector."""
    return application("EfficientNetB0"), detector_on("efficientnet-b0")


@pytest.mark.parametrize(
    "family", [pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow) for n in FAMILIES]
)
def test_the_same_file_gives_the_same_maps_as_in_keras(family, tmp_path, request):
    name, ends = FAMILIES[family]
    if family in QUICK:
        shared = "small" if family == "mobilenet_v1" else "efficientnet"
        network, detector = request.getfixturevalue(shared)
    else:
        network, detector = application(name), detector_on(family)
    writers = {
        "a.weights.h5": network.save_weights,
        "b.keras": network.save,
        "c.h5": lambda path: older(network, path),
    }
    for file, write in writers.items():
        for variable in detector.weights:
            variable.assign(np.zeros(variable.shape))
        write(str(tmp_path / file))
        report = restore(detector, tmp_path / file, kind="classification")
        check_equal(detector, network, ends)
        used = [r for r in variable_keys(detector) if r.in_classifier and r.in_classifier.used]
        assert {row.path for row in used} <= set(report.matched)
        normalization = {"normalization/mean", "normalization/variance", "normalization/count"}
        assert set(report.left_over) <= normalization, file


@pytest.mark.parametrize("ending", [".weights.h5", ".keras", ".h5"])
@pytest.mark.parametrize("model", [classifier, nested])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_classifier_is_left_over_wherever_it_stands(small, model, ending, tmp_path):
    network, detector = small
    file, built = tmp_path / f"mine{ending}", model(network)
    if ending == ".weights.h5":
        built.save_weights(file)
    else:
        built.save(file)
    network.trainable = True
    for variable in detector.weights:
        variable.assign(np.zeros(variable.shape))
    report = restore(detector, file, kind="classification")
    check_equal(detector, network, FAMILIES["mobilenet_v1"][1])
    top = built.layers[-1].name
    assert report.path == str(file)
    assert report.left_over[-2:] in (
        [f"{top}/bias", f"{top}/kernel"],
        [f"{top}/0", f"{top}/1"],  # of Keras 3, which does not say what they are
    )
    assert "restored 135 of" in report.summary()


def test_weights_of_half_precision_are_read(small, tmp_path):
    network, detector = small
    with h5py.File(tmp_path / "half.h5", "w") as file:
        save_weights_to_hdf5_group(file, network)
        kernel = np.asarray(file["conv1/conv1/kernel"])
        del file["conv1/conv1/kernel"]
        file["conv1/conv1/kernel"] = kernel.astype(np.float16)
    restore(detector, tmp_path / "half.h5", kind="classification")
    row = next(row for row in variable_keys(detector) if row.in_classifier)
    np.testing.assert_array_equal(np.asarray(row.variable), kernel.astype(np.float16))


def two_convolutions() -> keras.Model:
    images = x = keras.Input((SIDE, SIDE, 3))
    for level in (1, 2):
        x = Conv2D(4, 3, use_bias=False, name=f"conv{level}")(x)
        x = BatchNormalization(name=f"norm{level}")(x)
    return keras.Model(images, x, name="small")


def refusal(detector, path, kind="classification"):
    before = [np.asarray(variable) for variable in detector.weights]
    with pytest.raises((CheckpointError, ConfigError)) as caught:
        restore(detector, path, kind=kind)
    for variable, value in zip(detector.weights, before, strict=True):
        np.testing.assert_array_equal(np.asarray(variable), value)
    return three_parts(caught.value)


@pytest.mark.parametrize("ending", [".weights.h5", ".keras", ".h5"])
def test_the_file_of_another_network_is_refused_and_both_are_named(small, ending, tmp_path):
    _, detector = small
    other, file = two_convolutions(), tmp_path / f"other{ending}"
    {".weights.h5": other.save_weights, ".keras": other.save}.get(
        ending, lambda path: older(other, path)
    )(str(file))
    found, _, next_step = refusal(detector, file)
    assert found.startswith(f'{file}: type "classification" promises the backbone, but ')
    assert "4 layers that have weights (" in found
    assert ('"small" with' in found) == (ending == ".keras")
    assert "the detector wants mobilenet_v1 (MobileNet of Keras) with 54 layers" in found
    assert "backbone { name:" in next_step


def test_resnet_of_keras_has_biases_and_is_refused(tmp_path):
    """Its kernels would fit: nothing would say that half of it is missing."""
    config = tiny_config(extractor="ssd_resnet50_v1_fpn_keras").model
    config.ssd.feature_extractor.depth_multiplier = 1.0
    detector = build_detector(config)
    network = keras.applications.ResNet50(weights=None, include_top=False)
    network.save_weights(tmp_path / "resnet.weights.h5")
    found, allowed, next_step = refusal(detector, tmp_path / "resnet.weights.h5")
    assert "have 53 variables more than it has: conv1_conv/bias" in found
    assert "ResNet50 of Keras: its convolutions have a bias" in allowed
    assert 'backbone { name: "ResNet50" weights: … }' in next_step
    assert "`detectune zoo download resnet50_v1`" in next_step
    found, _, next_step = refusal(detector, "imagenet")
    assert found.startswith('fine_tune_checkpoint: "imagenet": ResNet50 of Keras is not the netwo')
    assert "`detectune zoo download resnet50_v1`" in next_step


def test_an_efficientnet_for_other_colours_is_refused(efficientnet, tmp_path):
    network, detector = efficientnet
    layer = next(one for one in network.layers if isinstance(one, keras.layers.Normalization))
    published = [MEAN, DEVIATION, 0]  # see https://github.com/tensorflow/tensorflow/issues/49930
    others = [[0.0] * 3, [1.0] * 3, 0]
    before = layer.get_weights()
    for weights, fits in ((published, True), (others, False)):
        layer.set_weights([np.array(one) for one in weights])
        network.save_weights(tmp_path / "net.weights.h5")
        if fits:
            assert not restore(detector, tmp_path / "net.weights.h5", kind="classification").notes
        else:
            found, allowed, next_step = refusal(detector, tmp_path / "net.weights.h5")
            assert " has the mean 0, 0, 0 and the variance 1, 1, 1." in found
            assert "takes the mean 0.485, 0.456, 0.406 and the deviation 0.229" in allowed
            assert "backbone {" in next_step
    layer.set_weights(before)


def test_imagenet_is_the_file_that_keras_publishes(small, tmp_path, monkeypatch):
    network, detector = small
    older(network, str(tmp_path / "published.h5"))
    asked = []

    def keras_weights_file(application):
        asked.append(application)
        return tmp_path / "published.h5"

    monkeypatch.setattr(keras_classifiers, "keras_weights_file", keras_weights_file)
    report = restore(detector, "imagenet", kind="classification")
    check_equal(detector, network, FAMILIES["mobilenet_v1"][1])
    assert asked == ["MobileNet"]
    assert report.path == str(tmp_path / "published.h5")
    # In a config the type may be left out: it means "classification".
    config = tiny_config()
    config.train_config.fine_tune_checkpoint = "imagenet"
    assert find_pretrained(config.train_config) == "imagenet"
    assert fine_tune(detector, config, LabelMap.from_names(["a", "b"])).matched == report.matched


def test_imagenet_is_refused_where_keras_has_no_such_network():
    detector = detector_on("mobilenet_v1", 0.5)
    found, allowed, _ = refusal(detector, "imagenet")
    assert found.endswith("the detector has a depth_multiplier of 0.5.")
    assert allowed.startswith("MobileNet of Keras has the layers of this network with depth_mul")
    detector.backbone.keras_form = None
    found, _, next_step = refusal(detector, "imagenet")
    assert "keras.applications has no network like mobilenet_v1." in found
    assert 'backbone { name: "ResNet50" }' in next_step


@pytest.mark.parametrize("kind", ["full", "detection", "fine_tune"])
@pytest.mark.parametrize("path", ["imagenet", "net.weights.h5"])
def test_another_type_than_classification_is_refused(small, kind, path, tmp_path):
    (tmp_path / "net.weights.h5").write_bytes(b"")
    place = path if path == "imagenet" else str(tmp_path / path)
    found, _, next_step = refusal(small[1], place, kind)
    assert found == f'{place}: the type is "{kind}".'
    assert 'fine_tune_checkpoint_type: "classification"' in next_step


def test_a_file_that_is_not_there_is_named_before_a_network_is_built(tmp_path):
    config = tiny_config()
    for name, reason in (("no.keras", "there is no such file"), ("folder.h5", "it is a folder")):
        (tmp_path / "folder.h5").mkdir(exist_ok=True)
        config.train_config.fine_tune_checkpoint = os.fspath(tmp_path / name)
        with pytest.raises(CheckpointError) as caught:
            find_pretrained(config.train_config)
        found, _, next_step = three_parts(caught.value)
        assert found == f"{tmp_path / name}: {reason}."
        assert '"imagenet"' in next_step


def test_batch_norms_without_a_scale_say_what_to_write(tmp_path):
    """A config that overrides hyperparameters may take away what the file has, or the reverse."""
    network = application("MobileNet", alpha=0.25)
    network.save_weights(tmp_path / "net.weights.h5")
    config = tiny_config(extractor="ssd_mobilenet_v1_fpn_keras").model
    extractor = config.ssd.feature_extractor
    extractor.use_depthwise = False
    extractor.conv_hyperparams.batch_norm.scale = False
    found, _, next_step = refusal(build_detector(config), tmp_path / "net.weights.h5")
    assert "27 variables more than it has" in found
    assert next_step.startswith("Write scale: true")
