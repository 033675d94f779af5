"""Masks as COCO's run lengths: to pixels, from pixels, and as text.

Runs go column by column and begin with the length of the first run of zeros. faster-coco-eval reads
and writes the compressed form in C++; it trusts what it is given, so `run_lengths` looks first.

Source: https://github.com/cocodataset/cocoapi, common/maskApi.h
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np


class Rle(TypedDict):
    """Run lengths as COCO keeps them."""

    size: list[int]
    """Height and width."""
    counts: bytes
    """Run lengths in COCO's compressed form."""


class MaskError(ValueError):
    """A mask cannot be used; whoever knows its place makes a `DataError` of it."""


def encode_rle(pixels: np.ndarray) -> Rle:
    """Run lengths of a mask `[H, W]`, 1 or True where the object is."""
    from faster_coco_eval.core import mask as coco

    return coco.encode(np.asfortranarray(pixels, np.uint8))  # pyright: ignore[reportReturnType]


def compressed_rle(runs: np.ndarray, height: int, width: int) -> Rle:
    """Run lengths that are known to be good, in COCO's compressed form."""
    from faster_coco_eval.core import mask as coco

    return coco.frPyObjects({"size": [height, width], "counts": runs.tolist()}, height, width)  # pyright: ignore[reportReturnType, reportArgumentType]


def decode_rle(rle: Rle) -> np.ndarray:
    """`[H, W]` uint8 of run lengths that are known to be good."""
    from faster_coco_eval.core import mask as coco

    return coco.decode(dict(rle))


def rle_areas(rles: Sequence[Rle]) -> np.ndarray:
    """`[N]` float64: how many pixels belong to each object."""
    from faster_coco_eval.core import mask as coco

    return np.asarray(coco.area([dict(rle) for rle in rles]) if rles else [], np.float64)


def rle_text(rle: Rle) -> dict[str, Any]:
    """`{"size": [H, W], "counts": text}`, as it stands in a JSON file."""
    return {"size": [int(side) for side in rle["size"]], "counts": _text(rle["counts"])}


def _text(counts: bytes | str) -> str:
    return counts.decode("ascii") if isinstance(counts, bytes) else counts


def run_lengths(counts: bytes) -> list[int]:
    """The runs that COCO's compressed form spells.

    Five bits per character, low ones first, a sixth says that more follow; from the third run on
    it is the difference from the run before the last.

    Raises:
        MaskError: these are no run lengths.
    """
    runs: list[int] = []
    value = shift = 0
    for character in counts:
        bits = character - 48
        if not 0 <= bits < 64:
            raise MaskError("its run lengths are not in COCO's compressed form")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    if shift:
        raise MaskError("its run lengths end in the middle of one")
    return runs


def compressed(runs: Sequence[int]) -> bytes:
    """COCO's compressed form of `runs`; `run_lengths` undoes it."""
    text = bytearray()
    for position, run in enumerate(runs):
        value, more = run - (runs[position - 2] if position > 2 else 0), True
        while more:
            bits = value & 31
            value >>= 5
            more = value != (-1 if bits & 16 else 0)
            text.append(48 + (bits | 32 if more else bits))
    return bytes(text)
