"""Encoded bytes → pixels, in C++."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import tensorflow as tf

from detectune.data.image_files import apply_orientation, decodable, read_facts
from detectune.errors import DataError, three_part


def decode(data: tf.Tensor | bytes) -> tf.Tensor:
    """`[H, W, 3]` uint8, RGB; grey, palette, alpha, CMYK and 16-bit images become 8-bit RGB.

    Pixels stand as they are stored, see `image_files.rotation_to_apply`. Of an animation it is the
    first frame.
    """
    return tf.io.decode_image(data, channels=3, dtype=tf.uint8, expand_animations=False)


def read_image(path: str | os.PathLike[str]) -> np.ndarray:
    """The image file at `path`, upright: `[H, W, 3]` uint8, RGB.

    Raises:
        DataError: the file is missing, or no whole image.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise DataError(
            three_part(
                f"{path}: the image cannot be read: {error.strerror}.",
                "An image is a file that you may read.",
                "Check the path.",
            )
        ) from error
    try:
        pixels = np.asarray(decode(decodable(data)))
    except tf.errors.InvalidArgumentError as error:
        raise DataError(
            three_part(
                f"{path}: this is no whole image: {str(error.message).split(' [Op:')[0]}",
                "Images are JPEG, PNG, GIF, BMP, WebP or TIFF files.",
                "Replace the file; `detectune data inspect` says more.",
            )
        ) from error
    return apply_orientation(pixels, read_facts(data).orientation)
