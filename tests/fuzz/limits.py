"""How long an input may keep the program busy, and how much memory it may take."""

from __future__ import annotations

import contextlib
import resource
import signal
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import FrameType
from typing import NamedTuple

MOST_CPU_SECONDS, MOST_WAITING_SECONDS = 10.0, 60.0
MOST_BYTES = 1 << 30
# Seconds until somebody who catches everything is interrupted once more.
_AGAIN = 5.0


class TooLong(BaseException):
    """Raised inside what an input keeps busy too long; nothing that is tested catches it."""


class Spent(NamedTuple):
    """What an input took."""

    seconds: float
    """Of CPU, all threads together."""
    bytes: int
    """The most memory of the process while it was tried, above that at the first input of all."""


class Meter:
    """Measures what happens inside `running`."""

    def __init__(self) -> None:
        self.spent = Spent(0.0, 0)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Inside, an input is tried; what never ends is interrupted with `TooLong`."""
        start = memory_at_start()
        _forget_peak()
        began = time.process_time()
        try:
            with _interrupted(), _no_more_than(4 * MOST_BYTES):
                yield
        finally:
            self.spent = Spent(time.process_time() - began, max(peak_bytes() - start, 0))


@cache
def memory_at_start() -> int:
    """Memory of the process when this was first asked for: that of Python and the libraries."""
    return peak_now()


def peak_bytes() -> int:
    """The most memory that this process had, since `_forget_peak` where the system can forget."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def peak_now() -> int:
    """The memory of this moment."""
    _forget_peak()
    return peak_bytes()


def _forget_peak() -> None:
    # Linux, proc(5): 5 sets the peak to the memory of now. Elsewhere it is that of all inputs
    # before, which is too much and never too little.
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


@contextlib.contextmanager
def _no_more_than(more: int) -> Iterator[None]:
    """Inside, whoever asks for `more` memory gets a MemoryError, and the machine stays alive."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:  # not Linux
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (most if hard < 0 else min(most, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextlib.contextmanager
def _interrupted() -> Iterator[None]:
    """Inside, too much CPU or too long a wait raises `TooLong`, again and again."""

    ended = False

    def stop(number: int, frame: FrameType | None) -> None:
        if not ended:
            raise TooLong("CPU" if number == signal.SIGPROF else "waiting")

    timers = (
        (signal.SIGPROF, signal.ITIMER_PROF, MOST_CPU_SECONDS),
        (signal.SIGALRM, signal.ITIMER_REAL, MOST_WAITING_SECONDS),
    )
    before = [(signal.signal(number, stop), signal.getitimer(timer)) for number, timer, _ in timers]
    try:
        for _, timer, seconds in timers:
            signal.setitimer(timer, seconds, _AGAIN)
        yield
    finally:
        ended = True
        for (number, timer, _), (handler, times) in zip(timers, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)
            signal.setitimer(timer, *times)
