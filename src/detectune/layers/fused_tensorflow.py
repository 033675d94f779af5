"""Fast kernels of TensorFlow. Imported only where Keras runs on TensorFlow.

Keras composes a batch norm from elementwise operations, each of which reads and writes the whole
feature map and keeps it for the gradient. The fused kernel takes a quarter of the time off a
training step of MobileNet V2 on a CPU (docs/decisions/0007-fused-batch-norm.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

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


def with_bias(values: Array, bias: Array) -> Array:
    """`values` `[B, H, W, C]` plus `bias` `[C]`; a convolution before it does both at once."""
    return tf.nn.bias_add(values, bias)


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


def crop_and_resize_levels(
    maps: Sequence[Array], boxes: Array, levels: Array, size: tuple[int, int], soft_border: bool
) -> Array:
    """The same as in `layers.regions`, one kernel for each map.

    The kernel and its gradient for maps take a tenth of the time of products of matrices or of
    gathered cells; its gradient for boxes, which nothing needs, would take ten times as long.
    """
    batch, count = tf.shape(boxes)[0], tf.shape(boxes)[1]
    images = tf.repeat(tf.range(batch), count)
    crops = []
    for level, one in enumerate(maps):
        corners = boxes
        if soft_border:
            one, corners = _with_border(one, boxes)
        if len(maps) > 1:
            # Far outside nothing is computed and the crop is 0.
            here = tf.equal(levels, level)[..., None]
            corners = tf.where(here, corners, tf.constant(-9.0))
        flat = tf.reshape(tf.stop_gradient(corners), [-1, 4])
        # The kernel knows no bfloat16, and always answers in float32.
        values = tf.cast(one, tf.float32) if one.dtype == tf.bfloat16 else one
        crops.append(tf.image.crop_and_resize(values, flat, images, size))
    crop = crops[0] if len(crops) == 1 else tf.add_n(crops)
    shape = [batch, boxes.shape[1] or count, *size, maps[0].shape[-1]]
    return tf.reshape(tf.cast(crop, maps[0].dtype), shape)


def _with_border(one: Array, boxes: Array) -> tuple[Array, Array]:
    """The map with a cell of zeros on every side, and `boxes` as fractions of that map."""
    last = tf.cast(tf.shape(one)[1:3] - 1, tf.float32)
    corners = (boxes * tf.tile(last, [2]) + 1.0) / tf.tile(last + 2.0, [2])
    return tf.pad(one, [[0, 0], [1, 1], [1, 1], [0, 0]]), corners
