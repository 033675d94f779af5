"""A data set in a .zip, unpacked once into the cache of the user."""

from __future__ import annotations

import hashlib
import lzma
import os
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path

from detectune.errors import DataError, three_part
from detectune.files import short_name

_MOST_BYTES, _MOST_RATIO, _MOST_ENTRIES = 200 << 30, 200, 2_000_000
_DAMAGED = (
    *(OSError, ValueError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, struct.error),
    # A way of packing that zipfile does not know; a password; numbers and names that cannot be.
    *(NotImplementedError, RuntimeError, ArithmeticError, LookupError),
)


def unpacked(file: Path) -> Path:
    """The folder with what is in the archive `file`.

    It is unpacked again when the archive has changed. Links and paths that lead out of the folder
    are refused, and so are two files of one name. Backslashes separate folders, as some programs
    write them.

    Raises:
        DataError: the archive is damaged, unsafe, or too large for the disk.
    """
    target = _folder_of(file)
    if target.is_dir():
        return _only_folder(target)
    try:
        with zipfile.ZipFile(file) as archive:
            entries = _checked_entries(file, archive)
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=target.parent, prefix=".unpacking.") as folder:
                place = Path(folder) / "data"
                archive.extractall(place, entries)
                os.replace(place, target)
    except _DAMAGED as error:
        if isinstance(error, DataError):
            raise
        if target.is_dir():  # another process was faster
            return _only_folder(target)
        raise _unusable(file, str(error) or type(error).__name__) from error
    return _only_folder(target)


def _folder_of(file: Path) -> Path:
    facts = file.stat()
    key = f"{file.resolve()}\0{facts.st_size}\0{facts.st_mtime_ns}"
    name = hashlib.sha256(os.fsencode(key)).hexdigest()[:16]
    root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(root).expanduser() / "detectune/data" / short_name(file.stem, f"-{name}")


def _only_folder(target: Path) -> Path:
    """What is packed is often one folder."""
    inside = [entry for entry in target.iterdir() if entry.name not in ("__MACOSX", ".DS_Store")]
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else target


def _checked_entries(file: Path, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The entries, with their paths as they are on this system."""
    entries, seen = archive.infolist(), set[Path]()
    for entry in entries:
        entry.filename = entry.filename.replace("\\", "/")
        _refuse_unsafe(file, entry)
        path = Path(entry.filename)
        if path in seen and not entry.is_dir():
            raise _unusable(file, f"it has {entry.filename[:100]!r} twice")
        seen.add(path)
    total = sum(entry.file_size for entry in entries)
    packed = max(file.stat().st_size, 1)
    free = shutil.disk_usage(_existing(_folder_of(file))).free
    if total > _MOST_BYTES or (total > 1 << 30 and total / packed > _MOST_RATIO) or total > free:
        raise _unusable(file, f"it holds {total} bytes, and {free} are free on the disk")
    if len(entries) > _MOST_ENTRIES:
        raise _unusable(file, f"it holds {len(entries):,} files, more than {_MOST_ENTRIES:,}")
    return entries


def _refuse_unsafe(file: Path, entry: zipfile.ZipInfo) -> None:
    path = Path(entry.filename)
    if ".." in path.parts or path.is_absolute():
        raise _unusable(file, f"it has the path {entry.filename[:100]!r}")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise _unusable(file, f"{entry.filename[:100]!r} is a link")
    if entry.flag_bits & 1:
        raise _unusable(file, "it has a password")


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())


def _unusable(file: Path, reason: str) -> DataError:
    return DataError(
        three_part(
            f"{file}: cannot be unpacked: {reason}.",
            "A data set in a .zip is a whole archive of files, without links.",
            "Unpack it yourself and name the folder.",
        )
    )
