"""Functional models as users of Keras build them, small enough for a test."""

from __future__ import annotations

import keras

layers = keras.layers


def convolutions(images, *, last: int = 5, start: int = 1):
    """A map of stride 2 to 32 for each level, with batch norms."""
    x = images
    for level in range(start, last + 1):
        x = layers.Conv2D(4 * level, 3, strides=2, padding="same", name=f"conv{level}")(x)
        x = layers.BatchNormalization(name=f"norm{level}")(x)
        x = layers.Activation("relu", name=f"level{level}")(x)
    return x


def small_network(side: int | None = None, *, top: bool = True) -> keras.Model:
    """Five convolutions, and a classifier if `top`."""
    images = keras.Input((side, side, 3))
    x = convolutions(images)
    if top:
        x = layers.GlobalAveragePooling2D()(x)
        x = layers.Dense(7, name="classes")(x)
    return keras.Model(images, x, name="small")
