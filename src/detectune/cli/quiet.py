"""TensorFlow without the log lines of its native libraries.

They are written to file descriptor 2, past Python, at any time: when devices are found, when the
first convolution is tried on a GPU, when a compilation is slow. From the moment TensorFlow is
loaded until the command ends, that descriptor is a pipe to `cli.log_filter`, a process that passes
on everything else; Python's own standard error goes on writing where it wrote. It is a process and
not a thread, so that the last words of a library that aborts are passed on, too.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import IO

from detectune.cli import log_filter

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


_allowed = False
_running: _Filter | None = None


@contextlib.contextmanager
def native_log_dropped(*, unless: bool = False) -> Generator[None, None, None]:
    """While the block runs, `load_tensorflow` and `drop_native_log` do what they say.

    Args:
        unless: leave the log lines where they are.
    """
    global _allowed, _running
    before, _allowed = _allowed, not unless
    try:
        yield
    finally:
        _allowed = before
        if _running is not None and not before:
            _running.end()
            _running = None


def load_tensorflow() -> None:
    """Import TensorFlow, without its log lines if this is a command."""
    if "tensorflow" not in sys.modules:
        drop_native_log()
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")


def drop_native_log() -> None:
    """From now on, drop log lines of native libraries, if this is a command that may."""
    global _running
    if not _allowed or _running is not None:
        return
    with contextlib.suppress(OSError):  # no standard error, or no more processes: nothing is lost
        _running = _Filter()


def _writes_to(stream: IO[str] | None, descriptor: int) -> bool:
    try:
        return stream is not None and stream.fileno() == descriptor
    except (OSError, ValueError):  # a stream in memory
        return False


def _same_stream(stream: IO[str], descriptor: int) -> IO[str]:
    """A stream like `stream` that writes to `descriptor`."""
    errors = getattr(stream, "errors", None) or "backslashreplace"
    return open(descriptor, "w", buffering=1, encoding=stream.encoding, errors=errors)
