"""Encoded bytes → pixels, in C++."""

from __future__ import annotations

import tensorflow as tf


def decode(data: tf.Tensor | bytes) -> tf.Tensor:
    """`[H, W, 3]` uint8, RGB; grey, palette, alpha, CMYK and 16-bit images become 8-bit RGB.

    Pixels stand as they are stored, see `image_files.rotation_to_apply`. Of an animation it is the
    first frame.
    """
    return tf.io.decode_image(data, channels=3, dtype=tf.uint8, expand_animations=False)
