"""Layers that stand in for layers of Keras in a network that becomes a backbone."""

from __future__ import annotations

from typing import Any

from keras import ops
from keras.layers import Layer

from detectune.structures import Array


class SizedPadding(Layer):
    """Zeros before a "valid" convolution of stride 2, as many as "same" would add.

    Networks of `keras.applications` compute them from the size of the image when they are built,
    and for even sizes if it is not known. Here it is the size of the map that counts.

    Args:
        kernel_size: height and width of the convolution that follows.
    """

    def __init__(self, kernel_size: tuple[int, int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kernel_size = kernel_size

    def call(self, features: Array) -> Array:
        sides = ops.shape(features)[1:3]
        return ops.pad(features, [(0, 0), *map(self._amounts, sides, self.kernel_size), (0, 0)])

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        batch, *sides, channels = input_shape
        grown = [
            None if side is None else side + sum(self._amounts(side, kernel))
            for side, kernel in zip(sides, self.kernel_size, strict=True)
        ]
        return (batch, *grown, channels)

    @staticmethod
    def _amounts(side: Any, kernel: int) -> tuple[Any, int]:
        return kernel // 2 - (1 - side % 2), kernel // 2


class ImageNormalization(Layer):
    """`(images - mean) / sqrt(variance)` by channel, with both as weights.

    A `keras.layers.Normalization` that was adapted to data, or is to get its numbers from a file,
    keeps constants beside its weights, which do not follow when a checkpoint changes the weights.
    """

    def build(self, input_shape: tuple) -> None:
        channels = (input_shape[-1],)
        self.mean = self._number("mean", channels, "zeros")
        self.variance = self._number("variance", channels, "ones")
        self.count = self.add_weight(
            shape=(), dtype="int32", initializer="zeros", trainable=False, name="count"
        )
        self.built = True

    def _number(self, name: str, shape: tuple[int], initializer: str) -> Any:
        return self.add_weight(
            name=name, shape=shape, dtype="float32", initializer=initializer, trainable=False
        )

    def call(self, images: Array) -> Array:
        # Keras, too, divides by no less than its epsilon.
        deviation = ops.maximum(ops.sqrt(self.variance), 1e-7)
        return (images - self.mean) / deviation

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape
