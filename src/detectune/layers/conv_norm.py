"""A convolution, its batch norm and activation, without keeping the maps between them.

The gradient of a batch norm needs its input, that of an activation often too. In the first blocks
of a network, where maps are large and convolutions cheap, computing them again costs less than
keeping them: see docs/decisions/0007-fused-batch-norm.md for the figures.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras.layers import Conv2D, DepthwiseConv2D, Layer

from detectune.layers.batch_norm import FreezableBatchNormalization, has_fused_kernel
from detectune.structures import Array


class ConvNorm(Layer):
    """`activation(norm(conv(x)))`, of which training keeps `x` and the result only.

    Args:
        conv: a convolution without bias.
        norm: the batch norm after it. Both keep their own names and variables.
        activation: a function that works on every element, None for none.
    """

    def __init__(
        self,
        conv: Conv2D | DepthwiseConv2D,
        norm: FreezableBatchNormalization,
        activation: Callable[[Array], Array] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.conv, self.norm = conv, norm
        self.activation = activation or keras.activations.linear

    def build(self, input_shape: tuple) -> None:
        self.conv.build(input_shape)
        self.norm.build(self.conv.compute_output_shape(input_shape))
        self.built = True

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return self.conv.compute_output_shape(input_shape)

    def call(self, inputs: Array, training: bool = False) -> Array:
        if not training or not self.norm.learns_statistics or not has_fused_kernel(inputs):
            return self.activation(self.norm(self.conv(inputs), training=training))
        from detectune.layers import fused_tensorflow

        outputs, mean, variance = fused_tensorflow.recomputed_conv_norm(
            inputs,
            self.conv,
            *self.norm.scale_and_offset(),
            self.norm.epsilon,
            self.activation,
        )
        self.norm.move_averages(mean, variance)
        return outputs
