"""Encoded bytes → pixels, in C++."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
import tensorflow as tf

from detectune.data.image_files import apply_orientation, decodable, decode_problem, read_facts
from detectune.errors import DataError, three_part
from detectune.wording import one_line


def decode(data: tf.Tensor | bytes) -> tf.Tensor:
    """`[H, W, 3]` uint8, RGB; grey, palette, alpha, CMYK and 16-bit images become 8-bit RGB.

    Pixels stand as they are stored, see `image_files.rotation_to_apply`. Of an animation it is the
    first frame.
    """
    return tf.io.decode_image(data, channels=3, dtype=tf.uint8, expand_animations=False)


def decoded(data: bytes) -> np.ndarray:
    """`[H, W, 3]` uint8, RGB, as stored, of the encoded image `data`.

    Raises:
        ValueError: it is no image, or not whole to its last pixel: what is wrong with it.
    """
    problem = decode_problem(data)
    if problem:
        raise ValueError(problem)
    return pixels_of(data)


def pixels_of(data: bytes) -> np.ndarray:
    """`[H, W, 3]` uint8, RGB, as stored, of an image that is known to be whole.

    Raises:
        ValueError: it cannot be decoded.
    """
    try:
        return np.asarray(decode(decodable(data)))
    except tf.errors.OpError as error:
        # TensorFlow begins with the name of an op, and ends with another.
        raise ValueError(str(error.message).split(" [Op:")[0].split("} ")[-1]) from error


def read_image(path: str | os.PathLike[str]) -> np.ndarray:
    """The image file at `path`, upright: `[H, W, 3]` uint8, RGB.

    Raises:
        DataError: the file is missing, too large, or no whole image.
    """
    data = _content(Path(path))
    try:
        # The header first: it tells how much memory the pixels will take.
        orientation = read_facts(data).orientation
        pixels = decoded(data)
    except ValueError as error:
        raise _no_image(path, str(error)) from error
    return apply_orientation(pixels, orientation)


def _content(path: Path) -> bytes:
    """The bytes of the file at `path`. A pipe is not waited for."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            return path.read_bytes()
    except OSError as error:
        raise _not_read(path, error.strerror or str(error)) from error
    except ValueError as error:  # a NUL in the path
        raise _not_read(path, str(error)) from error
    raise _not_read(
        path, "it is a folder" if stat.S_ISDIR(mode) else "it is a pipe or a device, no file"
    )


def _not_read(path: Path, reason: str) -> DataError:
    return DataError(
        three_part(
            f"{one_line(path)}: the image cannot be read: {reason}.",
            "An image is a file that you may read.",
            "Check the path.",
        )
    )


def _no_image(path: str | os.PathLike[str], reason: str) -> DataError:
    return DataError(
        three_part(
            f"{one_line(os.fspath(path))}: this is no whole image: {one_line(reason)}",
            "Images are JPEG, PNG, GIF, BMP, WebP or TIFF files.",
            "Replace the file; `detectune data inspect SOURCE` looks at all of a data set.",
        )
    )
