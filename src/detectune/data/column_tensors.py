"""Rows of a column of annotation as tensors: moved by augmentations, scaled, padded."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from detectune.data.columns.base import Column
from detectune.data.resizers import Resizer

Move = Callable[[tf.Tensor], tf.Tensor]


def moved(column: Column, rows: tf.Tensor, boxes: Move, pixels: Move) -> tf.Tensor:
    """`rows` after an augmentation.

    Args:
        boxes: what it does to boxes `[N, 4]`.
        pixels: what it does to masks `[N, H, W]`.
    """
    if column.moves == "boxes":
        return boxes(rows)
    if column.moves == "points":
        # A point is a box without area.
        corners = tf.reshape(tf.concat([rows, rows], axis=-1), [-1, 4])
        return tf.ensure_shape(tf.reshape(boxes(corners)[:, :2], tf.shape(rows)), rows.shape)
    if column.moves == "pixels":
        return tf.ensure_shape(pixels(rows), [None, None, None])
    return rows


def in_input(column: Column, rows: tf.Tensor, size: tf.Tensor, resizer: Resizer) -> tf.Tensor:
    """`rows` in pixels of the model's input.

    Args:
        size: `[2]`, height and width of the picture inside it.
    """
    if column.moves == "pixels":
        return resizer.masks(rows)
    sides = tf.cast(size, tf.float32)
    if column.moves == "points":
        return rows * sides
    return rows * tf.tile(sides, [2]) if column.moves == "boxes" else rows


def padded(column: Column, rows: tf.Tensor, count: int) -> tf.Tensor:
    """`rows`, and zeros up to `count` of them."""
    after = [[0, count - tf.shape(rows)[0]], *([[0, 0]] * len(column.shape))]
    filled = tf.pad(rows, after)
    return tf.ensure_shape(filled, [count, *filled.shape[1:]])
