"""Batch norms that do not learn, folded into the convolutions in front of them.

With given statistics a batch norm multiplies every channel by a number and adds another: what the
kernel and the bias of the convolution can do. Kernels are small, maps are large. The folded kernel
is computed from the variables each time, so it is right whatever is restored into them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops
from keras.layers import BatchNormalization, Conv2D, DepthwiseConv2D, SeparableConv2D

from detectune.layers.conv_norm import ConvNorm
from detectune.layers.graph_part import Step
from detectune.structures import Array

_CONVOLUTIONS = (Conv2D, DepthwiseConv2D, SeparableConv2D)
_CHANNELS_LAST = (-1, 3)


class FoldedConv:
    """`activation(norm(conv(x)))` in inference, as one convolution.

    Args:
        conv: with or without a bias, and without an activation of its own.
        norm: the batch norm after it.
        activation: after both, None for none.
    """

    def __init__(
        self,
        conv: Conv2D | DepthwiseConv2D | SeparableConv2D,
        norm: BatchNormalization,
        activation: Callable[[Array], Array] | None = None,
    ) -> None:
        self.conv, self.norm, self.activation = conv, norm, activation

    def __call__(self, inputs: Array) -> Array:
        """The result `[B, H, W, C]` for maps `[B, h, w, D]`."""
        conv, (scale, offset) = self.conv, self._scale_and_offset()
        inputs = ops.cast(inputs, conv.compute_dtype)
        if isinstance(conv, SeparableConv2D):
            outputs = ops.separable_conv(
                inputs,
                ops.cast(conv.depthwise_kernel, inputs.dtype),
                ops.cast(conv.pointwise_kernel * scale, inputs.dtype),
                **self._settings(),
            )
        elif isinstance(conv, DepthwiseConv2D):
            # Channel d · multiplier + m of the result is made by kernel[:, :, d, m].
            by_kernel = ops.reshape(scale, conv.kernel.shape[-2:])
            kernel = ops.cast(conv.kernel * by_kernel, inputs.dtype)
            outputs = ops.depthwise_conv(inputs, kernel, **self._settings())
        else:
            kernel = ops.cast(conv.kernel * scale, inputs.dtype)
            outputs = ops.conv(inputs, kernel, **self._settings())
        outputs = _with_bias(outputs, ops.cast(offset, outputs.dtype))
        return outputs if self.activation is None else self.activation(outputs)

    def _settings(self) -> dict:
        conv = self.conv
        return {
            "strides": tuple(conv.strides),
            "padding": conv.padding,
            "dilation_rate": conv.dilation_rate,
            "data_format": conv.data_format,
        }

    def _scale_and_offset(self) -> tuple[Array, Array]:
        """`[C]` float32 each: what the batch norm multiplies by, and adds."""
        norm = self.norm
        scale = ops.rsqrt(ops.cast(norm.moving_variance, "float32") + norm.epsilon)
        if norm.gamma is not None:
            scale = scale * ops.cast(norm.gamma, "float32")
        shift = -ops.cast(norm.moving_mean, "float32")
        if self.conv.use_bias:
            shift = shift + ops.cast(self.conv.bias, "float32")
        offset = shift * scale
        if norm.beta is not None:
            offset = offset + ops.cast(norm.beta, "float32")
        return scale, offset


def fold(steps: Sequence[Step], kept: Sequence[keras.KerasTensor]) -> list[Step]:
    """`steps` in which every pair of convolution and batch norm is one step, where it can be.

    Args:
        kept: tensors that are needed afterwards, and so must still be made.
    """
    users: dict[int, list[Step]] = {}
    for step in steps:
        for tensor in step.inputs:
            users.setdefault(id(tensor), []).append(step)
    needed = {id(tensor) for tensor in kept}
    folded: list[Step] = []
    done: set[int] = set()
    for step in steps:
        if id(step.outputs[0]) in done:
            continue
        operation = step.operation
        if isinstance(operation, ConvNorm):
            whole = FoldedConv(operation.conv, operation.norm, operation.activation)
            folded.append(step._replace(operation=whole))
            continue
        after = users.get(id(step.outputs[0]), [])
        if _is_plain(operation) and len(after) == 1 and id(step.outputs[0]) not in needed:
            (norm,) = after
            if _fits(norm.operation):
                whole = FoldedConv(operation, norm.operation)
                folded.append(Step(whole, step.arguments, norm.outputs))
                done.add(id(norm.outputs[0]))
                continue
        folded.append(step)
    return folded


def _is_plain(operation: Any) -> bool:
    """Whether it is a convolution, and nothing else."""
    return (
        type(operation) in _CONVOLUTIONS
        and operation.activation in (None, keras.activations.linear)
        and operation.data_format == "channels_last"
    )


def _fits(operation: Any) -> bool:
    """Whether it is a batch norm over channels."""
    return isinstance(operation, BatchNormalization) and operation.axis in _CHANNELS_LAST


def _with_bias(values: Array, bias: Array) -> Array:
    if keras.backend.backend() == "tensorflow":
        from detectune.layers import fused_tensorflow

        return fused_tensorflow.with_bias(values, bias)
    return values + bias
