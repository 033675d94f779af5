"""What augmentations change, and the registry they are filed in.

An op is a function `(example, seed, config) -> example`, registered under its field name in
preprocessor.proto. `seed [2]` is its only source of randomness, so an op gives the same result
for the same sample of the same training step, whatever runs in parallel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from detectune.data.column_tensors import Move
from detectune.data.column_tensors import moved as moved_rows
from detectune.data.columns.base import columns
from detectune.data.resizers import as_channels
from detectune.registry import Registry

augmentations: Registry[Op] = Registry("data augmentation", "detectune.data.augment")

Op = Callable[["Example", tf.Tensor, Any], "Example"]


class Example(NamedTuple):
    """One image with its boxes on the way from a record to a batch."""

    image: tf.Tensor
    """`[H, W, 3]` RGB, 0–255: uint8 as decoded, which moves a quarter of the bytes, until an op
    computes with it; from then on float32. See `float_image`."""
    boxes: tf.Tensor
    """`[N, 4]` float32, yxyx as fractions of the image."""
    classes: tf.Tensor
    """`[N]` int32, 0-based."""
    weights: tf.Tensor
    """`[N]` float32."""
    columns: Mapping[str, tf.Tensor] = {}
    """What else is read, by name, see `data.columns`: rows of objects or of the image."""


def float_image(example: Example) -> tf.Tensor:
    """The image `[H, W, 3]` as float32, 0–255."""
    return tf.cast(example.image, tf.float32)


def uniform(seed: tf.Tensor, low: Any = 0.0, high: Any = 1.0) -> tf.Tensor:
    """A random number in [low, high); an integer if the limits are integer tensors."""
    dtype = low.dtype if tf.is_tensor(low) else tf.float32
    return tf.random.stateless_uniform([], seed, low, high, dtype)


def select(example: Example, keep: tf.Tensor) -> Example:
    """`example` with only the boxes where `keep [N]` is True; what belongs to the image stays."""
    return example._replace(
        boxes=tf.boolean_mask(example.boxes, keep),
        classes=tf.boolean_mask(example.classes, keep),
        weights=tf.boolean_mask(example.weights, keep),
        columns={
            name: tf.boolean_mask(rows, keep) if columns[name].of_objects else rows
            for name, rows in example.columns.items()
        },
    )


def moved(
    example: Example,
    image: tf.Tensor,
    boxes: Move,
    masks: Move,
) -> Example:
    """`example` with another `image` and what moves with its pixels.

    Args:
        boxes: changes boxes `[N, 4]`, and columns that move like them.
        masks: changes `[N, H, W]`, where there are masks.
    """
    return example._replace(
        image=image,
        boxes=boxes(example.boxes),
        columns={
            name: moved_rows(columns[name], rows, boxes, masks)
            for name, rows in example.columns.items()
        },
    )


def scaled_masks(masks: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """`masks [N, H, W]` at another size `[2]`; each pixel takes the value of the nearest."""
    nearest = tf.image.ResizeMethod.NEAREST_NEIGHBOR
    return as_channels(masks, lambda image: tf.image.resize(image, size, nearest))


def in_window(boxes: tf.Tensor, window: tf.Tensor) -> tf.Tensor:
    """`boxes [N, 4]` as fractions of `window [4]`, both yxyx fractions of the image."""
    origin = tf.concat([window[:2], window[:2]], 0)
    size = tf.concat([window[2:] - window[:2]] * 2, 0)
    return (boxes - origin) / size


def clipped(example: Example) -> Example:
    """`example` with boxes clipped to the image; those without area are dropped.

    Boxes of the image, such as proposals, are clipped, too; those without area are dropped when
    the batch is made.
    """
    boxes = tf.clip_by_value(example.boxes, 0.0, 1.0)
    keep = tf.logical_and(boxes[:, 2] > boxes[:, 0], boxes[:, 3] > boxes[:, 1])
    seen = {
        name: tf.clip_by_value(rows, 0.0, 1.0) if columns[name].moves == "boxes" else rows
        for name, rows in example.columns.items()
    }
    return select(example._replace(boxes=boxes, columns=seen), keep)
