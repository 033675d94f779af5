"""Batch normalization whose statistics can be frozen."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from detectune.structures import Array


class FreezableBatchNormalization(keras.layers.BatchNormalization):
    """Batch norm that may keep its statistics while everything else trains.

    Args:
        frozen_statistics: use the moving averages also in training, and leave them as they are.
            Scale and offset still train.

    Parity: core/freezable_batch_norm.py. There as in Keras 2 the fused kernel keeps the moving
    average of the *unbiased* variance, Keras 3 that of the biased one; this layer does the former.
    """

    def __init__(self, *, frozen_statistics: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.frozen_statistics = frozen_statistics

    def call(self, inputs: Array, training: bool = False, mask: Array = None) -> Array:
        if not training or self.frozen_statistics or not self.trainable:
            return self._normalize(inputs, self.moving_mean, self.moving_variance)
        axes = list(range(len(inputs.shape) - 1))
        values = ops.cast(inputs, "float32")
        mean = ops.mean(values, axis=axes)
        variance = ops.mean(ops.square(values - mean), axis=axes)
        self._update(inputs, mean, variance)
        return self._normalize(inputs, mean, variance)

    def _update(self, inputs: Array, mean: Array, variance: Array) -> None:
        shape = ops.shape(inputs)[:-1]
        if all(isinstance(side, int) for side in shape):
            count = float(math.prod(shape))
            unbias = count / max(count - 1.0, 1.0)
        else:
            count = ops.cast(ops.prod(ops.stack(shape)), "float32")
            unbias = count / ops.maximum(count - 1.0, 1.0)
        keep = self.momentum
        self.moving_mean.assign(self.moving_mean * keep + mean * (1.0 - keep))
        self.moving_variance.assign(self.moving_variance * keep + variance * unbias * (1.0 - keep))

    def _normalize(self, inputs: Array, mean: Array, variance: Array) -> Array:
        return ops.cast(
            ops.batch_normalization(
                ops.cast(inputs, "float32"),
                mean,
                variance,
                axis=-1,
                offset=self.beta,
                scale=self.gamma,
                epsilon=self.epsilon,
            ),
            self.compute_dtype,
        )
