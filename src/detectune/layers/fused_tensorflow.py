"""Batch norm in one TensorFlow kernel. Imported only where Keras runs on TensorFlow.

Keras composes a batch norm from elementwise operations, each of which reads and writes the whole
feature map and keeps it for the gradient. The fused kernel takes a quarter of the time off a
training step of MobileNet V2 on a CPU (docs/decisions/0007-fused-batch-norm.md).
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf
from keras.layers import Conv2D, DepthwiseConv2D

from detectune.structures import Array


def normalize_with_batch_statistics(
    values: Array, gamma: Array, beta: Array, epsilon: float
) -> tuple[Array, Array, Array]:
    """Normalized values, and mean and *unbiased* variance of the batch.

    Args:
        values: `[B, H, W, C]` float32 or bfloat16.
        gamma, beta: `[C]` float32.
    """
    normalized, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=values,
        scale=gamma,
        offset=beta,
        mean=tf.zeros([0], tf.float32),
        variance=tf.zeros([0], tf.float32),
        epsilon=epsilon,
        is_training=True,
    )
    return normalized, mean, variance


def normalize_with_statistics(
    values: Array, gamma: Array, beta: Array, mean: Array, variance: Array, epsilon: float
) -> Array:
    """`values` normalized with the given statistics."""
    return tf.raw_ops.FusedBatchNormV3(
        x=values,
        scale=gamma,
        offset=beta,
        mean=mean,
        variance=variance,
        epsilon=epsilon,
        is_training=False,
    )[0]


def recomputed_conv_norm(
    inputs: Array,
    conv: Conv2D | DepthwiseConv2D,
    gamma: Array,
    beta: Array,
    epsilon: float,
    activation: Callable[[Array], Array],
) -> tuple[Array, Array, Array]:
    """`normalize_with_batch_statistics` of `conv(inputs)` and `activation` of the first result.

    The maps in between are computed again for the gradient instead of being kept.
    """
    strides, padding = [1, *conv.strides, 1], conv.padding.upper()

    @tf.recompute_grad
    def forward(values: Array, kernel: Array, gamma: Array, beta: Array):
        if isinstance(conv, DepthwiseConv2D):
            convolved = tf.nn.depthwise_conv2d(values, kernel, strides, padding)
        else:
            convolved = tf.nn.conv2d(values, kernel, strides, padding)
        normed, *statistics = normalize_with_batch_statistics(convolved, gamma, beta, epsilon)
        return activation(normed), *statistics

    kernel = tf.cast(conv.kernel.value, inputs.dtype)
    return forward(inputs, kernel, tf.convert_to_tensor(gamma), tf.convert_to_tensor(beta))
