"""Networks of `keras.applications` as Keras itself computes them, for tests to compare with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

# The module of the function, where it is not the name in lower case.
_MODULES = {
    "ConvNeXt": "convnext", "DenseNet": "densenet", "EfficientNetV2": "efficientnet_v2",
    "EfficientNetB": "efficientnet", "InceptionResNetV2": "inception_resnet_v2",
    "InceptionV3": "inception_v3", "MobileNetV2": "mobilenet_v2", "MobileNetV3": "mobilenet_v3",
    "MobileNet": "mobilenet", "NASNet": "nasnet", "VGG16": "vgg16", "VGG19": "vgg19",
    "Xception": "xception",
}  # fmt: skip
_LOUD = {"EfficientNetV2L", "EfficientNetV2M", "EfficientNetV2S"}


def module_of(name: str) -> Any:
    """The module of `keras.applications` with the network and its `preprocess_input`."""
    if name.startswith("ResNet"):
        return keras.applications.resnet_v2 if name.endswith("V2") else keras.applications.resnet
    found = next(module for start, module in _MODULES.items() if name.startswith(start))
    return getattr(keras.applications, found)


def reference_network(name: str, side: int) -> keras.Model:
    """The network for images of `side` pixels, with weights of which no two layers have the same.

    Those that Keras begins with let a signal fade in deep networks. In `_LOUD` it grows instead,
    until gates of squeeze-and-excitation make much of the last digit, and so it is damped.
    """
    keras.utils.set_random_seed(2)
    network = getattr(keras.applications, name)(
        include_top=False, weights=None, input_shape=(side, side, 3)
    )
    random = np.random.default_rng(2)
    for variable in network.weights:
        value = np.asarray(variable)
        if "variance" in variable.path:
            damping = 4.0 if name in _LOUD else 1.0
            variable.assign(damping * random.uniform(0.5, 1.5, value.shape))
        elif value.dtype == np.float32 and value.ndim < 2:
            variable.assign(value + random.uniform(-0.1, 0.1, value.shape))
    for layer in network.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()  # it keeps copies of its weights
    return network


def outputs_of(
    network: keras.Model, operations: Sequence[Any], images: np.ndarray
) -> list[np.ndarray]:
    """What each of `operations` of `network` gives for `images`."""
    seen: dict[int, np.ndarray] = {}

    def watch(operation: Any) -> Any:
        computed = operation.call

        def call(*arguments: Any, **keywords: Any) -> Any:
            output = computed(*arguments, **keywords)
            seen[id(operation)] = keras.ops.convert_to_numpy(output)
            return output

        object.__setattr__(operation, "call", call)

    for operation in operations:
        watch(operation)
    network([images] if isinstance(network.input, list) else images, training=False)
    return [seen[id(operation)] for operation in operations]
