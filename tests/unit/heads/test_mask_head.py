import keras
import numpy as np
import pytest
from keras import ops

from detectune.heads.masks import MaskHead, derived_depth
from detectune.layers.hyperparams import BatchNormSettings, ConvHyperparams
from detectune.layers.resized_conv import resized_conv

RANDOM = np.random.default_rng(7)


def _head(features: np.ndarray, **settings) -> MaskHead:
    normal = {"class_name": "RandomNormal", "config": {"stddev": 0.2, "seed": 3}}
    style = settings.pop("hyperparams", ConvHyperparams(initializer=normal))
    head = MaskHead(
        **({"num_classes": 3, "size": (9, 7), "hyperparams": style, "depth": 5} | settings)
    )
    head.build(features.shape)
    return head


def _features(height: int = 4, width: int = 3) -> np.ndarray:
    return RANDOM.normal(size=(2, height, width, 6)).astype(np.float32)


def _enlarged(features: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bilinear with aligned corners, one axis after the other."""
    for axis, length in enumerate(size, start=1):
        places = np.linspace(0, features.shape[axis] - 1, length)
        features = np.apply_along_axis(
            lambda values, places=places: np.interp(places, np.arange(len(values)), values),
            axis,
            features,
        )
    return features.astype(np.float32)


@pytest.mark.parametrize("size", [(9, 7), (4, 3), (1, 2)])
@pytest.mark.parametrize("kernel_size", [3, (1, 5)])
def test_a_resized_convolution_is_the_convolution_of_the_enlarged_map(size, kernel_size):
    features = _features()
    conv = keras.layers.Conv2D(4, kernel_size, padding="same", bias_initializer="ones")
    conv.build(features.shape)
    wanted = conv(_enlarged(features, size))
    np.testing.assert_allclose(resized_conv(features, conv, size), wanted, atol=1e-5)


def test_masks_are_convolutions_of_enlarged_features():
    features = _features()
    head = _head(features, num_convolutions=3)
    net = _enlarged(features, (9, 7))
    for conv in head.convolutions:
        net = ops.relu(conv(net))
    wanted = np.transpose(np.asarray(head.last(net)), (0, 3, 1, 2))
    assert len(head.convolutions) == 2
    np.testing.assert_allclose(head(features), wanted, atol=1e-5)


def test_a_head_of_one_convolution_enlarges_as_well():
    features = _features()
    head = _head(features, num_convolutions=1)
    wanted = np.transpose(np.asarray(head.last(_enlarged(features, (9, 7)))), (0, 3, 1, 2))
    np.testing.assert_allclose(head(features), wanted, atol=1e-5)


def test_features_may_be_convolved_before_they_are_enlarged():
    features = _features()
    head = _head(features, size=(9, 9), convolve_first=True)
    net = ops.relu(head.convolutions[0](features))
    # 9 // 4 and 9 // 3: masks are whole multiples of the features.
    net = np.repeat(np.repeat(np.asarray(net), 2, axis=1), 3, axis=2)
    net = ops.relu(head.convolutions[1](net))
    wanted = np.transpose(np.asarray(head.last(net)), (0, 3, 1, 2))
    assert wanted.shape == (2, 3, 8, 9)
    np.testing.assert_allclose(head(features), wanted, atol=1e-5)


def test_one_mask_can_serve_all_classes():
    features = _features()
    assert head_shape(_head(features, class_agnostic=True), features) == (2, 1, 9, 7)


def head_shape(head: MaskHead, features: np.ndarray) -> tuple[int, ...]:
    return tuple(head(features).shape)


def test_batch_norm_stands_between_convolution_and_activation():
    features = _features()
    style = ConvHyperparams(batch_norm=BatchNormSettings(scale=True), activation="relu")
    head = _head(features, hyperparams=style)
    head.norms[0].beta.assign(np.full(5, -100.0))
    head.last.bias.assign([1.0, 2.0, 3.0])
    # The activation after the offset leaves nothing but the bias of the last layer.
    logits = np.asarray(head(features))
    np.testing.assert_allclose(logits.mean(axis=(0, 2, 3)), [1.0, 2.0, 3.0])
    assert logits.std(axis=(0, 2, 3)).max() == 0.0
    assert not head.convolutions[0].use_bias
    assert head.last.use_bias


# From the formula of the original: 2 ** round((2·log2(features) + 3·log2(classes)) / 5).
@pytest.mark.parametrize(
    ("num_features", "num_classes", "depth"),
    [(2048, 90, 256), (1536, 90, 256), (1024, 90, 256), (2048, 1, 16), (1024, 5, 32)],
)
def test_depth_follows_from_features_and_classes(num_features, num_classes, depth):
    assert derived_depth(num_features, num_classes) == depth
    head = MaskHead(num_classes=num_classes, size=(3, 3), hyperparams=ConvHyperparams(), depth=0)
    head.build((None, 1, 1, num_features))
    assert head.convolutions[0].filters == depth


@pytest.mark.parametrize(
    "settings",
    [{}, {"num_convolutions": 1}, {"class_agnostic": True}, {"convolve_first": True}],
    ids=["usual", "one convolution", "one mask", "convolved first"],
)
def test_the_mask_of_one_class_is_that_among_all(settings):
    features, classes = _features(), np.array([2, 0], np.int32)
    head = _head(features, **settings)
    head.last.bias.assign(RANDOM.normal(size=head.last.bias.shape))
    every, one = np.asarray(head(features)), np.asarray(head(features, classes=classes))
    chosen = np.minimum(classes, every.shape[1] - 1)
    np.testing.assert_allclose(one[:, 0], every[np.arange(2), chosen], atol=1e-5)
