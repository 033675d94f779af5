"""Batch norm in one TensorFlow kernel. Imported only where Keras runs on TensorFlow.

Keras composes a batch norm from elementwise operations, each of which reads and writes the whole
feature map and keeps it for the gradient. The fused kernel makes a training step of MobileNet V2
on a CPU about 2.5 times faster (docs/decisions/0007-fused-batch-norm.md).
"""

from __future__ import annotations

import tensorflow as tf

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
