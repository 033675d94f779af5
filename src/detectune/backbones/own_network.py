"""A network that the user brings: any functional Keras model → a family of backbones.

What was done to it before counts: its weights, and which layers are not trainable.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import keras
from keras.layers import InputLayer, Layer, ZeroPadding2D

from detectune.backbones.adopted import adopt, all_layers, changes_images, check_model
from detectune.backbones.applications import (
    application,
    keeps_statistics,
    network_family,
    refuse_other_width,
)
from detectune.backbones.base import BackboneFamily
from detectune.backbones.graph import operations_of
from detectune.backbones.preprocessing import NONE, Preprocessing
from detectune.backbones.stored import WAYS, as_data, description, refuse_foreign
from detectune.layers.hyperparams import ConvHyperparams
from detectune.wording import plural

# A layer that only networks of one kind have, by its name → a network of that kind. Where several
# fit, the first counts.
_SIGNS = {
    "conv2_block1_preact_bn": "ResNet50V2",
    "pool2_conv": "DenseNet121",
    "conv2_block1_1_conv": "ResNet50",
    "block1_conv1_bn": "Xception",
    "block1_conv1": "VGG16",
    "conv_pw_1": "MobileNet",
    "block_1_expand": "MobileNetV2",
    "mixed0": "InceptionV3",
    "mixed_5b": "InceptionResNetV2",
    "normal_concat_1": "NASNetMobile",
}
# Of networks that normalize images themselves.
_INSIDE_SIGNS = {
    "expanded_conv_depthwise": "MobileNetV3Small",
    "block1a_dwconv": "EfficientNetB0",
}


def own_family(model: keras.Model, way: str, field: str = "backbone") -> BackboneFamily:
    """The family of a network that the user brings.

    Args:
        model: functional; a copy of it is used.
        way: how images are normalized, a key of `stored.WAYS`, or "AUTO" for the way of the network
            of `keras.applications` that it is made of, unless it has layers for that itself.
        field: what errors name.

    Raises:
        ConfigError: no backbone can be made of it.
    """
    check_model(model)
    refuse_foreign(as_data(model), f"{field}: {model.name}")
    known = known_application(model)
    images, about_images = _images(model, way, known)
    kind = application(known) if known else None
    return network_family(
        functools.partial(_build, model, kind is not None and kind.padding_by_size),
        images,
        min_image_side=kind.min_image_side if kind else 1,
        description=description(model, way),
        notes=(about_images, *_about_layers(model)),
    )


def known_application(model: keras.Model) -> str:
    """A network of `keras.applications` that `model` consists of, up to its depth; may be empty."""
    names = {layer.name for layer in all_layers(model)}
    for sign, network in {**_SIGNS, **_INSIDE_SIGNS}.items():
        if sign in names:
            return network
    return ""


def _build(
    model: keras.Model,
    padding_by_size: bool,
    *,
    depth_multiplier: float = 1.0,
    min_depth: int = 1,
    hyperparams: ConvHyperparams | None = None,
    explicit_padding: bool = False,
) -> keras.Model:
    refuse_other_width(f"the network {model.name}", depth_multiplier)
    return adopt(
        model, frozen_statistics=keeps_statistics(hyperparams), padding_by_size=padding_by_size
    )


def _images(model: keras.Model, way: str, known: str) -> tuple[Preprocessing, str]:
    """How images are normalized, and a sentence about it."""
    if way != "AUTO":
        return WAYS[way], f"images are normalized as the config says ({way})"
    if _has_own_preprocessing(model):
        return NONE, "the network normalizes images itself, and is given 0 to 255"
    if known:
        return (
            application(known).preprocessing,
            f"images are normalized as Keras does for {known}, whose layers it has",
        )
    return NONE, (
        "images are given as they are, 0 to 255; backbone { preprocessing } says otherwise"
    )


def _has_own_preprocessing(model: keras.Model) -> bool:
    """Whether anything is computed with the image before the first layer with weights."""
    for operation in operations_of(model):
        if isinstance(operation, InputLayer | ZeroPadding2D) or changes_images(operation):
            continue
        return not (isinstance(operation, Layer) and operation.trainable_weights) and not (
            isinstance(operation, keras.layers.Conv2D | keras.layers.DepthwiseConv2D)
        )
    return False


def _about_layers(model: keras.Model) -> Iterator[str]:
    """What became of layers, in sentences."""
    layers = list(all_layers(model))
    with_weights = [layer for layer in layers if layer.weights]
    frozen = [layer for layer in with_weights if not layer.trainable]
    if frozen:
        yield f"{len(frozen)} of its {plural(len(with_weights), 'layer')} with weights are frozen"
    left_out = [layer.name for layer in layers if changes_images(layer)]
    if left_out:
        yield (
            f"left out: {', '.join(left_out)}, which would change images but not boxes; "
            "data_augmentation_options { } changes both"
        )
