"""Writing files so that a reader finds the old one or the new one, never half of one."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Generator
from io import BufferedReader
from pathlib import Path

from detectune.errors import ConfigError, DetectuneError, WriteError, three_part
from detectune.wording import one_line

MOST_BYTES = 255
"""Of a file name, on every usual file system."""
# What `atomic_path` leaves beside its target if the process is killed.
_LEFTOVER = re.compile(r"^\.(?P<target>.+)\.[a-z0-9_]{8}$")
# What file systems allow, in bytes.
_LONGEST_NAME, _LONGEST_PATH = 255, 4095
# Of a folder that are compared with a name that is not there.
_MOST_NAMES = 5000


def usable_path(path: str | os.PathLike[str], what: str) -> Path:
    """`path`, if every library can open and show a file of this name.

    Args:
        what: which option or argument it is, for the error.

    Raises:
        ConfigError: it is empty, too long, or has a zero byte or bytes that are not UTF-8.
    """
    text = os.fspath(path)
    reason = _unusable(text)
    if reason:
        shown = one_line(text)
        shown = shown if len(shown) <= 120 else f"{shown[:60]}…{shown[-40:]}"
        raise ConfigError(
            three_part(
                f'{what} "{shown}": {reason}.',
                f"A path is UTF-8 text, with names of up to {_LONGEST_NAME} bytes.",
                "Choose another path.",
            )
        )
    return Path(text)


def _unusable(text: str) -> str:
    """Why `text` cannot be a path; empty if it can."""
    if not text.strip():
        return "it is empty"
    if "\0" in text:
        return "it has a zero byte"
    try:
        os.path.abspath(text).encode("utf-8")
    except UnicodeEncodeError:
        return "it has bytes that are not UTF-8, itself or in a folder above"
    except FileNotFoundError:
        return "the current folder is gone"
    data = os.fsencode(text)
    if len(data) > _LONGEST_PATH:
        return f"it has {len(data):,} bytes"
    longest = max((len(name) for name in data.replace(b"\\", b"/").split(b"/")), default=0)
    return f"it has a name of {longest} bytes" if longest > _LONGEST_NAME else ""


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Generator[Path, None, None]:
    """A temporary path beside `path`; when the block ends well it takes the place of `path`.

    Raises:
        WriteError: the file could not be written. What stood at `path` is untouched.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=_prefix(target))
        os.close(handle)
    except OSError as error:
        raise write_error(target, error) from error
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb+") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())
        os.replace(temporary, target)
    except OSError as error:
        if isinstance(error, DetectuneError):
            raise
        raise write_error(target, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` as UTF-8 to `path`, atomically."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` to `path`, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def copy_file(source: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Copy the file `source` to `path`, atomically."""
    with atomic_path(path) as temporary:
        shutil.copyfile(source, temporary)


def read_regular(path: str | os.PathLike[str], most: int = 1 << 20) -> bytes:
    """The bytes of the plain file `path`; never waits, as reading from a pipe or a device may.

    Args:
        most: the largest size in bytes that such a file can have.

    Raises:
        OSError: there is no file, something else stands there, or it is larger.
    """
    with open_regular(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes")
    return data


def open_regular(path: str | os.PathLike[str]) -> BufferedReader:
    """The plain file `path`, opened to be read; never waits, as a pipe or a device may.

    Raises:
        OSError: there is no file, or something else stands there.
    """
    # Opened first and looked at then: a pipe that is opened to be read waits for a writer.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    kind = stat.S_IFMT(os.fstat(handle).st_mode)
    if kind == stat.S_IFREG:
        return os.fdopen(handle, "rb")
    os.close(handle)
    if kind == stat.S_IFDIR:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    raise OSError(None, "it is no file")


def ensure_writable(path: str | os.PathLike[str]) -> None:
    """Find out before long work whether its result can be written to the file `path`.

    Raises:
        WriteError: `path` is a folder, or nothing can be written beside it.
    """
    if Path(path).is_dir():
        raise write_error(Path(path), IsADirectoryError(errno.EISDIR, "it is a folder"))
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=_prefix(target)):
            pass
    except OSError as error:
        raise write_error(target, error) from error


def ensure_folder(path: str | os.PathLike[str]) -> None:
    """Find out before long work whether files can be written into the folder `path`.

    It is not made yet, if it is not there.

    Raises:
        WriteError: `path` is a file or lies below one, or nothing may be written there.
    """
    target = Path(path)
    try:
        there = next(place for place in (target, *target.parents) if os.path.lexists(place))
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "a file stands there")
        if not os.access(there, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "permission was denied")
    except OSError as error:
        raise write_error(target, error) from error


def near_path(path: str) -> str:
    """A file or folder beside the missing `path` with nearly the same name; "" if there is none."""
    import difflib

    folder, name = os.path.split(path)
    try:
        names = [name for name in os.listdir(folder or ".")[:_MOST_NAMES] if name.isprintable()]
    except (OSError, ValueError):
        return ""
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.75)
    return os.path.join(folder, close[0]) if close else ""


def unused_path(path: str) -> str:
    """`path` where nothing is there yet, else `path-2`, `path-3` …"""
    tried = (f"{path}{ending}" for ending in ("", *(f"-{number}" for number in range(2, 1000))))
    return next((place for place in tried if not os.path.lexists(place)), path)


def short_name(stem: str, suffix: str) -> str:
    """`stem` and `suffix` as a file name, the end of the stem cut off if it is too long."""
    room = MOST_BYTES - len(os.fsencode(suffix))
    while len(os.fsencode(stem)) > room:
        stem = stem[:-1]
    return stem + suffix


def remove_leftovers(folder: str | os.PathLike[str], targets: str) -> None:
    """Remove what killed writes left in `folder`.

    Args:
        targets: regular expression; only leftovers of files with a matching name are removed.
    """
    if not Path(folder).is_dir():
        return
    for file in Path(folder).iterdir():
        match = _LEFTOVER.match(file.name)
        if match and re.fullmatch(targets, match["target"]):
            file.unlink(missing_ok=True)


def _prefix(target: Path) -> str:
    """How temporary files beside `target` begin: with its name, as far as there is room for it."""
    most = MOST_BYTES - len("..") - len("abcdefgh")
    return f".{os.fsdecode(os.fsencode(target.name)[:most])}."


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_error(path: Path, error: OSError) -> WriteError:
    """`error` as a message that says what could not be written, why, and what to do."""
    reasons = {
        errno.ENOSPC: ("there is no space left on the disk", "Free some space and start again."),
        errno.EACCES: ("permission was denied", "Choose a folder that you may write to."),
        errno.EROFS: ("the file system is read-only", "Choose a folder that you may write to."),
        errno.ENOTDIR: ("a file stands where a folder should be", "Choose another path."),
        errno.ENAMETOOLONG: ("its name is too long", "Choose a shorter name."),
        errno.EISDIR: ("it is a folder", "Choose another path, that of a file."),
        errno.EEXIST: ("a file stands where a folder should be", "Choose another path."),
        errno.ENOTEMPTY: ("something was put there meanwhile", "Choose another path."),
    }
    reason, next_step = reasons.get(
        error.errno or 0, (error.strerror or str(error), "Check the path and the disk.")
    )
    return WriteError(
        three_part(
            f"{one_line(path)}: could not be written: {reason}.", "Nothing was changed.", next_step
        )
    )
