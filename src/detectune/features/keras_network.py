"""A network of `keras.applications` as Keras itself makes it, from images to vectors.

    keras.applications.X(include_top=False, pooling=…) ─► weights, read as data ─► preprocess_input

No layer is replaced, unlike under a detector, so vectors are those that a script of Keras gives.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator

import keras
import numpy as np
from keras.layers import Layer

from detectune.backbones.applications import application
from detectune.checkpoints.keras_files.matching import network_values, variable_path
from detectune.checkpoints.keras_files.reading import read_keras_weights
from detectune.config.checkpoint_paths import IMAGENET, is_keras_file
from detectune.errors import CheckpointError, ConfigError, three_part
from detectune.features.image_network import USUAL_SIDE, ImageNetwork, of_model
from detectune.features.settings import Pooling
from detectune.wording import first_names, plural
from detectune.zoo.keras_weights import keras_weights_file

NO_WEIGHTS = "none"
"""What stands for random weights."""
# The sides of the images that Keras's weights were trained on, where they are not the usual ones.
_SIDES = {
    "EfficientNetB1": 240, "EfficientNetB2": 260, "EfficientNetB3": 300, "EfficientNetB4": 380,
    "EfficientNetB5": 456, "EfficientNetB6": 528, "EfficientNetB7": 600,
    "EfficientNetV2B1": 240, "EfficientNetV2B2": 260, "EfficientNetV2B3": 300,
    "EfficientNetV2S": 384, "EfficientNetV2M": 480, "EfficientNetV2L": 480,
    "InceptionResNetV2": 299, "InceptionV3": 299, "NASNetLarge": 331, "Xception": 299,
}  # fmt: skip
# Keras publishes these as if they were variances.
_IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


def keras_network(
    name: str, *, pooling: Pooling, weights: str, size: tuple[int, int] | None
) -> ImageNetwork:
    """The network that `keras.applications` calls `name`.

    Args:
        weights: "imagenet", a .keras, .weights.h5 or .h5 file of this network, or "none".
        size: of the images; that of Keras's weights if None.

    Raises:
        CheckpointError: the file is missing, damaged, or of another network.
        ConfigError: images of this size are too small, or `weights` is nothing of these.
        ZooError: the weights that "imagenet" stands for could not be fetched.
    """
    side = _SIDES.get(name, USUAL_SIDE)
    size = size or (side, side)
    _check_weights(name, weights)
    if weights == NO_WEIGHTS:
        keras.utils.set_random_seed(0)  # the same network when it is opened again
    build = getattr(keras.applications, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that weights are for another size
            model = build(include_top=False, weights=None, input_shape=(*size, 3), pooling=pooling)
    except ValueError as error:
        raise _wrong_size(name, size, error) from error
    if weights != NO_WEIGHTS:
        file = str(keras_weights_file(name)) if weights == IMAGENET else weights
        load_keras_weights(model, file, name)
    module = sys.modules[build.__module__]

    def prepare(images: np.ndarray) -> np.ndarray:
        return module.preprocess_input(images.astype(np.float32))

    return of_model(model, prepare, name=name, weights=weights, pooling=pooling, size=size)


def load_keras_weights(model: keras.Model, file: str, name: str) -> None:
    """Give `model`, the network `name`, the weights in `file`, which is read as data.

    Raises:
        CheckpointError: they are those of another network.
    """
    layers = list(_with_weights(model))
    weights = read_keras_weights(file)
    found = network_values(weights, layers)
    misfit: list[str] = []
    for layer in layers:
        for variable in layer.weights:
            value = found.values.get(variable_path(layer, variable.name))
            if value is not None and value.shape == tuple(variable.shape):
                variable.assign(_corrected(name, layer, variable.name, value))
            elif variable.name != "count":  # of what a normalization has seen
                misfit.append(f"{layer.name}/{variable.name}")
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()  # it computes with copies of its variables
    if misfit or found.surplus:
        raise CheckpointError(
            three_part(
                f"{file}: it holds another network: {weights.describe()}.",
                f"{name} has {plural(len(model.weights), 'variable')}; missing there, of another "
                f"shape, or more than it has: {first_names([*misfit, *found.surplus], 3)}.",
                f"Name the network that the file belongs to with --network, or a file of {name}.",
            )
        )


def _with_weights(model: keras.Model) -> Iterator[Layer]:
    """The layers in Keras's own order, which is that of files; those of models inside in place."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _with_weights(layer)
        elif layer.weights:
            yield layer


def _corrected(name: str, layer: Layer, kind: str, value: np.ndarray) -> np.ndarray:
    """Variances where the file has the deviations that Keras publishes in their place."""
    deviations = name.startswith("EfficientNetB") and kind == "variance" and value.shape == (3,)
    if deviations and np.allclose(value, _IMAGENET_DEVIATION, rtol=1e-3):
        return np.square(value)
    return value


def _check_weights(name: str, weights: str) -> None:
    if weights in (IMAGENET, NO_WEIGHTS) or is_keras_file(weights):
        return
    raise ConfigError(
        three_part(
            f"--weights {weights}: {name} is a network of Keras.",
            f"Its weights are {IMAGENET}, a .keras, .weights.h5 or .h5 file, or {NO_WEIGHTS} for "
            "random ones.",
            "Name such a file; a checkpoint of TensorFlow fits a backbone, such as --network "
            "mobilenet_v2.",
        )
    )


def _wrong_size(name: str, size: tuple[int, int], error: ValueError) -> ConfigError:
    least = application(name).min_image_side
    return ConfigError(
        three_part(
            f"--size: {name} cannot be built for images of {size[0]}x{size[1]} pixels "
            f"({str(error).splitlines()[0]}).",
            f"It needs {least} pixels each way.",
            "Choose a larger --size, or leave it out.",
        )
    )
