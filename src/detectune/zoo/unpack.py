"""Unpacking an archive that a stranger may have made.

Only files and folders below the target come out of it: no absolute names, no `..`, no links, no
devices, no holes, no more members or bytes than a limit. An archive with anything else is refused
whole.
"""

from __future__ import annotations

import errno
import gzip
import shutil
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from detectune.errors import ZooError, three_part
from detectune.wording import one_line

_CHUNK = 1 << 20
# What `tarfile` reads at once are headers, of some hundred bytes, and what is copied.
_LONGEST_READ = 4 * _CHUNK
# What `tarfile` raises where an archive is not what it says.
_PARSER_ERRORS = (
    tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError, TypeError, LookupError,
    ArithmeticError, AttributeError, MemoryError, RecursionError,
)  # fmt: skip
_MISPLACED = (FileExistsError, NotADirectoryError, IsADirectoryError)


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
        with gzip.open(archive, "rb") as stream:
            bounded: Any = _Bounded(cast(IO[bytes], stream), limits.max_bytes)
            with tarfile.open(fileobj=bounded, mode="r:") as tar:
                _extract(tar, archive, folder, limits)
            while rest := bounded.read(_CHUNK):  # to the end, where gzip keeps the checksum
                if rest.strip(b"\0"):
                    raise tarfile.ReadError("something stands behind its end")
    except _TooMuch as error:
        raise _over_limit(archive, limits) from error
    except _PARSER_ERRORS as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise _damaged(archive, one_line(reason)[:200]) from error


class _TooMuch(Exception):
    """More comes out of an archive than is allowed."""


class _Bounded:
    """A stream from which no more than a limit is read, and no header of more than some megabytes.

    `tarfile` reads the headers between the members by itself, as long as they say that they are.
    """

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self.stream, self.most = stream, most + _CHUNK

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _LONGEST_READ:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        data = self.stream.read(size)
        self._check(self.stream.tell())
        return data

    def seek(self, offset: int) -> int:
        self._check(offset)
        return self.stream.seek(offset)

    def tell(self) -> int:
        return self.stream.tell()

    def _check(self, offset: int) -> None:
        if offset > self.most:
            raise _TooMuch


def _extract(tar: tarfile.TarFile, archive: Path, folder: Path, limits: UnpackLimits) -> None:
    total = count = 0
    for member in tar:
        path = _safe_path(member, archive)
        total, count = total + max(member.size, 0), count + 1
        if total > limits.max_bytes or count > limits.max_members:
            raise _over_limit(archive, limits)
        if path is not None:
            _place(tar, member, folder / path, archive)
    if count == 0:
        raise _damaged(archive, "it is empty")


def _place(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path, archive: Path) -> None:
    """Write `member` to `target`."""
    shown = f'"{one_line(member.name)}"'
    try:
        if member.isdir():
            target.mkdir(parents=True, exist_ok=True)
            return
        source = tar.extractfile(member)
        if source is None:
            raise _unsafe(archive, f"{shown} is not a plain file")
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, "xb") as file:
            shutil.copyfileobj(source, file, _CHUNK)
    except _MISPLACED as error:
        raise _unsafe(archive, f"{shown} is in it twice") from error
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise _unsafe(archive, f"{shown[:60]}… is too long a name") from error


def _safe_path(member: tarfile.TarInfo, archive: Path) -> Path | None:
    """Where `member` goes, below the target; None for the target itself."""
    name = member.name
    shown = f'"{one_line(name)}"'
    if not (member.isreg() or member.isdir()):
        kind = "a link" if member.issym() or member.islnk() else "a device or special file"
        raise _unsafe(archive, f"{shown} is {kind}")
    if member.issparse():
        raise _unsafe(archive, f"{shown} is a file with holes")
    if any(0xD800 <= ord(character) < 0xE000 for character in name):
        raise _unsafe(archive, f"{shown} is no UTF-8 name")
    path = PurePosixPath(name)
    outside = path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name
    if outside or "\0" in name:
        raise _unsafe(archive, f"{shown} leads outside of the folder")
    return Path(*path.parts) if path.parts else None


def _over_limit(archive: Path, limits: UnpackLimits) -> ZooError:
    return _unsafe(
        archive, f"it holds more than {limits.max_members:,} members or {_gib(limits)} GiB"
    )


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
