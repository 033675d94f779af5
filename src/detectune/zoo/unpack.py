"""Unpacking an archive that a stranger may have made.

Only files and folders below the target come out of it: no absolute names, no `..`, no links, no
devices, no more members or bytes than a limit. An archive with anything else is refused whole.
"""

from __future__ import annotations

import gzip
import shutil
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from detectune.errors import ZooError, three_part

_CHUNK = 1 << 20


@dataclass(frozen=True)
class UnpackLimits:
    """What an archive may contain."""

    max_bytes: int = 12 * 2**30
    max_members: int = 10_000


def unpack(archive: Path, folder: Path, limits: UnpackLimits) -> None:
    """Unpack the .tar.gz file `archive` into the empty `folder`.

    Raises:
        ZooError: the archive is damaged, holds something unsafe, or more than `limits`.
        OSError: the disk is full or may not be written.
    """
    try:
        with gzip.open(archive, "rb") as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            _extract(tar, archive, folder, limits)
            while stream.read(_CHUNK):  # to the end, where gzip keeps the checksum
                pass
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(archive, str(error)) from error


def _extract(tar: tarfile.TarFile, archive: Path, folder: Path, limits: UnpackLimits) -> None:
    total = count = 0
    for member in tar:
        path = _safe_path(member, archive)
        total, count = total + max(member.size, 0), count + 1
        if total > limits.max_bytes or count > limits.max_members:
            raise _unsafe(
                archive, f"it holds more than {limits.max_members:,} members or {_gib(limits)} GiB"
            )
        if path is None:
            continue
        target = folder / path
        if member.isdir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            source = tar.extractfile(member)
            if source is None:
                raise _unsafe(archive, f'"{member.name}" is not a plain file')
            _copy(source, target, archive, member.name)
    if count == 0:
        raise _damaged(archive, "it is empty")


def _safe_path(member: tarfile.TarInfo, archive: Path) -> Path | None:
    """Where `member` goes, below the target; None for the target itself."""
    name = member.name
    shown = f'"{name}"'
    if not (member.isreg() or member.isdir()):
        kind = "a link" if member.issym() or member.islnk() else "a device or special file"
        raise _unsafe(archive, f"{shown} is {kind}")
    path = PurePosixPath(name)
    outside = path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name
    if outside or "\0" in name:
        raise _unsafe(archive, f"{shown} leads outside of the folder")
    return Path(*path.parts) if path.parts else None


def _copy(source: IO[bytes], target: Path, archive: Path, name: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(target, "xb") as file:
            shutil.copyfileobj(source, file, _CHUNK)
    except FileExistsError as error:
        raise _unsafe(archive, f'"{name}" is in it twice') from error


def _gib(limits: UnpackLimits) -> str:
    return f"{limits.max_bytes / 2**30:.3g}"


def _damaged(archive: Path, reason: str) -> ZooError:
    return ZooError(
        three_part(
            f"{archive.name}: the archive is damaged or not complete: {reason}.",
            "It must be a whole .tar.gz file.",
            "Run the command again to fetch it anew; if that fails too, choose another --mirror.",
        )
    )


def _unsafe(archive: Path, reason: str) -> ZooError:
    return ZooError(
        three_part(
            f"{archive.name}: the archive was refused: {reason}.",
            "Only plain files and folders below the archive's own folder are unpacked.",
            "This is not an archive of the zoo; check where it comes from.",
        )
    )
