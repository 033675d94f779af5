"""Discriminators of domains: from features to the logit of "this is of the target domain".

Source: Chen et al. 2018, "Domain Adaptive Faster R-CNN", section 4.2.
"""

from __future__ import annotations

import keras
from keras import ops
from keras.layers import Conv2D, Dense, Layer

from detectune.structures import Array

# A small last layer: at first both domains are as likely.
_LAST_STDDEV = 0.01


class MapDiscriminator(Layer):
    """Two 1x1 convolutions: a logit `[B, h, w]` for every place of a map `[B, h, w, D]`.

    Args:
        channels: of the hidden layer.
        seed: of the first weights.
    """

    def __init__(self, channels: int, *, seed: int, name: str) -> None:
        super().__init__(name=name, dtype="float32")
        start = keras.initializers.HeNormal(seed=seed)
        last = keras.initializers.RandomNormal(stddev=_LAST_STDDEV, seed=seed)
        self.hidden = Conv2D(
            channels, 1, activation="relu", kernel_initializer=start, dtype="float32", name="hidden"
        )
        self.last = Conv2D(1, 1, kernel_initializer=last, dtype="float32", name="last")

    def build(self, input_shape: tuple) -> None:
        self.hidden.build(input_shape)
        self.last.build((*input_shape[:-1], self.hidden.filters))
        self.built = True

    def call(self, maps: Array) -> Array:
        return self.last(self.hidden(maps))[..., 0]


class RegionDiscriminator(Layer):
    """Two hidden layers: a logit `[M]` for the features `[M, h, w, D]` of every region.

    Args:
        units: of each hidden layer.
        seed: of the first weights.
    """

    def __init__(self, units: int, *, seed: int, name: str) -> None:
        super().__init__(name=name, dtype="float32")
        last = keras.initializers.RandomNormal(stddev=_LAST_STDDEV, seed=seed)
        self.hidden = [
            Dense(
                units,
                activation="relu",
                kernel_initializer=keras.initializers.HeNormal(seed=seed + index),
                dtype="float32",
                name=f"hidden{index}",
            )
            for index in range(2)
        ]
        self.last = Dense(1, kernel_initializer=last, dtype="float32", name="last")

    def build(self, input_shape: tuple) -> None:
        shape: tuple = (None, input_shape[-1])
        for layer in self.hidden:
            layer.build(shape)
            shape = (None, layer.units)
        self.last.build(shape)
        self.built = True

    def call(self, features: Array) -> Array:
        values = ops.mean(features, axis=tuple(range(1, len(features.shape) - 1)))
        for layer in self.hidden:
            values = layer(values)
        return self.last(values)[..., 0]
