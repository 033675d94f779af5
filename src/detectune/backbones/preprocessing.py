"""How images 0–255 are normalized before a network of `keras.applications` sees them.

Each of the three ways is what `preprocess_input` of the network's module does; the colour is the
one that becomes 0, which images are padded with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from keras import ops

from detectune.backbones.mobilenet_v2 import PAD_VALUE, normalize
from detectune.structures import Array

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
"""Of red, green and blue, from 0 to 1."""
_IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
_CAFFE_MEAN = (103.939, 116.779, 123.68)
"""Of blue, green and red, from 0 to 255."""


class Preprocessing(NamedTuple):
    """A way to normalize images."""

    normalize: Callable[[Array], Array]
    """Images `[B, H, W, 3]` float32, 0–255, RGB → what the network sees."""
    pad_value: tuple[float, float, float]
    """The colour, RGB, 0–255, that becomes 0."""


def as_they_are(images: Array) -> Array:
    """Images as they come: the network normalizes them itself, or sees 0–255."""
    return images


def _torch(images: Array) -> Array:
    mean = ops.convert_to_tensor(_IMAGENET_MEAN, dtype=images.dtype)
    deviation = ops.convert_to_tensor(_IMAGENET_DEVIATION, dtype=images.dtype)
    return (images / 255.0 - mean) / deviation


def _caffe(images: Array) -> Array:
    return ops.flip(images, axis=-1) - ops.convert_to_tensor(_CAFFE_MEAN, dtype=images.dtype)


IMAGENET_COLOUR = (255 * _IMAGENET_MEAN[0], 255 * _IMAGENET_MEAN[1], 255 * _IMAGENET_MEAN[2])

NONE = Preprocessing(as_they_are, (0.0, 0.0, 0.0))
TF = Preprocessing(normalize, PAD_VALUE)
TORCH = Preprocessing(_torch, IMAGENET_COLOUR)
CAFFE = Preprocessing(_caffe, (_CAFFE_MEAN[2], _CAFFE_MEAN[1], _CAFFE_MEAN[0]))


def inside(pad_value: tuple[float, float, float]) -> Preprocessing:
    """That of a network whose first layers normalize, and turn `pad_value` into 0."""
    return Preprocessing(as_they_are, pad_value)
