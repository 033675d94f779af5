"""Brightness, contrast, hue, saturation and the like. Boxes stay as they are.

Parity: core/preprocessor.py of the original: the amount is uniform in the configured range and the
result is clipped to 0–255. It divides images by 255 first, which matters to brightness only:
contrast, hue and saturation give the same at any scale.
"""

from __future__ import annotations

import tensorflow as tf

from detectune.config import schema
from detectune.data.augment.example import Example, augmentations, float_image, uniform
from detectune.errors import ConfigError, three_part


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


@augmentations.register("random_distort_color")
def random_distort_color(
    example: Example, seed: tf.Tensor, config: schema.RandomDistortColor
) -> Example:
    """Brightness, contrast, hue and saturation, in one of two orders.

    Parity: the limits are fixed in the original; `color_ordering` 0 ends with contrast, 1 with hue.
    """
    brightness = (random_adjust_brightness, schema.RandomAdjustBrightness(max_delta=32.0 / 255.0))
    saturation = (
        random_adjust_saturation,
        schema.RandomAdjustSaturation(min_delta=0.5, max_delta=1.5),
    )
    hue = (random_adjust_hue, schema.RandomAdjustHue(max_delta=0.2))
    contrast = (random_adjust_contrast, schema.RandomAdjustContrast(min_delta=0.5, max_delta=1.5))
    orders = {
        0: (brightness, saturation, hue, contrast),
        1: (brightness, contrast, saturation, hue),
    }
    if config.color_ordering not in orders:
        raise ConfigError(
            three_part(
                f"random_distort_color: color_ordering is {config.color_ordering}.",
                "color_ordering must be 0 or 1.",
                "Correct color_ordering in the pipeline.config.",
            )
        )
    for number, (op, limits) in enumerate(orders[config.color_ordering]):
        example = op(example, tf.random.fold_in(seed, number), limits)
    return example


@augmentations.register("random_pixel_value_scale")
def random_pixel_value_scale(
    example: Example, seed: tf.Tensor, config: schema.RandomPixelValueScale
) -> Example:
    """Every value times a factor of its own in `minval`–`maxval`."""
    image = float_image(example)
    factors = tf.random.stateless_uniform(tf.shape(image), seed, config.minval, config.maxval)
    return _with_image(example, image * factors)


@augmentations.register("adjust_gamma")
def adjust_gamma(example: Example, seed: tf.Tensor, config: schema.AdjustGamma) -> Example:
    """`gain` × (value / 255) to the power of `gamma`, always."""
    fractions = config.gain * (float_image(example) / 255.0) ** config.gamma
    return _with_image(example, fractions * 255.0)


@augmentations.register("random_jpeg_quality")
def random_jpeg_quality(
    example: Example, seed: tf.Tensor, config: schema.RandomJpegQuality
) -> Example:
    """Stored once more as JPEG of a random quality, except in `random_coef` of the cases."""
    if not 0 <= config.min_jpeg_quality < config.max_jpeg_quality <= 100:
        raise ConfigError(
            three_part(
                f"random_jpeg_quality: {config.min_jpeg_quality} to {config.max_jpeg_quality}.",
                "0 <= min_jpeg_quality < max_jpeg_quality <= 100.",
                "Correct the two in the pipeline.config.",
            )
        )
    seeds = tf.random.split(seed, 2)
    image = float_image(example)

    def stored_again() -> tf.Tensor:
        lossy = tf.image.stateless_random_jpeg_quality(
            tf.cast(tf.round(image), tf.uint8),
            config.min_jpeg_quality,
            config.max_jpeg_quality,
            seeds[1],
        )
        return tf.cast(lossy, tf.float32)

    keep = uniform(seeds[0]) < config.random_coef
    return example._replace(image=tf.cond(keep, lambda: image, stored_again))


def _gray(image: tf.Tensor) -> tf.Tensor:
    return tf.image.grayscale_to_rgb(tf.image.rgb_to_grayscale(image))


def _with_image(example: Example, image: tf.Tensor) -> Example:
    return example._replace(image=tf.clip_by_value(image, 0.0, 255.0))
