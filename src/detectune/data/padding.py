"""One input size for all images of a training, where the resizer leaves their sizes different.

`keep_aspect_ratio_resizer` without padding, which most configs for TensorFlow 1 have, gives every
image a size of its own. Compiled code wants one: the smallest that holds them all. The picture
stands at its top left, and `GroundTruth.sizes` says how large it is. Evaluation and prediction
look at every image in its own size, as the original does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import tensorflow as tf

from detectune.config import schema
from detectune.config.descriptors import set_choices
from detectune.data.resizers import Resizer
from detectune.data.sources.base import Source
from detectune.errors import ConfigError, three_part

# What names of augmentations say that change the shape of an image.
_RESHAPING = ("crop", "pad", "rotation", "scale", "square", "resize")


def padded_to_one_size(
    resizer: Resizer, source: Source, augmentations: Iterable[schema.PreprocessingStep] = ()
) -> Resizer:
    """`resizer`, padding every image of `source` to one size.

    Raises:
        ConfigError: no size holds all images, whatever the augmentations make of them.
    """
    if None not in resizer.output_size:
        return resizer
    sizes = {(record.height, record.width) for record in map(source.annotation, range(len(source)))}
    if any(map(_reshapes, augmentations)) or any(min(size) < 1 for size in sizes):
        frame = _largest(resizer)
    else:
        resized = [[int(side) for side in resizer.new_size(*size)] for size in sizes]
        frame = tuple(int(side) for side in np.max(resized, axis=0))
    multiple = resizer.pad_multiple
    height, width = (-(-side // multiple) * multiple for side in frame)

    def new_size(rows: tf.Tensor, columns: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # An image may be larger than its annotation says.
        rows, columns = resizer.new_size(rows, columns)
        return tf.minimum(rows, height), tf.minimum(columns, width)

    return replace(resizer, new_size=new_size, padded_size=(height, width))


def padded_to_square(resizer: Resizer) -> Resizer:
    """`resizer`, padding every image to a square of its longest side, if that is known."""
    if None not in resizer.output_size or resizer.longest_side is None:
        return resizer
    return replace(resizer, padded_size=(resizer.longest_side,) * 2)


def _reshapes(step: schema.PreprocessingStep) -> bool:
    # Of an augmentation of another package nobody knows, so there has to be room.
    return any(
        field.is_extension or any(word in field.name for word in _RESHAPING)
        for field in set_choices(step)
    )


def _largest(resizer: Resizer) -> tuple[int, int]:
    if resizer.longest_side is None:
        raise ConfigError(
            three_part(
                "image_resizer: images keep sizes of their own, and augmentations change them.",
                "A training has one input size, and no size is known that holds every image.",
                "Write keep_aspect_ratio_resizer { min_dimension: 600 max_dimension: 1024 }, or "
                "another resizer with a greatest size.",
            )
        )
    return resizer.longest_side, resizer.longest_side
