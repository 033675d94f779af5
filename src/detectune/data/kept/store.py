"""Records of one size in one file, each with a checksum.

    FOLDER/KEY/records.bin   one record after the other, all of the same NumPy dtype
    FOLDER/KEY/index.json    what they belong to, their fields, and a checksum for each

It is written into a folder of another name, which is renamed when all of it is on the disk: a
store that was not finished does not count. Every record is compared with its checksum when a store
is opened.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from detectune.errors import DetectuneError
from detectune.files import write_error, write_text

RECORDS, INDEX = "records.bin", "index.json"
_VERSION = 1
_UNFINISHED = ".unfinished-"
# Without a record for so long, nobody writes any more.
_SECONDS_OF_A_KILLED_PROCESS = 3600.0

Record = Mapping[str, np.ndarray]


@dataclass
class Index:
    """What is known of a store beside its records."""

    key: str
    """Of everything that the records depend on."""
    facts: dict[str, Any]
    """What people are told about it, and what belongs to no single record."""
    checksums: list[int | None]
    """CRC-32 of every record; None of those that were never written."""


class Store:
    """Records at `path`, opened to be read.

    Args:
        dtype: structured; of one record.
    """

    def __init__(self, path: Path, dtype: np.dtype, index: Index) -> None:
        self.path, self.dtype, self.index = path, dtype, index
        self._records = np.memmap(path / RECORDS, dtype, "r")

    def read(self, entries: Sequence[int], name: str) -> np.ndarray:
        """The field `name` of some records, `[len(entries), …]`."""
        return np.stack([self._records[name][entry] for entry in entries])

    def holds(self, entry: int) -> bool:
        """Whether the record was written."""
        return self.index.checksums[entry] is not None

    def damaged(self) -> list[int]:
        """The records that differ from their checksums."""
        return [
            entry
            for entry, checksum in enumerate(self.index.checksums)
            if checksum is not None and zlib.crc32(self._bytes(entry)) != checksum
        ]

    def mend(self, entry: int, record: Record) -> None:
        """Write one record anew, and its checksum after it.

        Raises:
            WriteError: it could not be written.
        """
        data = _packed(record, self.dtype)
        try:
            with open(self.path / RECORDS, "r+b") as file:
                file.seek(entry * self.dtype.itemsize)
                file.write(data)
        except OSError as error:
            raise write_error(self.path / RECORDS, error) from error
        self.index.checksums[entry] = zlib.crc32(data)
        write_text(self.path / INDEX, _index_text(self.index, self.dtype))

    def _bytes(self, entry: int) -> bytes:
        return self._records[entry : entry + 1].tobytes()


class StoreWriter:
    """Writes the records of a new store, in any order."""

    def __init__(self, file: Any, dtype: np.dtype, count: int) -> None:
        self._file, self.dtype = file, dtype
        self.checksums: list[int | None] = [None] * count

    def write(self, entry: int, record: Record) -> None:
        """Write one record; fields in the types of the store."""
        data = _packed(record, self.dtype)
        self._file.seek(entry * self.dtype.itemsize)
        self._file.write(data)
        self.checksums[entry] = zlib.crc32(data)


@contextmanager
def new_store(path: Path, dtype: np.dtype, count: int, index: Index) -> Iterator[StoreWriter]:
    """Write `count` records inside the block; afterwards they stand at `path`.

    Args:
        index: gets the checksums.

    Raises:
        WriteError: the disk is full, or may not be written to. Nothing is left of it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f"{_UNFINISHED}{path.name}-", dir=path.parent))
    except OSError as error:
        raise write_error(path, error) from error
    try:
        with open(unfinished / RECORDS, "wb") as file:
            writer = StoreWriter(file, dtype, count)
            yield writer
            file.truncate(count * dtype.itemsize)
            file.flush()
            os.fsync(file.fileno())
        index.checksums = writer.checksums
        write_text(unfinished / INDEX, _index_text(index, dtype))
        shutil.rmtree(path, ignore_errors=True)
        os.replace(unfinished, path)
    except OSError as error:
        if isinstance(error, DetectuneError):
            raise
        raise write_error(path, error) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def open_store(path: Path, dtype: np.dtype, count: int, key: str) -> Store | str:
    """The store at `path`, or why it does not serve; "" where nothing is.

    Args:
        dtype, count, key: of the store that is wanted.
    """
    if not path.exists():
        return ""
    try:
        found = json.loads((path / INDEX).read_text("utf-8"))
        index = Index(found["key"], dict(found["facts"]), list(found["checksums"]))
        size, version = (path / RECORDS).stat().st_size, found["version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"they cannot be read ({type(error).__name__})"
    if version != _VERSION or index.key != key or found["fields"] != _fields(dtype):
        return "they belong to other weights, images or settings"
    if len(index.checksums) != count or size != count * dtype.itemsize:
        return "they are not complete"
    return Store(path, dtype, index)


def remove_unfinished(folder: Path, *, shared: bool) -> None:
    """Remove what killed processes left in `folder`.

    Args:
        shared: another process may be writing there; what it writes changes all the time.
    """
    for left in folder.glob(f"{_UNFINISHED}*"):
        newest = max((file.stat().st_mtime for file in (left, *left.glob("*"))), default=0.0)
        if not shared or time.time() - newest > _SECONDS_OF_A_KILLED_PROCESS:
            shutil.rmtree(left, ignore_errors=True)


def _packed(record: Record, dtype: np.dtype) -> bytes:
    packed = np.zeros(1, dtype)
    for name in dtype.names or ():
        packed[name][0] = record[name]
    return packed.tobytes()


def _index_text(index: Index, dtype: np.dtype) -> str:
    content = {"version": _VERSION, "fields": _fields(dtype), **vars(index)}
    return json.dumps(content, indent=1)


def _fields(dtype: np.dtype) -> list:
    """Name, type and shape of every field, as JSON gives them back."""
    fields = dtype.fields or {}
    return [[name, fields[name][0].base.str, list(fields[name][0].shape)] for name in fields]
