"""TensorFlow without the log lines of its native libraries.

They are written to file descriptor 2, past Python, at any time: when devices are found, when the
first convolution is tried on a GPU, when a compilation is slow. From the moment such a library is
imported, by whomever, until the command ends, that descriptor is a pipe to `cli.log_filter`, a
process that passes on everything else; Python's own standard error goes on writing where it wrote.
It is a process and not a thread, so that the last words of a library that aborts are passed on.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Generator
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import TextIO, cast

from detectune.cli import log_filter

_TALKERS = ("tensorflow", "jax", "torch")
_SECONDS_TO_END = 2.0


class _Filter:
    """The pipe in the place of file descriptor 2."""

    def __init__(self) -> None:
        self.real = os.dup(2)
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(log_filter.__file__))],
            stdin=subprocess.PIPE,
            stderr=self.real,
            start_new_session=True,  # Ctrl-C is for the command; this ends when its input does
        )
        self.python_stderr = sys.stderr
        if _writes_to(sys.stderr, 2):
            sys.stderr.flush()
            sys.stderr = _same_stream(sys.stderr, os.dup(self.real))
        pipe = self.process.stdin
        assert pipe is not None
        os.dup2(pipe.fileno(), 2)
        pipe.close()

    def end(self) -> None:
        """Everything as it was, after what is still in the pipe was passed on."""
        if sys.stderr is not self.python_stderr:
            sys.stderr.flush()
            sys.stderr.close()
            sys.stderr = self.python_stderr
        os.dup2(self.real, 2)
        os.close(self.real)
        # A process that the command has left behind may hold the pipe open; it is not waited for.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_SECONDS_TO_END)


class _AtImport:
    """Sees what is imported, and finds nothing itself."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name in _TALKERS:
            drop_native_log()


_allowed = False
_running: _Filter | None = None


@contextlib.contextmanager
def native_log_dropped(*, unless: bool = False) -> Generator[None, None, None]:
    """While the block runs, libraries with a log are imported without it.

    Args:
        unless: leave the log lines where they are.
    """
    global _allowed, _running
    before, _allowed = _allowed, not unless
    watch = _AtImport()
    sys.meta_path.insert(0, cast(MetaPathFinder, watch))
    try:
        yield
    finally:
        sys.meta_path.remove(cast(MetaPathFinder, watch))
        _allowed = before
        if _running is not None and not before:
            _running.end()
            _running = None


def load_tensorflow() -> None:
    """Import TensorFlow, without its log lines if this is a command."""
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")


def drop_native_log() -> None:
    """From now on, drop log lines of native libraries, if this is a command that may."""
    global _running
    if not _allowed or _running is not None:
        return
    with contextlib.suppress(OSError):  # no standard error, or no more processes: nothing is lost
        _running = _Filter()


def _writes_to(stream: TextIO | None, descriptor: int) -> bool:
    try:
        return stream is not None and stream.fileno() == descriptor
    except (OSError, ValueError):  # a stream in memory
        return False


def _same_stream(stream: TextIO, descriptor: int) -> TextIO:
    """A stream like `stream` that writes to `descriptor`."""
    errors = getattr(stream, "errors", None) or "backslashreplace"
    return open(descriptor, "w", buffering=1, encoding=stream.encoding, errors=errors)
