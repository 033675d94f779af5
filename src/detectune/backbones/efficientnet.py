"""EfficientNet: inverted residual blocks with squeeze-and-excitation, scaled from B0 to B7.

    image ─► stem 3x3, stride 2 ─► 7 stacks of blocks ─► top 1x1 ─► mean ─► 1000 classes

    block: expand 1x1 ─► depthwise 3x3 or 5x5 ─► squeeze-and-excitation ─► project 1x1,
           added if the shape stays

The layers after the last feature level and the classifier are part of the network because they
stand in every checkpoint; a detector keeps their weights and computes none of them.

Layer names are the original's with a dash for each slash, which Keras 3 does not allow; PyTorch
does not allow dots.

Source: Tan and Le 2019, tables 1 and 2.
Parity: official/vision/image_classification/efficientnet/efficientnet_model.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import keras
from keras.layers import (
    Activation,
    Add,
    Dense,
    Dropout,
    GlobalAveragePooling2D,
    Input,
    Multiply,
)  # fmt: skip

from detectune.backbones.base import BackboneFamily, BiFpnSize, OriginalNames
from detectune.backbones.conv_graph import ConvGraph
from detectune.backbones.keras_form import KerasForm
from detectune.backbones.mobilenet_v2 import divisible
from detectune.errors import ConfigError, three_part
from detectune.layers.hyperparams import BatchNormSettings, ConvHyperparams
from detectune.registry import backbones
from detectune.structures import Array


class Stack(NamedTuple):
    """Blocks of one kind, as in B0."""

    channels: int
    kernel: int
    blocks: int
    expansion: int
    stride: int


_STACKS = (
    Stack(16, 3, 1, 1, 1),
    Stack(24, 3, 2, 6, 2),
    Stack(40, 5, 2, 6, 2),
    Stack(80, 3, 3, 6, 2),
    Stack(112, 5, 3, 6, 1),
    Stack(192, 5, 4, 6, 2),
    Stack(320, 3, 1, 6, 1),
)
_STEM_CHANNELS, _TOP_CHANNELS, _CLASSES = 32, 1280, 1000
_SQUEEZE = 0.25
_LAST_DROP_RATE = 0.2


class Size(NamedTuple):
    """What makes B0 a larger member of the family."""

    width: float
    depth: float
    classifier_dropout: float
    bifpn: BiFpnSize
    """Of the EfficientDet with this backbone."""


# Parity: the BiFPNs of models/ssd_efficientnet_bifpn_feature_extractor.py.
_SIZES = {
    "b0": Size(1.0, 1.0, 0.2, BiFpnSize(3, 64)),
    "b1": Size(1.0, 1.1, 0.2, BiFpnSize(4, 88)),
    "b2": Size(1.1, 1.2, 0.3, BiFpnSize(5, 112)),
    "b3": Size(1.2, 1.4, 0.3, BiFpnSize(6, 160)),
    "b4": Size(1.4, 1.8, 0.4, BiFpnSize(7, 224)),
    "b5": Size(1.6, 2.2, 0.4, BiFpnSize(7, 288)),
    "b6": Size(1.8, 2.6, 0.5, BiFpnSize(8, 384, "sum")),
    "b7": Size(2.0, 3.1, 0.5, BiFpnSize(8, 384, "sum")),
}

DEFAULT_HYPERPARAMS = ConvHyperparams(
    initializer={
        "class_name": "VarianceScaling",
        "config": {"scale": 2.0, "mode": "fan_out", "distribution": "truncated_normal"},
    },
    regularizer=keras.regularizers.L2(5e-6),
    batch_norm=BatchNormSettings(momentum=0.99, epsilon=1e-3, center=True, scale=True),
    activation="swish",
)

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
PAD_VALUE = (255 * _MEAN[0], 255 * _MEAN[1], 255 * _MEAN[2])


def normalize(images: Array) -> Array:
    """Images 0–255 with ImageNet's mean colour as 0 and its deviation as 1."""
    means, deviations = (keras.ops.convert_to_tensor(row) for row in (_MEAN, _DEVIATION))
    return (images / 255.0 - means) / deviations


class Block(NamedTuple):
    """One block of a network, with its final numbers."""

    name: str
    stack: int
    channels: int
    kernel: int
    expansion: int
    stride: int
    drop_rate: float


def blocks_of(width: float, depth: float) -> Iterator[Block]:
    """All blocks of a network, in order."""
    repeats = [math.ceil(depth * stack.blocks) for stack in _STACKS]
    number = 0
    for index, (stack, count) in enumerate(zip(_STACKS, repeats, strict=True)):
        for inner in range(count):
            yield Block(
                f"stack_{index}-block_{inner}",
                index,
                divisible(stack.channels * width),
                stack.kernel,
                stack.expansion,
                stack.stride if inner == 0 else 1,
                _LAST_DROP_RATE * number / sum(repeats),
            )
            number += 1


@dataclass
class _Builder(ConvGraph):
    """Adds layers to a functional graph, named as in the original.

    Args:
        large_stacks: so many stacks have maps so large that it pays to compute some twice.
    """

    large_stacks: int = 3

    def conv_act(self, x: Array, filters: int, kernel: int, name: str, **settings: Any) -> Array:
        """A convolution, its batch norm and activation."""
        names = _names(name)
        return self.conv(x, filters, kernel, **names, activation=f"{name}_activation", **settings)

    def block(self, x: Array, block: Block) -> Array:
        entry, inputs, name = x, x.shape[-1], block.name
        large = block.stack < self.large_stacks
        if block.expansion != 1:
            width = inputs * block.expansion
            x = self.conv_act(x, width, 1, f"{name}-expand", recompute=large)
        x = self.depthwise(
            x,
            kernel=block.kernel,
            stride=block.stride,
            **_names(f"{name}-depthwise"),
            recompute=large,
            activation=f"{name}-depthwise_activation",
            # Parity: the regularizer is passed under a name that this layer ignores.
            depthwise_regularizer=None,
        )
        x = self.excite(x, max(1, int(inputs * _SQUEEZE)), f"{name}-se")
        x = self.conv(x, block.channels, 1, **_names(f"{name}-project"))
        if block.stride == 1 and inputs == block.channels:
            x = Add(name=f"{name}-add")([self._dropped(x, block), entry])
        return x

    def _dropped(self, x: Array, block: Block) -> Array:
        """Stochastic depth: the whole block is left out for some images of a batch."""
        if not block.drop_rate:
            return x
        return Dropout(block.drop_rate, noise_shape=(None, 1, 1, 1), name=f"{block.name}-drop")(x)

    def excite(self, x: Array, squeezed: int, name: str) -> Array:
        """Every channel times a factor between 0 and 1 that the mean of all channels decides."""
        conv = partial(
            self.hyperparams.conv,
            kernel_size=1,
            use_bias=True,
            bias_regularizer=self.hyperparams.regularizer,
        )
        factor = GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze")(x)
        factor = conv(squeezed, name=f"{name}_reduce_conv2d")(factor)
        factor = self.act(factor, f"{name}_reduce_activation")
        factor = conv(x.shape[-1], name=f"{name}_expand_conv2d")(factor)
        factor = Activation("sigmoid", name=f"{name}_expand_activation")(factor)
        return Multiply(name=f"{name}_excite")([x, factor])

    def classifier(self, x: Array, dropout: float) -> Array:
        penalty = self.hyperparams.regularizer
        x = GlobalAveragePooling2D(name="top_pool")(x)
        x = Dropout(dropout, name="top_dropout")(x)
        return Dense(
            _CLASSES,
            activation="softmax",
            kernel_initializer=keras.initializers.VarianceScaling(1 / 3, "fan_out", "uniform"),
            kernel_regularizer=penalty,
            bias_regularizer=penalty,
            name="logits",
        )(x)


def _names(name: str) -> dict[str, Any]:
    return {"name": f"{name}_conv2d", "norm": f"{name}_bn"}


def efficientnet(
    size: Size,
    *,
    depth_multiplier: float = 1.0,
    min_depth: int = 0,
    hyperparams: ConvHyperparams | None = None,
    explicit_padding: bool = False,
) -> keras.Model:
    """The whole network, its classifier included.

    Args:
        size: which member of the family.
        depth_multiplier: multiplies the width, which the original did not offer.
        min_depth: has no effect here; it is the least width of a BiFPN.
        hyperparams: of its convolutions; `DEFAULT_HYPERPARAMS` if None.
        explicit_padding: must be False.

    Raises:
        ConfigError: `explicit_padding` is asked for.
    """
    if explicit_padding:
        raise ConfigError(
            three_part(
                "feature_extractor.use_explicit_padding: EfficientNet pads as TensorFlow does.",
                "Allowed: false.",
                "Remove the line.",
            )
        )
    # Parity: `freeze_batchnorm` reaches neither this backbone nor, therefore, its batch norms.
    hyperparams = (hyperparams or DEFAULT_HYPERPARAMS).with_frozen_statistics(False)
    build, width = _Builder(hyperparams), size.width * depth_multiplier
    images = Input((None, None, 3))
    stem, top = (divisible(count * width) for count in (_STEM_CHANNELS, _TOP_CHANNELS))
    x = build.conv_act(images, stem, 3, "stem", stride=2, recompute=True)
    for block in blocks_of(width, size.depth):
        x = build.block(x, block)
    x = build.conv_act(x, top, 1, "top")
    return keras.Model(images, build.classifier(x, size.classifier_dropout), name="efficientnet")


# Parity: the same blocks at every depth, although larger networks have more of them per level.
_LEVELS = {
    1: "stack_0-block_0-project_bn",
    2: "stack_1-block_1-add",
    3: "stack_2-block_1-add",
    4: "stack_4-block_2-add",
    5: "stack_6-block_0-project_bn",
}


# Parity: what models/ssd_efficientnet_bifpn_feature_extractor.py calls the larger two.
_EXTRACTORS = {"b6": "EfficientDet-D6-D7", "b7": "EfficientNet-B7_BiFPN"}


def _family(name: str, size: Size) -> BackboneFamily:
    build: Any = partial(efficientnet, size)
    return BackboneFamily(
        build=build,
        default_hyperparams=DEFAULT_HYPERPARAMS,
        normalize=normalize,
        pad_value=PAD_VALUE,
        level_outputs=lambda _: dict(_LEVELS),
        necks=("bifpn",),
        bifpn=size.bifpn,
        checkpoint_part="_efficientnet",
        original=OriginalNames(extractor=_EXTRACTORS.get(name, f"EfficientDet-D{name[1:]}")),
        keeps_unused_layers=True,
        keras=KerasForm(f"EfficientNet{name.upper()}", deviation_for_variance=True),
    )


for _name, _size in _SIZES.items():
    backbones.register(f"efficientnet-{_name}")(_family(_name, _size))
