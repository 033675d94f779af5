"""What augmentations change, and the registry they are filed in.

An op is a function `(example, seed, config) -> example`, registered under its field name in
preprocessor.proto. `seed [2]` is its only source of randomness, so an op gives the same result
for the same sample of the same training step, whatever runs in parallel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from detectune.data.resizers import as_channels
from detectune.registry import Registry

augmentations: Registry = Registry("data augmentation", "detectune.data.augment")

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
    masks: tf.Tensor | None = None
    """`[N, H, W]` uint8, 1 where the object is; None where masks are not read."""
    proposals: tf.Tensor | None = None
    """`[P, 4]` float32, yxyx as fractions of the image; None where none are read."""


def float_image(example: Example) -> tf.Tensor:
    """The image `[H, W, 3]` as float32, 0–255."""
    return tf.cast(example.image, tf.float32)


def uniform(seed: tf.Tensor, low: Any = 0.0, high: Any = 1.0) -> tf.Tensor:
    """A random number in [low, high); an integer if the limits are integer tensors."""
    dtype = low.dtype if tf.is_tensor(low) else tf.float32
    return tf.random.stateless_uniform([], seed, low, high, dtype)


def select(example: Example, keep: tf.Tensor) -> Example:
    """`example` with only the boxes where `keep [N]` is True; proposals stay."""
    return example._replace(
        boxes=tf.boolean_mask(example.boxes, keep),
        classes=tf.boolean_mask(example.classes, keep),
        weights=tf.boolean_mask(example.weights, keep),
        masks=None if example.masks is None else tf.boolean_mask(example.masks, keep),
    )


def moved(
    example: Example,
    image: tf.Tensor,
    boxes: Callable[[tf.Tensor], tf.Tensor],
    masks: Callable[[tf.Tensor], tf.Tensor],
) -> Example:
    """`example` with another `image` and what moves with its pixels.

    Args:
        boxes: changes boxes, and proposals like them; `[N, 4]`.
        masks: changes `[N, H, W]`, where there are masks.
    """
    found = example.masks
    return example._replace(
        image=image,
        boxes=boxes(example.boxes),
        masks=None if found is None else tf.ensure_shape(masks(found), [None, None, None]),
        proposals=None if example.proposals is None else boxes(example.proposals),
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

    Proposals are clipped, too; those without area are dropped when the batch is made.
    """
    boxes = tf.clip_by_value(example.boxes, 0.0, 1.0)
    keep = tf.logical_and(boxes[:, 2] > boxes[:, 0], boxes[:, 3] > boxes[:, 1])
    proposals = example.proposals
    if proposals is not None:
        proposals = tf.clip_by_value(proposals, 0.0, 1.0)
    return select(example._replace(boxes=boxes, proposals=proposals), keep)
