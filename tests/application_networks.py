"""Networks of `keras.applications` as Keras itself computes them, for tests to compare with."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import pytest
from keras.src.applications import (
    convnext,
    densenet,
    efficientnet,
    efficientnet_v2,
    inception_resnet_v2,
    nasnet,
    resnet,
)

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


def shorten(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let Keras build the smallest network of a family with few blocks, where it can be told to."""
    if name in _SHORT:
        _SHORT[name](monkeypatch)


def _few_blocks(module: Any, function: str, count: int) -> Callable[[pytest.MonkeyPatch], None]:
    """Whatever calls `function(x, …, blocks, …)` gets `count` of them."""
    original = getattr(module, function)

    def few(x: Any, *arguments: Any, **keywords: Any) -> Any:
        call = inspect.signature(original).bind(x, *arguments, **keywords)
        call.arguments["blocks"] = count
        return original(*call.args, **call.kwargs)

    return lambda patch: patch.setattr(module, function, few)


def _first_and_last(x: Any, scale: float, block_type: str, block_idx: int, **keywords: Any) -> Any:
    if block_idx not in (1, 10):
        return x
    return _INCEPTION_RESNET_BLOCK(x, scale, block_type, block_idx, **keywords)


def _built_by(network: str, build: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    made = functools.partial(build, *arguments, **keywords)
    return lambda patch: patch.setattr(keras.applications, network, made)


_INCEPTION_RESNET_BLOCK = inception_resnet_v2.inception_resnet_block
_FOUR_BLOCKS = {"depths": [1] * 4, "projection_dims": [16, 32, 48, 64], "default_size": 224}
_SHORT: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "ConvNeXtTiny": lambda patch: patch.setitem(convnext.MODEL_CONFIGS, "tiny", _FOUR_BLOCKS),
    "DenseNet121": _few_blocks(densenet, "dense_block", 2),
    "EfficientNetB0": _built_by(
        "EfficientNetB0", efficientnet.EfficientNet, 1.0, 0.1, 224, name="efficientnetb0"
    ),
    "EfficientNetV2B0": _built_by(
        "EfficientNetV2B0", efficientnet_v2.EfficientNetV2, 1.0, 0.1, 224, name="efficientnetv2-b0"
    ),
    "InceptionResNetV2": lambda patch: patch.setattr(
        inception_resnet_v2, "inception_resnet_block", _first_and_last
    ),
    "NASNetMobile": _built_by(
        "NASNetMobile", nasnet.NASNet, penultimate_filters=1056, num_blocks=1,
        stem_block_filters=32, skip_reduction=False, default_size=224, name="nasnet_mobile",
    ),
    "ResNet50": _few_blocks(resnet, "stack_residual_blocks_v1", 1),
    "ResNet50V2": _few_blocks(resnet, "stack_residual_blocks_v2", 2),
}  # fmt: skip


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
