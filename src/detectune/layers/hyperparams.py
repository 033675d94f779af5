"""How convolutions, their normalization and activation are made: `conv_hyperparams` of a config."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import keras
from keras import ops
from keras.layers import Activation, Conv2D, DepthwiseConv2D, Layer, SeparableConv2D

from detectune.layers.batch_norm import FreezableBatchNormalization
from detectune.structures import Array

ActivationName = Literal["linear", "relu", "relu6", "swish"]


@dataclass(frozen=True)
class BatchNormSettings:
    """Settings of every batch norm: see `FreezableBatchNormalization`."""

    momentum: float = 0.999
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = False
    frozen_statistics: bool = False


@dataclass(frozen=True)
class ConvHyperparams:
    """Makes layers that share initializer, regularizer, normalization and activation.

    Args:
        initializer: the config of a Keras initializer, as `keras.initializers.serialize` gives it;
            every layer gets a fresh one.
        regularizer: of convolution kernels, or None.
        batch_norm: None for convolutions with a bias and no normalization.
        activation: after the normalization.
        force_bias: a bias even before a batch norm.
        bias_without_offset: a bias before a batch norm that has no offset of its own.
        style_all: initializer and regularizer for every kernel, also where `depthwise` and
            `separable` leave them out. Parity: so did the argument scopes of TensorFlow 1.
        regularize_depthwise: the regularizer also for depthwise kernels.
    """

    initializer: dict[str, Any] = field(
        default_factory=lambda: {"class_name": "GlorotUniform", "config": {}}
    )
    regularizer: keras.regularizers.Regularizer | None = None
    batch_norm: BatchNormSettings | None = None
    activation: ActivationName = "relu"
    force_bias: bool = False
    bias_without_offset: bool = False
    style_all: bool = False
    regularize_depthwise: bool = True

    def with_frozen_statistics(self, frozen: bool) -> ConvHyperparams:
        """The same, with batch norms that keep their statistics if `frozen`."""
        if self.batch_norm is None:
            return self
        return replace(self, batch_norm=replace(self.batch_norm, frozen_statistics=frozen))

    @property
    def use_bias(self) -> bool:
        """Whether convolutions have a bias, where nothing else is said."""
        if self.force_bias or self.batch_norm is None:
            return True
        return self.bias_without_offset and not self.batch_norm.center

    def conv(self, filters: int, kernel_size: int | tuple[int, int], **kwargs: Any) -> Conv2D:
        """A convolution; `use_bias`, `strides`, `padding`, `name` may be given."""
        settings: dict[str, Any] = {
            "padding": "same",
            "use_bias": self.use_bias,
            "kernel_initializer": self.new_initializer(),
            "kernel_regularizer": self.regularizer,
        }
        return Conv2D(filters, kernel_size, **(settings | kwargs))

    def depthwise(self, kernel_size: int, *, plain: bool = False, **kwargs: Any) -> DepthwiseConv2D:
        """A depthwise convolution.

        Args:
            plain: neither the initializer nor the regularizer of the config. Parity: the
                original passes them under a name that this layer ignores, everywhere outside
                the MobileNet backbones.
        """
        settings: dict[str, Any] = {"padding": "same", "use_bias": self.use_bias}
        if self.style_all or not plain:
            settings["depthwise_initializer"] = self.new_initializer()
            settings["depthwise_regularizer"] = (
                self.regularizer if self.regularize_depthwise else None
            )
        return DepthwiseConv2D(kernel_size, **(settings | kwargs))

    def separable(
        self,
        filters: int,
        kernel_size: int,
        *,
        style_depthwise: bool = True,
        style_pointwise: bool = False,
        **kwargs: Any,
    ) -> SeparableConv2D:
        """A depthwise convolution and a pointwise one in a single layer.

        Args:
            style_depthwise, style_pointwise: whether initializer and regularizer of the config
                are used for that kernel. Parity: the original uses them for the depthwise kernel
                only, and in prediction heads for neither.
        """
        settings: dict[str, Any] = {"padding": "same", "use_bias": self.use_bias}
        for part, styled in (("depthwise", style_depthwise), ("pointwise", style_pointwise)):
            if styled or self.style_all:
                settings[f"{part}_initializer"] = self.new_initializer()
                settings[f"{part}_regularizer"] = self.regularizer
        return SeparableConv2D(filters, kernel_size, **(settings | kwargs))

    def norm(self, name: str | None = None) -> Layer:
        """The normalization after a convolution, or the identity if there is none."""
        if self.batch_norm is None:
            return keras.layers.Identity(name=name)
        settings = self.batch_norm
        return FreezableBatchNormalization(
            momentum=settings.momentum,
            epsilon=settings.epsilon,
            center=settings.center,
            scale=settings.scale,
            frozen_statistics=settings.frozen_statistics,
            name=name,
        )

    def act(self, name: str | None = None) -> Layer:
        """The activation after a normalization."""
        return Activation(self.activation, name=name)

    def new_initializer(self) -> keras.initializers.Initializer:
        return keras.initializers.get(dict(self.initializer))


class FixedPadding(Layer):
    """Zeros around a feature map, so that a "valid" convolution with it keeps or halves its size.

    Unlike "same" padding the amount does not depend on the size of the image.
    Parity: utils/ops.py fixed_padding.
    """

    def __init__(self, kernel_size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        total = kernel_size - 1
        self.amounts = (total // 2, total - total // 2)

    def call(self, features: Array) -> Array:
        return ops.pad(features, [(0, 0), self.amounts, self.amounts, (0, 0)])

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        batch, height, width, channels = input_shape
        grow = sum(self.amounts)
        grown = [None if side is None else side + grow for side in (height, width)]
        return (batch, *grown, channels)


def run(layers: list[Layer], features: Array, training: bool) -> Array:
    """`features` after each of `layers` in turn."""
    for layer in layers:
        if isinstance(layer, FreezableBatchNormalization | keras.layers.Dropout):
            features = layer(features, training=training)
        else:
            features = layer(features)
    return features
