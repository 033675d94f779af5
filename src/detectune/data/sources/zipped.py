"""A data set in a .zip, unpacked once into the cache of the user."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import zipfile
from pathlib import Path

from detectune.errors import DataError, three_part

_MOST_BYTES, _MOST_RATIO = 200 << 30, 200


def unpacked(file: Path) -> Path:
    """The folder with what is in the archive `file`.

    It is unpacked again when the archive has changed. Links and paths that lead out of the folder
    are refused.

    Raises:
        DataError: the archive is damaged, unsafe, or too large for the disk.
    """
    target = _folder_of(file)
    if target.is_dir():
        return _only_folder(target)
    try:
        with zipfile.ZipFile(file) as archive:
            _check(file, archive)
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=target.parent, prefix=".unpacking.") as folder:
                place = Path(folder) / "data"
                archive.extractall(place)
                os.replace(place, target)
    # NotImplementedError: a way of packing that zipfile does not know; RuntimeError: a password.
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        if target.is_dir():  # another process was faster
            return _only_folder(target)
        raise _unusable(file, str(error)) from error
    return _only_folder(target)


def _folder_of(file: Path) -> Path:
    facts = file.stat()
    key = f"{file.resolve()}\0{facts.st_size}\0{facts.st_mtime_ns}"
    name = hashlib.sha256(os.fsencode(key)).hexdigest()[:16]
    root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(root).expanduser() / "detectune/data" / f"{file.stem[:80]}-{name}"


def _only_folder(target: Path) -> Path:
    """What is packed is often one folder."""
    inside = [entry for entry in target.iterdir() if entry.name not in ("__MACOSX", ".DS_Store")]
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else target


def _check(file: Path, archive: zipfile.ZipFile) -> None:
    total = 0
    for entry in archive.infolist():
        total += entry.file_size
        parts = Path(entry.filename.replace("\\", "/")).parts
        if ".." in parts or Path(entry.filename).is_absolute():
            raise _unusable(file, f"it has the path {entry.filename[:100]!r}")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise _unusable(file, f"{entry.filename[:100]!r} is a link")
        if entry.flag_bits & 1:
            raise _unusable(file, "it has a password")
    packed = max(file.stat().st_size, 1)
    free = shutil.disk_usage(_existing(_folder_of(file))).free
    if total > _MOST_BYTES or (total > 1 << 30 and total / packed > _MOST_RATIO) or total > free:
        raise _unusable(file, f"it holds {total} bytes, and {free} are free on the disk")


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
