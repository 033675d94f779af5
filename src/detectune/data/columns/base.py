"""What a column of annotation is: how it is read, moves with the pixels, and is padded.

    Record ─► read ─► moved and selected by augmentations ─► in pixels of the input ─► padded

A column is filed under its name, which is what `Needs` and `GroundTruth.columns` call it. A new one
is a file here, the readers that know it, and the detector that wants it. Nothing here needs
TensorFlow, so that data are checked before it is loaded; `data/column_tensors.py` moves the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from detectune.config.needs import Needs
from detectune.data.sources.base import Source
from detectune.data.sources.record import Record
from detectune.errors import DataError, three_part
from detectune.registry import Registry
from detectune.wording import first_names

columns: Registry[Column] = Registry("column of annotation", "detectune.data.columns")


@dataclass(frozen=True)
class Column:
    """One kind of annotation.

    Args:
        dtype: of its values.
        shape: of one row: None where it varies, `(None, None)` for a mask; "size" for the size that
            is needed, `("size", 2)` for points.
        read: record and the size that is needed → rows; `stored(name)` for those that a reader
            left in `Record.columns`.
        moves: with the pixels as "boxes" `[N, 4]` yxyx, as "points" `[N, K, 2]` yx, both as
            fractions of the image, or as "pixels" `[N, H, W]`; "no" for what does not move.
        of_objects: whether there is a row for each box, selected and padded with them. Otherwise
            rows belong to the image, and are padded to the size that is needed.
        check: refuses a source that lacks the column, with all places, before long work. Without
            it every annotation is read, and the first error is raised.
    """

    dtype: np.dtype | type
    shape: tuple[int | Literal["size"] | None, ...]
    read: Callable[[Record, int], np.ndarray]
    moves: Literal["boxes", "points", "pixels", "no"] = "no"
    of_objects: bool = True
    check: Callable[[Source], None] | None = None

    def row_shape(self, size: int) -> tuple[int | None, ...]:
        """Of one row where so many are needed; None where it varies."""
        return tuple(size if side == "size" else side for side in self.shape)


def stored(name: str) -> Callable[[Record, int], np.ndarray]:
    """How to read the column that readers leave in `Record.columns` under `name`."""

    def read(record: Record, size: int) -> np.ndarray:
        del size
        if name not in record.columns:
            raise lacking(name, record.file_name, [record.file_name])
        return record.columns[name]

    return read


def lacking(name: str, place: str, files: list[str]) -> DataError:
    """The error that lists the images without the column `name`."""
    count = "1 image has" if len(files) == 1 else f"{len(files)} images have"
    return DataError(
        three_part(
            f"{place}: {count} no {name}: {first_names(files, 5)}.",
            f"The detector reads {name} with every image.",
            f"Add {name} to the annotations, or choose a detector that does without.",
        )
    )


def check_columns(source: Source, needs: Needs) -> None:
    """Refuse a source that lacks something of `needs`, before long work.

    Raises:
        DataError: images or objects lack a column, or it cannot be used; they are listed.
    """
    for name, size in needs.columns.items():
        column = columns[name]
        if column.check is not None:
            column.check(source)
        else:
            for index in range(len(source)):
                read_rows(name, source.annotation(index), size)


def read_rows(name: str, record: Record, size: int) -> np.ndarray:
    """The rows of the column `name`, `[N, …]`, each of the shape that the column says.

    Raises:
        DataError: they are missing, or of another shape.
    """
    column = columns[name]
    rows, shape = column.read(record, size), column.row_shape(size)
    if not _fits(rows, shape) and not len(rows):
        # Without an object nobody knows how many points it would have.
        rows = np.zeros((0, *(side or 0 for side in shape)))
    if not _fits(rows, shape):
        raise DataError(
            three_part(
                f"{record.file_name}: {name} of an object has the shape {rows.shape[1:]}.",
                f"The detector reads rows of the shape {shape}.",
                "Correct the annotations, or the size in the block of the model.",
            )
        )
    return rows.astype(column.dtype, copy=False)


def _fits(rows: np.ndarray, shape: tuple[int | None, ...]) -> bool:
    """Whether every row of `rows` has this `shape`."""
    there = rows.shape[1:]
    return len(there) == len(shape) and all(
        side in (None, found) for side, found in zip(shape, there, strict=True)
    )


def named_columns(needs: Mapping[str, int]) -> dict[str, Column]:
    """Name → column of what is needed.

    Raises:
        ConfigError: there is no such column.
    """
    return {name: columns[name] for name in needs}
