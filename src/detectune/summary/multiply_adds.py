"""Multiplications with an addition that a layer takes, from its shapes.

Counted is what papers count: convolutions and dense layers, a batch norm folded into what stands
before it, and no activations, poolings or sums. A frozen backbone costs as much as any other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from keras.layers import (
    Conv1D,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Dense,
    DepthwiseConv2D,
    Layer,
    SeparableConv2D,
)

Shape = Sequence[int | None]


def multiply_adds(layer: Layer, inputs: Shape, outputs: Shape) -> int:
    """Of one call of `layer`, on `inputs` `[B, …, C]` and with `outputs` `[B, …, D]`.

    A side that is not known counts as 1.
    """
    read, made = _known(inputs), _known(outputs)
    convolution: Any = layer
    if isinstance(layer, SeparableConv2D):
        taps, between = math.prod(convolution.kernel_size), read[-1] * convolution.depth_multiplier
        places = math.prod(made[:-1])
        return places * (taps * between + between * made[-1])
    if isinstance(layer, DepthwiseConv2D):
        return math.prod(made) * math.prod(convolution.kernel_size)
    if isinstance(layer, Conv2DTranspose):  # every input is spread over a window
        return math.prod(read) * math.prod(convolution.kernel_size) * made[-1]
    if isinstance(layer, Conv1D | Conv2D | Conv3D):
        channels = read[-1] // convolution.groups
        return math.prod(made) * math.prod(convolution.kernel_size) * channels
    if isinstance(layer, Dense):
        return math.prod(made) * read[-1]
    return 0


def _known(shape: Shape) -> list[int]:
    return [1 if side is None else side for side in shape]
