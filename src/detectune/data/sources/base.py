"""What every data source gives: random access to records, each an encoded image and its boxes.

    files on disk ─► Source.unrepaired(i) ─► repair ─► Source[i]: Record

`unrepaired` is what the annotation says, for `data inspect`; `Source[i]` is what training and
evaluation see: boxes clipped to the image, boxes without area left out.
"""

from __future__ import annotations

import abc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, Required, TypedDict, Unpack

import numpy as np

from detectune.config.label_map import LabelMap
from detectune.data.defects import UNUSED, Defect
from detectune.data.masks import Mask, mask_problem
from detectune.data.sources.coordinates import Coordinates
from detectune.data.sources.surveying import Glance, Survey, Surveyor
from detectune.errors import DataError, did_you_mean, three_part
from detectune.wording import plural


class Record(NamedTuple):
    """One image as it is stored, and what is annotated in it."""

    image: bytes
    """The encoded file: JPEG, PNG, …; empty where only the annotation was asked for."""
    file_name: str
    source_id: str
    height: int
    """Pixels, as the annotation says; 0 where it says nothing."""
    width: int
    boxes: np.ndarray
    """`[N, 4]` float32, yxyx as fractions of the image."""
    class_ids: np.ndarray
    """`[N]` int32, ids of the label map, from 1."""
    difficult: np.ndarray
    """`[N]` bool."""
    is_crowd: np.ndarray
    """`[N]` bool."""
    group_of: np.ndarray
    """`[N]` bool."""
    weights: np.ndarray
    """`[N]` float32, 1 where the annotation says nothing."""
    areas: np.ndarray | None
    """`[N]` float32 in pixels of the stored image, or None."""
    masks: tuple[Mask | None, ...] | None = None
    """One per box, in pixels of `height` and `width`; None where there is none, or none is read."""
    proposals: np.ndarray | None = None
    """`[P, 4]` float32, yxyx as fractions of the image, best first; None where none are known."""
    proposal_scores: np.ndarray | None = None
    """`[P]` float32, or None where nobody said."""
    columns: Mapping[str, np.ndarray] = {}
    """What else is annotated, by name, see `data.columns`; `[N, …]`, a row for each box."""


_PER_BOX = ("boxes", "class_ids", "difficult", "is_crowd", "group_of", "weights")


class RecordLists(TypedDict, total=False):
    """An image and what is annotated in it, as files have it; most of it may be missing.

    Of flags, weights and areas there is one for each box, or else the default for every box.
    """

    file_name: Required[str]
    boxes: Required[Sequence[Any] | np.ndarray]
    class_ids: Required[Sequence[Any] | np.ndarray]
    image: bytes
    source_id: str
    height: int
    width: int
    difficult: Sequence[Any] | np.ndarray
    is_crowd: Sequence[Any] | np.ndarray
    group_of: Sequence[Any] | np.ndarray
    weights: Sequence[Any] | np.ndarray
    areas: Sequence[Any] | np.ndarray | None
    masks: Sequence[Mask | None]
    proposals: np.ndarray | None
    proposal_scores: np.ndarray | None
    columns: Mapping[str, np.ndarray] | None


def make_record(**lists: Unpack[RecordLists]) -> Record:
    """A `Record` of `lists`, each in the type and shape that records have."""
    count = len(lists["class_ids"])
    masks, proposals = lists.get("masks", ()), lists.get("proposals")
    weights, areas = lists.get("weights", ()), lists.get("areas")
    return Record(
        image=lists.get("image", b""),
        file_name=lists["file_name"],
        source_id=lists.get("source_id") or lists["file_name"],
        height=int(lists.get("height", 0)),
        width=int(lists.get("width", 0)),
        boxes=_float32(lists["boxes"]).reshape(-1, 4),
        class_ids=np.asarray(lists["class_ids"], np.int32),
        difficult=_flags(lists.get("difficult", ()), count),
        is_crowd=_flags(lists.get("is_crowd", ()), count),
        group_of=_flags(lists.get("group_of", ()), count),
        weights=_float32(weights) if len(weights) == count else np.ones(count, np.float32),
        areas=None if areas is None or len(areas) != count else _float32(areas),
        masks=tuple(masks) if any(masks) else None,
        proposals=None if proposals is None else np.asarray(proposals, np.float32).reshape(-1, 4),
        proposal_scores=lists.get("proposal_scores"),
        columns=lists.get("columns") or {},
    )


def _float32(values: Sequence[Any] | np.ndarray) -> np.ndarray:
    """`values` as float32; what is too large for it is infinite, and reported as such."""
    with np.errstate(over="ignore"):
        return np.asarray(values, np.float64).astype(np.float32)


def _flags(values: Sequence[Any] | np.ndarray, count: int) -> np.ndarray:
    return np.asarray(values, bool) if len(values) == count else np.zeros(count, bool)


def select_boxes(record: Record, keep: np.ndarray) -> Record:
    """`record` with only the boxes where `keep [N]` is True."""
    changed = {name: getattr(record, name)[keep] for name in _PER_BOX}
    areas = None if record.areas is None else record.areas[keep]
    masks = record.masks
    if masks is not None:
        masks = tuple(mask for mask, kept in zip(masks, keep, strict=True) if kept)
    columns = {name: rows[keep] for name, rows in record.columns.items()}
    return record._replace(**changed, areas=areas, masks=masks, columns=columns)


def mask_problems(record: Record) -> list[str]:
    """What is seen to be wrong with the masks of `record` without decoding them; each object's."""
    masks = record.masks or (None,) * len(record.class_ids)
    found = (mask_problem(mask, record.height, record.width) for mask in masks)
    return [f"object {number}: {text}" for number, text in enumerate(found, 1) if text]


def repair(record: Record) -> Record:
    """`record` with boxes clipped to the image; boxes without area, with NaN or infinite corners
    are left out, and an area that is none is that of its box.

    Parity: the original clips nothing and stops above 1.1 (box_list_ops.py); we clip and
    `data inspect` reports it. NaN boxes are dropped by both (inputs.py).
    """
    record = _with_areas(record)
    boxes = np.clip(record.boxes, 0.0, 1.0)
    keep = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])  # False for NaN, too
    keep &= np.isfinite(record.boxes).all(axis=1)
    if keep.all() and np.array_equal(boxes, record.boxes):
        return record
    return select_boxes(record._replace(boxes=boxes), keep)


def _with_areas(record: Record) -> Record:
    """`record` with the area of the box where an area is NaN, infinite or negative."""
    if record.areas is None:
        return record
    wrong = ~(np.isfinite(record.areas) & (record.areas >= 0))
    if not wrong.any():
        return record
    y0, x0, y1, x1 = record.boxes.T
    with np.errstate(invalid="ignore", over="ignore"):  # of boxes that are left out
        own = (y1 - y0) * record.height * (x1 - x0) * record.width
    return record._replace(areas=np.where(wrong, own, record.areas).astype(np.float32))


class Source(abc.ABC):
    """A data set with random access; what every format gives."""

    coordinates = Coordinates()
    """How the files of the format write boxes."""
    repeats: str = ""
    """Of a part of a data set that is another part, too, by its description: which, a clause."""

    def __init__(self, name: str, label_map: LabelMap) -> None:
        self.name, self.label_map = name, label_map

    @abc.abstractmethod
    def __len__(self) -> int:
        """How many images there are."""

    @abc.abstractmethod
    def annotation(self, index: int) -> Record:
        """What is annotated in image `index`, not repaired, with an empty `image`.

        Raises:
            AnnotationError: something in it cannot be used.
        """

    @abc.abstractmethod
    def image_bytes(self, index: int) -> bytes:
        """The encoded image `index`.

        Raises:
            DataError: the file cannot be read.
        """

    def unrepaired(self, index: int) -> Record:
        """Image `index` and its annotation exactly as it stands in the files."""
        return self.annotation(index)._replace(image=self.image_bytes(index))

    def __getitem__(self, index: int) -> Record:
        return repair(self.unrepaired(index))

    def __iter__(self) -> Iterator[Record]:
        return (self[index] for index in range(len(self)))

    def glance(self, index: int) -> Glance:
        """The annotation of image `index`, and enough of its file to see that it is whole.

        Cheaper than `unrepaired` where an image is a file of its own.
        """
        record = self.unrepaired(index)
        return Glance(record._replace(image=b""), len(record.image), record.image, record.image)

    @property
    def defects(self) -> Sequence[Defect]:
        """What was found wrong while opening: files that cannot be read or belong to no record,
        doubts about which image is meant, what is not read."""
        return ()

    @cached_property
    def survey(self) -> Survey:
        """What one quick pass over all annotations and the headers of all images finds."""
        surveyor = Surveyor(self.coordinates, self.defects)
        for index in range(len(self)):
            with surveyor.errors_kept(index):
                glance = self.glance(index)
                surveyor.add(index, glance, repair(glance.record))
                if surveyor.is_doubtful:  # its header may be long, or much may follow its end
                    surveyor.look_again(self.image_bytes(index))
        return surveyor.result()

    @cached_property
    def mask_problems(self) -> tuple[tuple[str, str], ...]:
        """(file name, object and reason) of the objects whose mask cannot be used, not decoded."""
        records = (repair(self.annotation(index)) for index in range(len(self)))
        return tuple(
            (record.file_name, text) for record in records for text in mask_problems(record)
        )

    def describe(self) -> str:
        """One line for people: where the data come from and how many images and classes."""
        classes = plural(len(self.label_map.items), "class")
        return f"{self.name}: {plural(len(self), 'image')}, {classes}"


class Subset(Source):
    """Some images of another source, in a given order."""

    def __init__(self, source: Source, indices: Iterable[int], name: str = "") -> None:
        super().__init__(name or source.name, source.label_map)
        self.coordinates, self.repeats = source.coordinates, source.repeats
        self.source, self.indices = source, tuple(int(i) for i in indices)

    def __len__(self) -> int:
        return len(self.indices)

    def annotation(self, index: int) -> Record:
        return self.source.annotation(self.indices[index])

    def image_bytes(self, index: int) -> bytes:
        return self.source.image_bytes(self.indices[index])

    def unrepaired(self, index: int) -> Record:
        return self.source.unrepaired(self.indices[index])

    def glance(self, index: int) -> Glance:
        return self.source.glance(self.indices[index])

    @property
    def defects(self) -> Sequence[Defect]:
        return [defect for defect in self.source.defects if defect.kind != UNUSED]


def label_map_of(names: Iterable[str]) -> LabelMap:
    """Ids 1, 2, … in the order of `names`; an empty map for data without a single object."""
    listed = list(names)
    return LabelMap.from_names(listed) if listed else LabelMap(())


class ClassIds:
    """Class name → id of the label map, or a `DataError` that names the file and the class."""

    def __init__(self, label_map: LabelMap) -> None:
        # Parity: the original looks a text up among names and among display names
        # (data_decoders/tf_example_decoder.py); names win where both know it.
        self._ids = {item.display_name: item.id for item in label_map.items if item.display_name}
        self._ids |= {item.name: item.id for item in label_map.items if item.name}

    def __contains__(self, name: str) -> bool:
        return name in self._ids

    def __call__(self, name: str, place: str) -> int:
        if name in self._ids:
            return self._ids[name]
        known = ", ".join(list(self._ids)[:12]) + (", …" if len(self._ids) > 12 else "")
        raise DataError(
            three_part(
                f'{place}: class "{name}" is not in the label map.',
                f"Known classes: {known or 'none'}. {did_you_mean(name, self._ids)}".rstrip(),
                "Add it to the label map or correct the file.",
            )
        )


def class_names(label_map: LabelMap) -> dict[int, str]:
    """Id → the name people read: the display name where there is one."""
    return {item.id: item.label for item in label_map.items}
