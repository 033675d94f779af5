"""Brightness, contrast, hue and saturation. Boxes stay as they are.

Parity: core/preprocessor.py of the original: the amount is uniform in the configured range and the
result is clipped to 0–255. It divides images by 255 first, which matters to brightness only:
contrast, hue and saturation give the same at any scale.
"""

from __future__ import annotations

import tensorflow as tf

from detectune.config import schema
from detectune.data.augment.example import Example, augmentations, float_image, uniform


@augmentations.register("random_adjust_brightness")
def random_adjust_brightness(
    example: Example, seed: tf.Tensor, config: schema.RandomAdjustBrightness
) -> Example:
    """All pixels lighter or darker by up to `max_delta` × 255."""
    delta = uniform(seed, -config.max_delta, config.max_delta)
    return _with_image(example, float_image(example) + delta * 255.0)


@augmentations.register("random_adjust_contrast")
def random_adjust_contrast(
    example: Example, seed: tf.Tensor, config: schema.RandomAdjustContrast
) -> Example:
    """Distances from the mean of each channel times a factor in `min_delta`–`max_delta`."""
    factor = uniform(seed, config.min_delta, config.max_delta)
    image = float_image(example)
    mean = tf.reduce_mean(image, axis=(0, 1), keepdims=True)
    return _with_image(example, (image - mean) * factor + mean)


@augmentations.register("random_adjust_hue")
def random_adjust_hue(example: Example, seed: tf.Tensor, config: schema.RandomAdjustHue) -> Example:
    """Hue turned by up to `max_delta` of the full circle, either way."""
    delta = uniform(seed, -config.max_delta, config.max_delta)
    return _with_image(example, tf.image.adjust_hue(float_image(example), delta))


@augmentations.register("random_adjust_saturation")
def random_adjust_saturation(
    example: Example, seed: tf.Tensor, config: schema.RandomAdjustSaturation
) -> Example:
    """Saturation times a factor in `min_delta`–`max_delta`."""
    factor = uniform(seed, config.min_delta, config.max_delta)
    return _with_image(example, tf.image.adjust_saturation(float_image(example), factor))


@augmentations.register("random_rgb_to_gray")
def random_rgb_to_gray(
    example: Example, seed: tf.Tensor, config: schema.RandomRGBtoGray
) -> Example:
    """Grey, in three equal channels, with a probability (0.1)."""
    gray = uniform(seed) < config.probability
    image = float_image(example)
    return example._replace(image=tf.cond(gray, lambda: _gray(image), lambda: image))


@augmentations.register("rgb_to_gray")
def rgb_to_gray(example: Example, seed: tf.Tensor, config: schema.RGBtoGray) -> Example:
    """Grey, in three equal channels, always."""
    return example._replace(image=_gray(float_image(example)))


def _gray(image: tf.Tensor) -> tf.Tensor:
    return tf.image.grayscale_to_rgb(tf.image.rgb_to_grayscale(image))


def _with_image(example: Example, image: tf.Tensor) -> Example:
    return example._replace(image=tf.clip_by_value(image, 0.0, 255.0))
