"""A convolution and its batch norm, without keeping the map between them.

The gradient of a batch norm needs its input. In the first blocks of a network, where maps are
large and convolutions cheap, computing that input again costs less than keeping it:
see docs/decisions/0007-fused-batch-norm.md for the figures.
"""

from __future__ import annotations

from typing import Any

from keras.layers import Conv2D, DepthwiseConv2D, Layer

from detectune.layers.batch_norm import FreezableBatchNormalization, has_fused_kernel
from detectune.structures import Array


class ConvNorm(Layer):
    """`norm(conv(x))`, of which training keeps `x` and the result only.

    Args:
        conv: a convolution without bias.
        norm: the batch norm after it. Both keep their own names and variables.
    """

    def __init__(
        self, conv: Conv2D | DepthwiseConv2D, norm: FreezableBatchNormalization, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.conv, self.norm = conv, norm

    def build(self, input_shape: tuple) -> None:
        self.conv.build(input_shape)
        self.norm.build(self.conv.compute_output_shape(input_shape))
        self.built = True

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return self.conv.compute_output_shape(input_shape)

    def call(self, inputs: Array, training: bool = False) -> Array:
        if not training or not self.norm.learns_statistics or not has_fused_kernel(inputs):
            return self.norm(self.conv(inputs), training=training)
        from detectune.layers import fused_tensorflow

        outputs, mean, variance = fused_tensorflow.recomputed_conv_norm(
            inputs, self.conv, *self.norm.scale_and_offset(), self.norm.epsilon
        )
        self.norm.move_averages(mean, variance)
        return outputs
