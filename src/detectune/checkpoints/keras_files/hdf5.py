"""HDF5 files, read within limits: plain arrays of numbers, and attributes of text.

Whoever made a file may have made it to harm: links lead out of it, arrays of terabytes take a few
bytes in it, groups contain themselves. Such things are refused before they are followed.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO, Any

import h5py
import numpy as np

from detectune.wording import one_line

MOST_BYTES = 8 * 2**30
"""Of all arrays together; the largest network of Keras has 1.4 GB."""
_MOST_ARRAYS = 100_000
_MOST_LEVELS = 32
_HEAP = b"GCOL\x01\0\0\0"
_MOST_TEXT = 16 * 2**20
_MOST_PARTS = 10_000
# Weights can be compressed, but not to nothing.
_MOST_EXPANSION = 64


class Unsafe(Exception):
    """Something in the file that no file of weights has."""


def check_heaps(stream: IO[bytes]) -> None:
    """See that texts of any length can be read: HDF5 does not come back from some damaged heaps.

    A heap is a chain of texts, each with its length; one that leads nowhere is followed for ever.
    Source: HDF5 file format specification, III.E, global heap.
    """
    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        start = data.find(_HEAP)
        while start >= 0:
            end = start + int.from_bytes(data[start + 8 : start + 16], "little")
            if end <= len(data):  # HDF5 refuses one that is longer than the file
                _check_heap(data, start + 16, end)
            start = data.find(_HEAP, start + len(_HEAP))


def _check_heap(data: mmap.mmap, place: int, end: int) -> None:
    while place + 16 <= end:
        number = int.from_bytes(data[place : place + 2], "little")
        length = int.from_bytes(data[place + 8 : place + 16], "little")
        # What is free at the end has the number 0, and its length includes this header.
        step = 16 + length + -length % 8 if number else length
        if not 16 <= step <= end - place:
            raise Unsafe("the texts in it are damaged")
        place += step


def arrays_below(file: h5py.File, size: int) -> dict[str, h5py.Dataset]:
    """Path → array, of all arrays in `file`, none of which has been read.

    Args:
        size: bytes of the file.

    Raises:
        Unsafe: there is more in it than weights.
    """
    found: dict[str, h5py.Dataset] = {}
    total = 0
    for path, array in _walk(file, "", 0):
        found[path] = array
        total += int(array.size or 0) * array.dtype.itemsize
        if len(found) > _MOST_ARRAYS:
            raise Unsafe(f"it has more than {_MOST_ARRAYS:,} arrays")
        if total > min(MOST_BYTES, _MOST_EXPANSION * size + 2**20):
            raise Unsafe(f"its arrays claim {total:,} bytes or more, and the file has {size:,}")
    return found


def _walk(group: h5py.Group, path: str, level: int) -> Iterator[tuple[str, h5py.Dataset]]:
    if level > _MOST_LEVELS:
        raise Unsafe(f"its groups stand {level} deep in each other")
    for name in map(str, group):
        inside = f"{path}/{name}" if path else name
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise Unsafe(f'"{one_line(inside)[:80]}" is a link to something else')
        item: Any = group[name]
        if isinstance(item, h5py.Group):
            yield from _walk(item, inside, level + 1)
        elif isinstance(item, h5py.Dataset):
            yield inside, item


def read_array(path: str, array: h5py.Dataset) -> np.ndarray:
    """The numbers in `array`.

    Raises:
        Unsafe: they are not numbers, or not in this file.
    """
    if array.is_virtual or array.external:
        raise Unsafe(f'"{one_line(path)[:80]}" stands in another file')
    if text_attribute(array, "dtype") == "bfloat16" and array.dtype.itemsize == 2:
        upper = np.ascontiguousarray(array[()]).view(np.uint16).astype(np.uint32)
        return (upper << 16).view(np.float32)
    if array.dtype.kind not in "fiu":
        raise Unsafe(f'"{one_line(path)[:80]}" holds no numbers ({array.dtype})')
    return np.asarray(array[()])


def group_at(file: h5py.Group, path: str) -> h5py.Group:
    """The group at `path`; `file` itself if that is empty.

    Raises:
        Unsafe: something else stands there, or nothing.
    """
    found: Any = file.get(path) if path else file
    if not isinstance(found, h5py.Group):
        raise Unsafe(f'"{one_line(path)[:80]}" is named, but not there')
    return found


def text_attribute(group: h5py.Group | h5py.Dataset, name: str) -> str:
    """An attribute of text; empty if there is none."""
    return _text(_attribute(group, name)) if name in group.attrs else ""


def names_attribute(group: h5py.Group, name: str) -> list[str]:
    """A list of names, which Keras divides into NAME0, NAME1, … if it is long."""
    if name in group.attrs:
        return _texts(_attribute(group, name))
    found: list[str] = []
    for number in range(_MOST_PARTS):
        if f"{name}{number}" not in group.attrs:
            break
        found += _texts(_attribute(group, f"{name}{number}"))
    return found


def _attribute(group: h5py.Group | h5py.Dataset, name: str) -> Any:
    """An attribute, unless it claims to be so large that reading it would not end."""
    found = group.attrs.get_id(name)
    size = math.prod(found.shape or ()) * found.dtype.itemsize
    if size > _MOST_TEXT:
        raise Unsafe(f"its attribute {name} claims {size:,} bytes")
    return group.attrs[name]


def _texts(values: Any) -> list[str]:
    return [_text(value) for value in values]


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def parent(path: str) -> str:
    """The path of the group that `path` stands in; empty for the file itself."""
    above = str(PurePosixPath(path).parent)
    return "" if above == "." else above
