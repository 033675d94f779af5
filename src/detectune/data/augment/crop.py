"""Crops that must show a given part of the objects, as SSD was trained with.

Source: Liu et al. 2016, section 2.2, "Data augmentation".
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from detectune.config import schema
from detectune.data.augment.example import (
    Example,
    augmentations,
    clipped,
    in_window,
    moved,
    select,
    uniform,
)

_ATTEMPTS = 100


class Crop(NamedTuple):
    """How to choose a window and which boxes survive it."""

    min_object_covered: float | tf.Tensor
    """The window covers at least this fraction of at least one box."""
    aspect_ratios: tuple[float, float]
    """Range of width / height of the window."""
    areas: tuple[float, float]
    """Range of the window's area, as a fraction of the image."""
    overlap_thresh: float | tf.Tensor
    """A box is kept if at least this fraction of it lies in the window."""
    clip_boxes: bool
    random_coef: float | tf.Tensor
    """How often the image is kept as it is."""


# Parity: the original's defaults of ssd_random_crop (core/preprocessor.py): seven ways to crop,
# one of which is chosen for an image.
_SSD_CROPS = tuple(
    Crop(covered, (0.5, 2.0), (0.1, 1.0), covered, True, 0.15)
    for covered in (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
)


@augmentations.register("random_crop_image")
def random_crop_image(example: Example, seed: tf.Tensor, config: schema.RandomCropImage) -> Example:
    """A window that shows enough of the objects, at its own size."""
    return _maybe_cropped(example, seed, _crop_of(config))


@augmentations.register("ssd_random_crop")
def ssd_random_crop(example: Example, seed: tf.Tensor, config: schema.SSDRandomCrop) -> Example:
    """One of several `random_crop_image`s, chosen at random."""
    crops = [_crop_of(operation) for operation in config.operations] or list(_SSD_CROPS)
    seeds = tf.random.split(seed, 2)
    chosen = uniform(seeds[0], tf.constant(0), tf.constant(len(crops)))
    if len({(crop.aspect_ratios, crop.areas, crop.clip_boxes) for crop in crops}) == 1:
        return _maybe_cropped(example, seeds[1], _pick(crops, chosen))
    # Ranges are attributes of TensorFlow's op, not inputs: every crop needs an op of its own.
    branches = [lambda crop=crop: tuple(_maybe_cropped(example, seeds[1], crop)) for crop in crops]
    return Example(*tf.switch_case(chosen, branches))


def _pick(crops: list[Crop], chosen: tf.Tensor) -> Crop:
    """`crops[chosen]`, where the crops differ in their thresholds only."""
    return crops[0]._replace(
        **{
            name: tf.constant([float(getattr(crop, name)) for crop in crops])[chosen]
            for name in ("min_object_covered", "overlap_thresh", "random_coef")
        }
    )


@augmentations.register("random_crop_to_aspect_ratio")
def random_crop_to_aspect_ratio(
    example: Example, seed: tf.Tensor, config: schema.RandomCropToAspectRatio
) -> Example:
    """The largest window of width / height `aspect_ratio`, at a random place."""
    size = tf.shape(example.image)[:2]
    height, width = tf.unstack(tf.cast(size, tf.float32))
    wanted = tf.stack(
        [
            tf.minimum(height, width / config.aspect_ratio),
            tf.minimum(width, height * config.aspect_ratio),
        ]
    )
    window_size = tf.clip_by_value(tf.cast(tf.round(wanted), tf.int32), 1, size)
    seeds = tf.random.split(seed, 2)
    room = size - window_size + 1
    begin = tf.stack([uniform(seeds[i], tf.constant(0), room[i]) for i in range(2)])
    corners = tf.cast(tf.concat([begin, begin + window_size], 0), tf.float32)
    window = corners / tf.cast(tf.tile(size, [2]), tf.float32)
    return _seen_through(
        example, begin, window_size, window, config.overlap_thresh, config.clip_boxes
    )


def _crop_of(config: schema.RandomCropImage | schema.SSDRandomCropOperation) -> Crop:
    return Crop(
        config.min_object_covered,
        (config.min_aspect_ratio, config.max_aspect_ratio),
        (config.min_area, config.max_area),
        config.overlap_thresh,
        config.clip_boxes,
        config.random_coef,
    )


def _maybe_cropped(example: Example, seed: tf.Tensor, crop: Crop) -> Example:
    seeds = tf.random.split(seed, 2)
    keep = uniform(seeds[0]) < crop.random_coef
    return Example(
        *tf.cond(keep, lambda: tuple(example), lambda: tuple(_cropped(example, seeds[1], crop)))
    )


def _cropped(example: Example, seed: tf.Tensor, crop: Crop) -> Example:
    begin, size, window = tf.image.stateless_sample_distorted_bounding_box(
        tf.shape(example.image),
        tf.clip_by_value(example.boxes, 0.0, 1.0)[tf.newaxis],
        seed,
        min_object_covered=crop.min_object_covered,
        aspect_ratio_range=crop.aspect_ratios,
        area_range=crop.areas,
        max_attempts=_ATTEMPTS,  # after these the whole image is the window
        use_image_if_no_bounding_boxes=True,
    )
    return _seen_through(
        example, begin[:2], size[:2], window[0, 0], crop.overlap_thresh, crop.clip_boxes
    )


def _seen_through(
    example: Example,
    begin: tf.Tensor,
    size: tf.Tensor,
    window: tf.Tensor,
    overlap_thresh: float | tf.Tensor,
    clip_boxes: bool,
) -> Example:
    """What `window [4]` shows of `example`, with the boxes that lie enough in it.

    Args:
        begin: `[2]`, the same window in pixels, with its `size [2]`.
    """
    boxes = in_window(example.boxes, window)
    inside = _fraction_inside(boxes)
    # Parity: at a threshold of 0 a box must still touch the window, so 0 is not enough.
    keep = tf.logical_and(inside > 0.0, inside >= overlap_thresh)
    image = tf.slice(example.image, tf.pad(begin, [[0, 1]]), tf.concat([size, [3]], 0))
    seen = moved(
        select(example, keep),  # before masks are cut, so that fewer are
        tf.ensure_shape(image, [None, None, 3]),
        lambda boxes: in_window(boxes, window),
        lambda masks: masks[:, begin[0] : begin[0] + size[0], begin[1] : begin[1] + size[1]],
    )
    return clipped(seen) if clip_boxes else seen


def _fraction_inside(boxes: tf.Tensor) -> tf.Tensor:
    """`[N]`: how much of each box `[N, 4]` lies in the unit square."""
    inner = tf.clip_by_value(boxes, 0.0, 1.0)
    return tf.math.divide_no_nan(_area(inner), _area(boxes))


def _area(boxes: tf.Tensor) -> tf.Tensor:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
