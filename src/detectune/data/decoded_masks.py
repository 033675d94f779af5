"""The masks of a record as pixels or run lengths, or the error that names the object."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from detectune.data.masks import Mask, png_of, resized
from detectune.data.run_lengths import MaskError, Rle, encode_rle
from detectune.data.sources.base import Source
from detectune.data.sources.record import Record, mask_problems
from detectune.errors import DataError, three_part
from detectune.wording import first_lines, plural

_T = TypeVar("_T")


def record_pixels(record: Record) -> np.ndarray:
    """`[N, H, W]` uint8 of a record all of whose objects have masks, in the annotated size.

    Raises:
        DataError: an object has no mask, or it cannot be used.
    """
    if not len(record.class_ids):
        return np.zeros((0, record.height, record.width), np.uint8)
    return np.stack(_each(record, lambda mask: mask.pixels()))


def record_rles(record: Record, height: int, width: int) -> list[Rle]:
    """The masks of a record for an image of that size.

    Raises:
        DataError: an object has no mask, or it cannot be used.
    """

    def fitted(mask: Mask) -> Rle:
        if mask.size == (height, width):
            return mask.rle()
        return encode_rle(resized(mask.pixels(), height, width))

    return _each(record, fitted)


def png_masks(record: Record) -> list[bytes]:
    """One PNG of 0 and 1 per object, empty where the object has none.

    Raises:
        DataError: a mask cannot be decoded.
    """
    return [png or b"" for png in _known(record, lambda mask: png_of(mask.pixels()))]


def known_rles(record: Record) -> list[Rle | None]:
    """Run lengths of every object in the annotated size, None where it has no mask; [] if none has.

    Raises:
        DataError: a mask cannot be decoded.
    """
    return _known(record, lambda mask: mask.rle())


def _known(record: Record, use: Callable[[Mask], _T]) -> list[_T | None]:
    return [
        None if mask is None else _used(record, number, mask, use)
        for number, mask in enumerate(record.masks or (), 1)
    ]


def _each(record: Record, use: Callable[[Mask], _T]) -> list[_T]:
    problems = mask_problems(record)
    if problems:
        raise unusable_masks(record.file_name, [(record.file_name, text) for text in problems])
    # A missing one would have been a problem.
    masks = [mask for mask in record.masks or () if mask is not None]
    return [_used(record, number, mask, use) for number, mask in enumerate(masks, 1)]


def _used(record: Record, number: int, mask: Mask, use: Callable[[Mask], _T]) -> _T:
    try:
        return use(mask)
    except MaskError as error:
        problem = (record.file_name, f"object {number}: {error}")
        raise unusable_masks(record.file_name, [problem]) from error


def check_masks(source: Source) -> None:
    """Refuse a source some of whose objects have no mask, or a wrong one, before long work.

    Raises:
        DataError: they are listed.
    """
    if source.mask_problems:
        raise unusable_masks(source.name, list(source.mask_problems))


def has_masks(source: Source) -> bool:
    """Whether any object of `source` has a mask."""
    return any(source.annotation(index).masks for index in range(len(source)))


def unusable_masks(place: str, problems: list[tuple[str, str]]) -> DataError:
    """The error that lists objects without a mask that can be used."""
    shown = first_lines([f"{name}: {text}" for name, text in problems], 10)
    return DataError(
        three_part(
            f"{place}: the masks of {plural(len(problems), 'object')} cannot be used:\n{shown}",
            "Where masks are trained or measured, every object has one, as large as its image.",
            "Correct or remove these objects (`detectune data inspect SOURCE` lists them all), or "
            "do without masks: load_instance_masks: false.",
        )
    )
