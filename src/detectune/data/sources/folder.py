"""A source whose images are files of their own, with the annotations held in memory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from detectune.config.label_map import LabelMap
from detectune.data.columns.base import columns
from detectune.data.defects import AnnotationError, Defect, ImageError, Problems
from detectune.data.image_files import read_facts
from detectune.data.masks import Mask
from detectune.data.sources.base import ClassIds, Source, label_map_of
from detectune.data.sources.coordinates import Coordinates, Layout
from detectune.data.sources.record import Record, make_record, select_boxes
from detectune.data.sources.surveying import Glance
from detectune.errors import DataError, three_part
from detectune.files import open_regular

_HEAD, _TAIL = 65536, 4096


class Annotated(NamedTuple):
    """One image file and its annotation, boxes still in pixels."""

    path: Path
    place: str
    """Where the annotation stands, for messages: `cat.xml`, `labels.csv, cat.jpg`."""
    height: int
    """As annotated; 0 if the annotation does not say."""
    width: int
    names: tuple[str, ...]
    """`[N]` class names."""
    boxes: np.ndarray
    """`[N, 4]` float64 yxyx in pixels of the annotated height and width."""
    source_id: str = ""
    difficult: tuple[bool, ...] = ()
    is_crowd: tuple[bool, ...] = ()
    areas: tuple[float, ...] | None = None
    masks: tuple[Mask | None, ...] = ()
    columns: Mapping[str, np.ndarray] = {}
    """What else is annotated, see `Record.columns`; what moves as boxes or points is in pixels,
    as `boxes` are."""
    in_fractions: bool = False
    """True where `boxes`, and columns like them, are fractions of the image already (YOLO)."""
    weights: tuple[float, ...] = ()
    group_of: tuple[bool, ...] = ()
    errors: tuple[DataError, ...] = ()
    """What in the annotation could not be read; the image is refused where it is asked for."""


class FolderSource(Source):
    """Images in files; `rows` says what is annotated in each.

    Args:
        defects: what was found wrong while the annotations were read.
        layout: what the four numbers of a box are in the files.
    """

    def __init__(
        self,
        name: str,
        rows: list[Annotated],
        label_map: LabelMap | None,
        defects: Sequence[Defect] = (),
        layout: Layout = "two corners",
    ) -> None:
        # Names are sorted, so that the same classes give the same ids whatever the file order.
        names = sorted({name for row in rows for name in row.names})
        super().__init__(name, label_map or label_map_of(names))
        self._rows, self._defects = rows, list(defects)
        unit = "fractions" if rows and rows[0].in_fractions else "pixels"
        self.coordinates = Coordinates(unit, layout)
        self._class_id = ClassIds(self.label_map)
        self._sizes: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def annotation(self, index: int) -> Record:
        row = self._rows[index]
        height, width = (row.height, row.width) if row.height and row.width else self._size(index)
        known = bool(height and width)
        sides = (height, width) if known else (1, 1)
        scale = 1.0 if row.in_fractions else np.array([*sides, *sides], np.float64)
        problems = Problems()
        problems.errors += row.errors
        class_ids: list[int] = []
        for name in row.names:
            class_ids.append(0)
            with problems.kept():
                class_ids[-1] = self._class_id(name, row.place)
        # Parity: pixel coordinates are divided by the annotated size, without an offset of one,
        # as create_pascal_tf_record.py and the tutorials' generate_tfrecord.py do.
        record = make_record(
            file_name=row.path.name,
            source_id=row.source_id,
            height=height,
            width=width,
            boxes=row.boxes.reshape(-1, 4) / scale,
            class_ids=class_ids,
            difficult=row.difficult,
            is_crowd=row.is_crowd,
            group_of=row.group_of,
            weights=row.weights,
            areas=row.areas,
            masks=[mask and mask.on(height, width) for mask in row.masks],
            columns=_fractions(row, *sides),
        )
        if problems.errors:
            raise AnnotationError(problems.errors, select_boxes(record, record.class_ids > 0))
        # Without a size the image is damaged, and left out by whoever reads it.
        return record if known else select_boxes(record, np.zeros(len(class_ids), bool))

    def image_bytes(self, index: int) -> bytes:
        return _read(self._rows[index].path)

    def glance(self, index: int) -> Glance:
        path = self._rows[index].path
        try:
            with open_regular(path) as file:
                head, size = file.read(_HEAD), os.fstat(file.fileno()).st_size
                file.seek(max(size - _TAIL, 0))
                return Glance(self.annotation(index), size, head, file.read())
        except OSError as error:
            raise _unreadable(path, error) from error

    @property
    def defects(self) -> Sequence[Defect]:
        return self._defects

    def _size(self, index: int) -> tuple[int, int]:
        """Height and width from the image's own header, where the annotation is silent; 0, 0 if it
        cannot be read."""
        if index not in self._sizes:
            try:
                facts = read_facts(_read(self._rows[index].path))
            except ValueError:
                return 0, 0
            self._sizes[index] = facts.height, facts.width
        return self._sizes[index]


def _fractions(row: Annotated, height: int, width: int) -> dict[str, np.ndarray]:
    """The columns of `row`, those that move as boxes or points as fractions of the image."""
    sides = {"points": (height, width), "boxes": (height, width) * 2}
    return {
        name: values
        if row.in_fractions or name not in columns or columns[name].moves not in sides
        else np.asarray(values, np.float64) / sides[columns[name].moves]
        for name, values in row.columns.items()
    }


def _read(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            return file.read()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> ImageError:
    reason = f"the image cannot be read: {error.strerror or error}"
    message = three_part(
        f"{path}: {reason}.",
        "Every annotated image must be readable.",
        "Check the file and its permissions.",
    )
    return ImageError(message, path.name, reason)


def missing_images(name: str, missing: list[str], folders: list[Path]) -> DataError:
    """The error for a data set none of whose images are where they are looked for."""
    shown = ", ".join(missing[:3])
    looked = ", ".join(str(folder) for folder in dict.fromkeys(folders))
    return DataError(
        three_part(
            f"{name}: its image was not found ({shown})."
            if len(missing) == 1
            else f"{name}: none of its {len(missing):,} images was found (first: {shown}).",
            f"Looked in: {looked}.",
            "Put the images into one of these folders.",
        )
    )


def nothing_readable(name: str, errors: Sequence[DataError]) -> DataError:
    """The error for a data set none of whose annotations can be read."""
    shown = "\n".join(f"  {str(error).split(chr(10))[0]}" for error in errors[:5])
    return DataError(
        three_part(
            f"{name}: its annotation cannot be read:\n{shown}"
            if len(errors) == 1
            else f"{name}: none of its {len(errors):,} annotations can be read:\n{shown}",
            str(errors[0]).split("\n")[1],
            "Check that this is the right path, and that the files are whole.",
        )
    )
