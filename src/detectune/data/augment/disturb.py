"""Small disturbances: boxes that are not quite right, patches without picture, other sizes."""

from __future__ import annotations

import tensorflow as tf

from detectune.config import schema
from detectune.data.augment.example import (
    Example,
    augmentations,
    clipped,
    moved,
    scaled_masks,
    uniform,
)


@augmentations.register("random_jitter_boxes")
def random_jitter_boxes(
    example: Example, seed: tf.Tensor, config: schema.RandomJitterBoxes
) -> Example:
    """Edges moved by up to `ratio` of the box's height and width; the image stays.

    DEFAULT moves every edge for itself, in or out; EXPAND only out and SHRINK only in. SYMMETRIC
    moves opposite edges by the same, SYMMETRIC_XY all four by the same fraction.
    """
    mode = schema.RandomJitterBoxes.JitterMode.Name(config.jitter_mode)
    columns = 1 if mode.endswith("_XY") else 2 if mode.endswith("_SYMMETRIC") else 4
    low = -config.ratio if mode == "DEFAULT" else 0.0
    amounts = tf.random.stateless_uniform(
        tf.stack([tf.shape(example.boxes)[0], columns]), seed, low, config.ratio
    )
    amounts = tf.tile(amounts, [1, 4 // columns]) * (-1.0 if mode.startswith("SHRINK") else 1.0)
    y0, x0, y1, x1 = tf.unstack(example.boxes, axis=-1)
    outwards = tf.stack([y0 - y1, x0 - x1, y1 - y0, x1 - x0], axis=-1)
    return clipped(example._replace(boxes=example.boxes + amounts * outwards))


@augmentations.register("random_black_patches")
def random_black_patches(
    example: Example, seed: tf.Tensor, config: schema.RandomBlackPatches
) -> Example:
    """Up to `max_black_patches` black squares, each with a probability; boxes stay.

    Their side is `size_to_image_ratio` of the image's shorter side.
    """
    image, count = example.image, config.max_black_patches
    size = tf.shape(image)[:2]
    shorter = tf.cast(tf.reduce_min(size), tf.float32)
    side = tf.cast(shorter * config.size_to_image_ratio, tf.int32)
    random = tf.random.stateless_uniform([count, 3], seed)
    begin = tf.cast(random[:, :2] * tf.cast(size - side + 1, tf.float32), tf.int32)
    used = random[:, 2] < config.probability
    rows, columns = tf.range(size[0])[None], tf.range(size[1])[None]
    in_rows = tf.logical_and(rows >= begin[:, :1], rows < begin[:, :1] + side)
    in_columns = tf.logical_and(columns >= begin[:, 1:], columns < begin[:, 1:] + side)
    in_patch = in_rows[:, :, None] & in_columns[:, None, :] & used[:, None, None]
    covered = tf.reduce_any(in_patch, axis=0)[..., None]
    return example._replace(image=tf.where(covered, tf.zeros([], image.dtype), image))


@augmentations.register("random_image_scale")
def random_image_scale(
    example: Example, seed: tf.Tensor, config: schema.RandomImageScale
) -> Example:
    """The whole picture larger or smaller by a factor in the configured range."""
    factor = uniform(seed, config.min_scale_ratio, config.max_scale_ratio)
    size = tf.cast(tf.shape(example.image)[:2], tf.float32) * factor
    new_size = tf.maximum(tf.cast(size, tf.int32), 1)
    image = tf.ensure_shape(tf.image.resize(example.image, new_size), [None, None, 3])
    return moved(example, image, lambda boxes: boxes, lambda masks: scaled_masks(masks, new_size))
