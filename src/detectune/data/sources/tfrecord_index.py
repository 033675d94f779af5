"""TFRecord files: which ones a pattern means, and where each record in them lies.

A record is found by (file, offset, length) from an index that is made by reading the 12 bytes
before each record, so access is random and shuffling holds no image in memory:

    length  uint64 │ masked crc32c of length  uint32 │ data │ masked crc32c of data  uint32

Source: TFRecord format, https://www.tensorflow.org/tutorials/load_data/tfrecord
"""

from __future__ import annotations

import os
import re
import struct
from pathlib import Path
from typing import NamedTuple, cast

import google_crc32c

from detectune.config.file_patterns import matching_files
from detectune.data.defects import Problems
from detectune.data.sources.proposed import SUFFIX as PROPOSALS
from detectune.errors import DataError, three_part
from detectune.files import open_regular

_HEADER, _FOOTER = 12, 4
_NOT_RECORD = "A TFRecord begins every record with its length and a checksum of the length."
_SHARD = re.compile(r"^(?P<stem>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})$")


class Entry(NamedTuple):
    """Where the data of one record lie."""

    path: str
    offset: int
    length: int

    @property
    def start(self) -> int:
        """Where the record itself begins, with its header."""
        return self.offset - _HEADER


def find_files(pattern: str) -> list[str]:
    """The files of `pattern`, sorted within each comma-separated part.

    Raises:
        DataError: a part names no file, or some of the shards -000II-of-000NN are missing.
    """
    files: list[str] = []
    for part in (text.strip() for text in pattern.split(",")):
        if not part:
            continue
        found = [path for path in matching_files(part) if not path.endswith(PROPOSALS)]
        if os.path.isdir(part):
            found = _records_in(Path(part))
            _one_set(part, found)
        if not found:
            raise DataError(
                three_part(
                    f"{part}: no file matches.",
                    "A pattern is a path in which * and ? stand for other characters and ** for "
                    "any number of folders, such as train.record-?????-of-00010.",
                    f"Check the path; the current folder is {os.getcwd()}.",
                )
            )
        if "*" in part or "?????" in part or os.path.isdir(part):
            _all_shards(part, found)
        files += found
    return files


def _records_in(folder: Path) -> list[str]:
    """The TFRecords of a folder, whatever their names; hidden ones left out."""
    try:
        files = sorted(file for file in folder.iterdir() if not file.name.startswith("."))
    except OSError as error:
        raise _unreadable(os.fspath(folder), error) from error
    return [os.fspath(file) for file in files if file.is_file() and is_tfrecord(file)]


def _one_set(folder: str, found: list[str]) -> None:
    """Refuse a folder with train and test records: together they would be one data set."""
    matches = ((path, _SHARD.match(path)) for path in found)
    sets = sorted({match["stem"] if match else path for path, match in matches})
    if len(sets) > 1:
        names = ", ".join(os.path.basename(path) for path in sets)
        raise DataError(
            three_part(
                f"{folder}: several sets of records are here: {names}.",
                "A source is one set: a file, or the shards of one name.",
                f"Name it, for example tfrecord:{sets[0]}* , or several joined by commas.",
            )
        )


def _all_shards(pattern: str, found: list[str]) -> None:
    shards: dict[tuple[str, int], set[int]] = {}
    for path in found:
        match = _SHARD.match(path)
        if match:
            key = (match["stem"], int(match["count"]))
            shards.setdefault(key, set()).add(int(match["number"]))
    for (stem, count), numbers in shards.items():
        missing = sorted(set(range(count)) - numbers)
        if missing:
            raise DataError(
                three_part(
                    f"{pattern}: {len(missing)} of {count} shards are missing "
                    f"(first: {stem}-{missing[0]:05d}-of-{count:05d}).",
                    "A pattern with wildcards must find every shard of a set.",
                    "Copy the missing files, or name the files one by one, joined by commas.",
                )
            )


def is_tfrecord(path: Path) -> bool:
    """True if `path` begins as a TFRecord does."""
    try:
        with open_regular(path) as file:
            header = file.read(_HEADER)
    except OSError:
        return False
    return len(header) == _HEADER and _length_of(header) is not None


def read_index(path: str, problems: Problems | None = None) -> list[Entry]:
    """Where each record of the file lies.

    Args:
        problems: keeps the error, so that the records before the damage are read.

    Raises:
        DataError: the file is no TFRecord, is damaged, or ends in the middle of a record.
    """
    entries: list[Entry] = []
    if problems is None:
        _read_entries(path, entries)
    else:
        with problems.kept():
            _read_entries(path, entries)
    return entries


def _read_entries(path: str, entries: list[Entry]) -> None:
    try:
        size = os.path.getsize(path)
        with open_regular(path) as file:
            offset = 0
            while offset < size:
                file.seek(offset)
                length = _checked_length(path, file.read(_HEADER), offset, size)
                entries.append(Entry(path, offset + _HEADER, length))
                offset += _HEADER + length + _FOOTER
    except OSError as error:
        raise _unreadable(path, error) from error


def read_record(entry: Entry) -> bytes:
    """The data of one record, compared with their checksum.

    Raises:
        DataError: the file cannot be read, or its data are damaged.
    """
    try:
        with open_regular(entry.path) as file:
            file.seek(entry.offset)
            data, footer = file.read(entry.length), file.read(_FOOTER)
    except OSError as error:
        raise _unreadable(entry.path, error) from error
    if len(footer) < _FOOTER or masked_crc32c(data) != struct.unpack("<I", footer)[0]:
        raise DataError(
            three_part(
                f"{entry.path}: record at byte {entry.start}: the checksum of its data is wrong.",
                "A TFRecord ends every record with a checksum of its data.",
                "Copy or write the file again.",
            )
        )
    return data


def _checked_length(path: str, header: bytes, offset: int, size: int) -> int:
    if len(header) < _HEADER:
        raise _truncated(path, offset, size)
    length = _length_of(header)
    if length is None and offset == 0:
        raise DataError(
            three_part(
                f"{path}: not a TFRecord: the checksum at byte 8 does not fit bytes 0–7.",
                _NOT_RECORD,
                "Name the .record file itself; GZIP-compressed records must be unpacked first.",
            )
        )
    if length is None:
        raise DataError(
            three_part(
                f"{path}: damaged at byte {offset}: the checksum of a record's length is wrong.",
                _NOT_RECORD,
                "Copy or write the file again.",
            )
        )
    if offset + _HEADER + length + _FOOTER > size:
        raise _truncated(path, offset, size)
    return length


def _unreadable(path: str, error: OSError) -> DataError:
    return DataError(
        three_part(
            f"{path}: cannot be read: {error.strerror or error}.",
            "A TFRecord is a readable file.",
            "Check the path and its permissions.",
        )
    )


def _truncated(path: str, offset: int, size: int) -> DataError:
    return DataError(
        three_part(
            f"{path}: ends at byte {size}, inside the record that begins at byte {offset}.",
            "A TFRecord ends with a whole record.",
            "Copying or writing it was interrupted: copy or write the file again.",
        )
    )


def _length_of(header: bytes) -> int | None:
    """The length in a 12-byte header, or None if its checksum is wrong."""
    length, checksum = struct.unpack("<QI", header)
    return length if masked_crc32c(header[:8]) == checksum else None


def masked_crc32c(data: bytes) -> int:
    """CRC-32C of `data`, rotated and shifted as TFRecords keep it."""
    crc = cast(int, google_crc32c.value(data))  # pyright: ignore[reportUnknownMemberType]
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
