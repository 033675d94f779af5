"""Smaller objects by a margin around the image, at a random place.

Parity: core/preprocessor.py of the original. `pad_color` is in the image's own range, 0–255;
without it the margin has the image's mean colour.
"""

from __future__ import annotations

import tensorflow as tf

from detectune.config import schema
from detectune.data.augment.example import (
    Example,
    augmentations,
    float_image,
    in_window,
    moved,
    uniform,
)
from detectune.errors import ConfigError, three_part


@augmentations.register("random_pad_image")
def random_pad_image(example: Example, seed: tf.Tensor, config: schema.RandomPadImage) -> Example:
    """A canvas of a size between the `min_image_*` and the `max_image_*` of the config.

    By default between the size of the image and twice that.
    """
    size = tf.shape(example.image)[:2]
    smallest, largest = size, 2 * size
    if config.HasField("min_image_height") and config.HasField("min_image_width"):
        smallest = tf.maximum(size, [config.min_image_height, config.min_image_width])
    if config.HasField("max_image_height") and config.HasField("max_image_width"):
        largest = tf.maximum(size, [config.max_image_height, config.max_image_width])
    return _padded(example, seed, smallest, largest, _color(config.pad_color, float_image(example)))


@augmentations.register("random_absolute_pad_image")
def random_absolute_pad_image(
    example: Example, seed: tf.Tensor, config: schema.RandomAbsolutePadImage
) -> Example:
    """Up to `max_height_padding` and `max_width_padding` pixels more."""
    size = tf.shape(example.image)[:2]
    largest = size + tf.constant([config.max_height_padding, config.max_width_padding])
    return _padded(example, seed, size, largest, _color(config.pad_color, float_image(example)))


def _padded(
    example: Example, seed: tf.Tensor, smallest: tf.Tensor, largest: tf.Tensor, color: tf.Tensor
) -> Example:
    """The image at a random place of a canvas of a random size `[2]` in [smallest, largest)."""
    seeds = tf.random.split(seed, 4)
    size = tf.shape(example.image)[:2]
    target = tf.stack([_between(seeds[i], smallest[i], largest[i]) for i in range(2)])
    offset = tf.stack([_between(seeds[2 + i], 0, target[i] - size[i]) for i in range(2)])
    after = target - size - offset
    margins = tf.stack([tf.stack([offset[0], after[0]]), tf.stack([offset[1], after[1]]), [0, 0]])
    image = tf.pad(float_image(example) - color, margins) + color
    window = tf.cast(tf.concat([-offset, target - offset], 0), tf.float32)
    window = window / tf.cast(tf.tile(size, [2]), tf.float32)
    return moved(
        example,
        tf.ensure_shape(image, [None, None, 3]),
        lambda boxes: in_window(boxes, window),
        lambda masks: tf.pad(masks, tf.roll(margins, 1, axis=0)),
    )


def _between(seed: tf.Tensor, low: tf.Tensor | int, high: tf.Tensor) -> tf.Tensor:
    """A random integer in [low, high), or `high` where that is empty."""
    low = tf.convert_to_tensor(low, tf.int32)
    number = uniform(seed, low, tf.maximum(high, low + 1))
    return tf.where(high > low, number, high)


def _color(config: object, image: tf.Tensor) -> tf.Tensor:
    values = list(config)  # type: ignore[call-overload]  # a repeated float field
    if not values:
        return tf.reduce_mean(image, axis=(0, 1))
    if len(values) not in (1, 3):
        raise ConfigError(
            three_part(
                f"pad_color: {len(values)} numbers: {values}.",
                "pad_color holds three numbers, 0–255: red, green, blue.",
                "Write, for black, pad_color: [0, 0, 0].",
            )
        )
    return tf.constant(values * (3 // len(values)), tf.float32)
