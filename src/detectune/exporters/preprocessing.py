"""What an export does with its inputs before the network sees them."""

from __future__ import annotations

import tensorflow as tf

from detectune.data.resizers import Resizer


def resized(resizer: Resizer, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Images `[B, h, w, 3]` float32, resized and padded, and sizes `[B, 2]` int32 of the pictures.

    Args:
        resizer: one with a fixed output size.
        images: `[B, H, W, 3]` uint8, RGB.
    """
    specs = (tf.TensorSpec([*resizer.output_size, 3]), tf.TensorSpec([2], tf.int32))
    return tf.map_fn(resizer, images, fn_output_signature=specs)


def given_boxes(proposals: tf.Tensor, count: int, sizes: tf.Tensor) -> tf.Tensor:
    """`[B, count, 4]` float32, pixels of the network's input: the first of `proposals`.

    Args:
        proposals: `[B, P, 4]` float32, yxyx as fractions of the picture.
        count: what the detector looks at; too few are filled up with boxes without area.
        sizes: `[B, 2]`, of the pictures inside the input.
    """
    first = tf.clip_by_value(proposals[:, :count], 0.0, 1.0)
    padded = tf.pad(first, [[0, 0], [0, count - tf.shape(first)[1]], [0, 0]])
    sides = tf.cast(tf.tile(sizes, [1, 2]), tf.float32)[:, None, :]
    return tf.ensure_shape(padded, [None, count, 4]) * sides
