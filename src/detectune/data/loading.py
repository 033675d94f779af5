"""An index → the decoded image and what is annotated in it, as tensors.

Reading, looking through and decoding happen in Python functions that release its lock while the
C++ decoders work. Images that cannot be read are left out, see `data/readable.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from detectune.data.augment.example import Example, scaled_masks
from detectune.data.columns.base import Column, named_columns, read_rows
from detectune.data.image_files import apply_orientation, rotation_to_apply
from detectune.data.readable import ReadableImages
from detectune.data.sources.record import Record

_TYPES = (tf.uint8, tf.float32, tf.int32, tf.float32)


class Loaded(NamedTuple):
    """An image, if it could be read."""

    there: tf.Tensor
    """bool; where it is False, `example` is a single pixel without annotations."""
    example: Example


def one_loader(images: ReadableImages, wanted: Mapping[str, int]) -> Callable[[tf.Tensor], Loaded]:
    """index → that image.

    Args:
        wanted: the columns that are read beside boxes, with their sizes.
    """

    types = [tf.bool, *_TYPES, *_column_types(wanted)]

    def read(index: np.int64) -> tuple:
        found = images.read(int(index), lambda record, pixels: _arrays(record, pixels, wanted))
        return (False, *_nothing(wanted)) if found is None else (True, *found)

    def load(index: tf.Tensor) -> Loaded:
        there, *arrays = tf.numpy_function(read, [index], types)
        return Loaded(tf.ensure_shape(there, []), _example(arrays, wanted))

    return load


def first_loader(
    images: ReadableImages,
    wanted: Mapping[str, int],
    candidates: Callable[[int], Iterable[int]],
) -> Callable[[tf.Tensor], Example]:
    """position → the first image of its candidates that can be read.

    Args:
        candidates: position → indices, without end.
    """

    def read(position: np.int64) -> tuple:
        for index in candidates(int(position)):
            found = images.read(index, lambda record, pixels: _arrays(record, pixels, wanted))
            if found is not None:
                return found
        raise AssertionError("candidates came to an end")

    def load(position: tf.Tensor) -> Example:
        arrays = tf.numpy_function(read, [position], [*_TYPES, *_column_types(wanted)])
        return _example(arrays, wanted)

    return load


def _arrays(record: Record, pixels: np.ndarray, wanted: Mapping[str, int]) -> tuple:
    first_id = 1  # label-map ids start at 1, classes inside the program at 0
    # Crowds and groups are no single object: they count neither for nor against.
    weights = np.where(record.is_crowd | record.group_of, 0, record.weights)
    turned = rotation_to_apply(record.image, record.height, record.width)
    return (
        pixels if turned == 1 else apply_orientation(pixels, turned),
        record.boxes.astype(np.float32),
        (record.class_ids - first_id).astype(np.int32),
        weights.astype(np.float32),
        *(read_rows(name, record, size) for name, size in wanted.items()),
    )


def _nothing(wanted: Mapping[str, int]) -> tuple:
    columns = named_columns(wanted)
    return (
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((0, 4), np.float32),
        np.zeros(0, np.int32),
        np.zeros(0, np.float32),
        *(
            np.zeros((0, *(side or 0 for side in columns[name].row_shape(size))), column.dtype)
            for (name, size), column in zip(wanted.items(), columns.values(), strict=True)
        ),
    )


def _column_types(wanted: Mapping[str, int]) -> list[tf.DType]:
    return [tf.as_dtype(column.dtype) for column in named_columns(wanted).values()]


def _example(arrays: Iterable[tf.Tensor], wanted: Mapping[str, int]) -> Example:
    """The tensors of `_arrays`, whose shapes TensorFlow does not know."""
    image, boxes, classes, weights, *rows = arrays
    image = tf.ensure_shape(image, [None, None, 3])
    boxes = tf.ensure_shape(boxes, [None, 4])
    classes, weights = tf.ensure_shape(classes, [None]), tf.ensure_shape(weights, [None])
    columns = {
        name: _fitting(column, one, wanted[name], tf.shape(image)[:2])
        for (name, column), one in zip(named_columns(wanted).items(), rows, strict=True)
    }
    return Example(image, boxes, classes, weights, columns)


def _fitting(column: Column, rows: tf.Tensor, count: int, size: tf.Tensor) -> tf.Tensor:
    """`rows`; masks as large as the image, for the annotation may be of another size.

    Args:
        count: the size of the column that is needed.
        size: `[2]`, height and width of the image.
    """
    rows = tf.ensure_shape(rows, [None, *column.row_shape(count)])
    if column.moves != "pixels":
        return rows
    fits = tf.reduce_all(tf.equal(tf.shape(rows)[1:], size))
    return tf.cond(fits, lambda: rows, lambda: scaled_masks(rows, size))
