"""Square crops at a random scale, as CenterNet and EfficientDet were trained with.

Source: Zhou et al. 2019 (CenterNet) and Tan et al. 2020 (EfficientDet), training details.
"""

from __future__ import annotations

import tensorflow as tf

from detectune.config import schema
from detectune.data.augment.example import (
    Example,
    augmentations,
    clipped,
    in_window,
    moved,
    scaled_masks,
    uniform,
)


@augmentations.register("random_square_crop_by_scale")
def random_square_crop_by_scale(
    example: Example, seed: tf.Tensor, config: schema.RandomSquareCropByScale
) -> Example:
    """A square of side scale × longer side of the image, around a random centre; black outside.

    The centre keeps a distance of up to `max_border` pixels from the edges of the image.
    """
    seeds = tf.random.split(seed, 3)
    size = tf.shape(example.image)[:2]
    scales = tf.linspace(config.scale_min, config.scale_max, config.num_scales)
    scale = scales[uniform(seeds[0], tf.constant(0), tf.constant(config.num_scales))]
    side = tf.cast(tf.cast(tf.reduce_max(size), tf.float32) * scale, tf.int32)
    center = tf.stack([_center(seeds[1 + i], size[i], config.max_border) for i in range(2)])
    begin = center - side // 2
    return _square(example, begin, tf.maximum(side, 1))


def _center(seed: tf.Tensor, size: tf.Tensor, max_border: int) -> tf.Tensor:
    """A random row or column, away from the edge by `max_border`, halved until it fits."""
    border = tf.constant(max_border)
    # Parity: the border is the largest of max_border / 2^k below half of the side.
    border = tf.while_loop(lambda b: 2 * b >= size, lambda b: (b // 2,), [border])[0]
    return uniform(seed, border, tf.maximum(size - border, border + 1))


@augmentations.register("random_scale_crop_and_pad_to_square")
def random_scale_crop_and_pad_to_square(
    example: Example, seed: tf.Tensor, config: schema.RandomScaleCropAndPadToSquare
) -> Example:
    """The image with its longer side at scale × `output_size`, cropped and padded to a square."""
    seeds = tf.random.split(seed, 3)
    scale = uniform(seeds[0], config.scale_min, config.scale_max)
    size = tf.cast(tf.shape(example.image)[:2], tf.float32)
    ratio = scale * config.output_size / tf.reduce_max(size)
    new_size = tf.maximum(tf.cast(size * ratio, tf.int32), 1)
    image = tf.image.resize(example.image, new_size)
    room = tf.maximum(new_size - config.output_size, 0)
    begin = tf.stack([uniform(seeds[1 + i], tf.constant(0), room[i] + 1) for i in range(2)])
    scaled = moved(example, image, lambda boxes: boxes, lambda masks: scaled_masks(masks, new_size))
    return _square(scaled, begin, tf.constant(config.output_size))


def _square(example: Example, begin: tf.Tensor, side: tf.Tensor) -> Example:
    """The square of `side` pixels from `begin [2]`; black where it leaves the image."""
    size = tf.shape(example.image)[:2]
    start, stop = tf.clip_by_value(begin, 0, size), tf.clip_by_value(begin + side, 0, size)
    inside = example.image[start[0] : stop[0], start[1] : stop[1]]
    before, after = start - begin, begin + side - stop
    margins = tf.stack([[before[0], after[0]], [before[1], after[1]], [0, 0]])
    image = tf.ensure_shape(tf.pad(inside, margins), [None, None, 3])
    window = tf.cast(tf.concat([begin, begin + side], 0), tf.float32)
    window = window / tf.cast(tf.tile(size, [2]), tf.float32)

    def cut(masks: tf.Tensor) -> tf.Tensor:
        seen = masks[:, start[0] : stop[0], start[1] : stop[1]]
        return tf.pad(seen, tf.roll(margins, 1, axis=0))

    return clipped(moved(example, image, lambda boxes: in_window(boxes, window), cut))
