"""What is known of one image: how it is stored, and what is annotated in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Required, TypedDict, Unpack

import numpy as np

from detectune.data.masks import Mask, mask_problem


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
