"""One process at a time: whoever works in a folder holds a lock that ends with the process.

    lock file, locked by the operating system ─► taken
    lock file of a process that is gone        ─► taken over
    anything else                              ─► refused: which process, where, since when

The operating system lets go of a lock when its process ends, however it ends. It is asked first,
with `fcntl.flock`, or with `msvcrt.locking` on Windows. What stands in the file counts where it has
no say: for a process on another machine, or on a file system without locks. A process that is
alive there touches its file every few seconds.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import json
import os
import socket
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from detectune.errors import ConfigError, DetectuneError, three_part
from detectune.files import write_error

_TOUCH_SECONDS = 20.0
# A file that was not touched for so long belongs to nobody who is alive.
_SILENCE_SECONDS = 120.0
# Another process may look into the lock file in the moment in which it is asked for.
_ATTEMPTS, _PAUSE_SECONDS = 5, 0.05
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
# Windows refuses to read a locked byte: this one is behind everything that is written.
_LOCKED_BYTE = 1 << 30


@dataclass(frozen=True)
class Holder:
    """Who holds a lock."""

    pid: int
    host: str
    since: str
    """Local time, for people."""

    def __str__(self) -> str:
        if not self.pid:
            return "a process that does not say which"
        return f"process {self.pid} on {self.host}, since {self.since}"


def folder_in_use(folder: Path, what: str, file: Path) -> Callable[[Holder], DetectuneError]:
    """Makes the error that says who works in `folder`.

    Args:
        what: the work, as in "a training".
        file: the lock file, which whoever knows better may remove.
    """

    def refused(holder: Holder) -> DetectuneError:
        return ConfigError(
            three_part(
                f"{folder}: {what} is under way here: {holder}.",
                "One at a time works in a folder; nothing was changed.",
                "Wait until it ends, stop it, or choose another folder. If that process is gone "
                f"from a machine that cannot be asked, wait two minutes or remove {file}.",
            )
        )

    return refused


@contextlib.contextmanager
def locked(
    file: Path, refused: Callable[[Holder], DetectuneError]
) -> Generator[Holder | None, None, None]:
    """Holds the lock `file` while the block runs; yields the dead process it was taken over from.

    The folder of `file` is made if it is not there, and removed again if it is left empty.

    Raises:
        DetectuneError: what `refused` makes of the process that holds the lock.
        WriteError: the file cannot be written.
    """
    made: list[Path] = []
    try:
        made = [folder for folder in (file.parent, *file.parent.parents) if not folder.exists()]
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, before = _taken(file, refused)
    except OSError as error:
        _remove_empty(made)
        if isinstance(error, DetectuneError):
            raise
        raise write_error(file, error) from error
    ended = threading.Event()
    touching = threading.Thread(target=_touch, args=(file, ended), daemon=True)
    touching.start()
    try:
        yield before
    finally:
        ended.set()
        touching.join()
        _let_go(file, handle)
        _remove_empty(made)


def _taken(file: Path, refused: Callable[[Holder], DetectuneError]) -> tuple[int, Holder | None]:
    """The open and locked `file`, and whose it was."""
    for attempt in range(_ATTEMPTS):
        handle = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_NONBLOCK", 0), 0o666)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError(None, "something that is no file stands there")
            locks = _lock(handle)
            before = _read(handle)
            if locks is not False and not _is_alive(before, file, locks=locks is True):
                if _is_at(file, handle):
                    _write(file, handle)
                    return handle, before
            elif locks is not False or attempt + 1 == _ATTEMPTS:
                raise refused(before or Holder(0, "", ""))
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
        time.sleep(_PAUSE_SECONDS)
    raise refused(Holder(0, "", ""))


def _lock(handle: int) -> bool | None:
    """True: locked; False: another process has it; None: there are no locks here."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(handle, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return None if error.errno in _NO_LOCKS else False
    return True


def _read(handle: int) -> Holder | None:
    os.lseek(handle, 0, os.SEEK_SET)
    try:
        fields: Any = json.loads(os.read(handle, 4096))
    except (ValueError, RecursionError):
        return None  # just made, killed before it was written, or damaged
    fields = cast(dict[str, Any], fields) if isinstance(fields, dict) else {}
    pid = fields.get("pid")
    if not isinstance(pid, int) or pid < 1:
        return None
    return Holder(pid, _one_line(fields.get("host")), _one_line(fields.get("since")))


def _one_line(value: object) -> str:
    return " ".join(str(value).split())[:80]


def _write(file: Path, handle: int) -> None:
    since = datetime.datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    holder = Holder(os.getpid(), socket.gethostname(), since)
    try:
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, json.dumps(asdict(holder)).encode())
    except OSError:
        file.unlink(missing_ok=True)  # the disk is full
        raise


def _is_alive(holder: Holder | None, file: Path, *, locks: bool) -> bool:
    """Whether the process that the unlocked `file` names may still be at work."""
    if holder is None:
        return False
    if holder.host != socket.gethostname():
        return _silence_seconds(file) < _SILENCE_SECONDS
    if locks:
        return False  # the operating system would have refused
    return _runs(holder.pid) and _silence_seconds(file) < _SILENCE_SECONDS


def _silence_seconds(file: Path) -> float:
    """Since when `file` was not touched, by the clock of the file system."""
    with tempfile.NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.") as now:
        return os.stat(now.name).st_mtime - file.stat().st_mtime


def _runs(pid: int) -> bool:
    if sys.platform == "win32":
        return True  # there, signal 0 would end it
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True  # it belongs to somebody else
    return True


def _is_at(file: Path, handle: int) -> bool:
    """Whether `handle` is still the file of that name: who lets go of a lock removes it."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(file))
    except FileNotFoundError:
        return False


def _touch(file: Path, ended: threading.Event) -> None:
    while not ended.wait(_TOUCH_SECONDS):
        with contextlib.suppress(OSError):  # a network may be away for a while
            os.utime(file)


def _let_go(file: Path, handle: int) -> None:
    if sys.platform == "win32":  # an open file cannot be removed there
        os.close(handle)
    with contextlib.suppress(OSError):  # its folder is gone, or may not be written any more
        file.unlink()
    if sys.platform != "win32":
        os.close(handle)


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return  # something was put there
