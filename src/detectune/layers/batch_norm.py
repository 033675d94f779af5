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
        if not training or not self.learns_statistics:
            return self._with_statistics(inputs)
        outputs, mean, variance = self._with_batch_statistics(inputs)
        self.move_averages(mean, variance)
        return outputs

    @property
    def learns_statistics(self) -> bool:
        """Whether training normalizes with the batch, and moves the averages."""
        return self.trainable and not self.frozen_statistics

    def move_averages(self, mean: Array, variance: Array) -> None:
        """One step of the moving averages towards the statistics `[C]` of a batch."""
        keep = self.momentum
        self.moving_mean.assign(self.moving_mean * keep + mean * (1.0 - keep))
        self.moving_variance.assign(self.moving_variance * keep + variance * (1.0 - keep))

    def _with_statistics(self, inputs: Array) -> Array:
        if has_fused_kernel(inputs):
            from detectune.layers import fused_tensorflow

            statistics = self.moving_mean.value, self.moving_variance.value
            return fused_tensorflow.normalize_with_statistics(
                inputs, *self.scale_and_offset(), *statistics, self.epsilon
            )
        return self._composed(inputs, self.moving_mean, self.moving_variance)

    def _with_batch_statistics(self, inputs: Array) -> tuple[Array, Array, Array]:
        """Normalized inputs, and mean and unbiased variance of the batch."""
        if has_fused_kernel(inputs):
            from detectune.layers import fused_tensorflow

            return fused_tensorflow.normalize_with_batch_statistics(
                inputs, *self.scale_and_offset(), self.epsilon
            )
        axes = list(range(len(inputs.shape) - 1))
        mean, variance = ops.moments(ops.cast(inputs, "float32"), axes=axes)
        count = math.prod(inputs.shape[:-1])
        unbiased = variance * (count / max(count - 1.0, 1.0))
        return self._composed(inputs, mean, variance), mean, unbiased

    def scale_and_offset(self) -> tuple[Array, Array]:
        """`[C]` each, ones and zeros where the layer has none."""
        channels = self.moving_mean.shape
        gamma = self.gamma.value if self.gamma is not None else ops.ones(channels)
        beta = self.beta.value if self.beta is not None else ops.zeros(channels)
        return gamma, beta

    def _composed(self, inputs: Array, mean: Array, variance: Array) -> Array:
        normalized = ops.batch_normalization(
            ops.cast(inputs, "float32"),
            mean,
            variance,
            axis=-1,
            offset=self.beta,
            scale=self.gamma,
            epsilon=self.epsilon,
        )
        return ops.cast(normalized, self.compute_dtype)


def has_fused_kernel(inputs: Array) -> bool:
    """Whether the backend offers batch norm as one kernel for a feature map."""
    return (
        keras.backend.backend() == "tensorflow"
        and len(inputs.shape) == 4
        and not isinstance(inputs, keras.KerasTensor)
    )
