"""Negatives."""

from __future__ import annotations

import tensorflow as tf

from detectune.data.augment.example import Example, augmentations, uniform

from .toys_pb2 import RandomInvert


@augmentations.register("random_invert")
def random_invert(example: Example, seed: tf.Tensor, config: RandomInvert) -> Example:
    """A negative of the image, with a probability; boxes stay."""
    image = example.image
    inverted = tf.where(uniform(seed) < config.probability, 255 - image, image)
    return example._replace(image=inverted)
