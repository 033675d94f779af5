"""How long an R-CNN will take: some crops are timed before the work begins."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from detectune.wording import plural

_MINUTE, _BYTES_PER_GB = 60.0, 1e9
_BYTES_ON_DISK, _BYTES_IN_MEMORY = 4, 8
# A solver has vectors of its own beside those that it is given.
_COPIES = 2
TIMED = 2
"""How often something is timed, after once in which it is compiled."""


class CropCount(NamedTuple):
    """What there is to look at."""

    images: int
    crops: int
    """Objects and proposals of all images."""
    dimension: int
    """Numbers of a vector."""
    learned: int
    """Vectors that a support vector machine is given at a time."""

    def said(self, seconds: float) -> str:
        """How long it takes and how much it needs, in words.

        Args:
            seconds: for each crop.
        """
        disk = self.crops * self.dimension * _BYTES_ON_DISK
        memory = min(self.learned, self.crops) * self.dimension * _BYTES_IN_MEMORY * _COPIES
        of_picture = seconds * self.crops / max(self.images, 1)
        return (
            f"{plural(self.crops, 'crop')} of {plural(self.images, 'image')}, "
            f"{seconds * 1000:.2g} ms each: about {spoken(seconds * self.crops)} for their "
            f"vectors, which take {_size(disk)} on the disk and up to {_size(memory)} of memory; "
            f"later about {spoken(of_picture)} to predict on a picture"
        )


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes, done once before."""
    work()
    began = time.monotonic()
    for _ in range(TIMED):
        work()
    return (time.monotonic() - began) / TIMED


def spoken(seconds: float) -> str:
    """`0.4 s`, `35 s`, `12 min`, `3.5 h`."""
    if seconds < 10:
        return f"{seconds:.1g} s" if seconds < 1 else f"{seconds:.0f} s"
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    minutes = seconds / _MINUTE
    return f"{minutes:.0f} min" if minutes < 2 * _MINUTE else f"{minutes / _MINUTE:.1f} h"


def _size(count: int) -> str:
    gigabytes = count / _BYTES_PER_GB
    return f"{gigabytes * 1000:.2g} MB" if gigabytes < 0.1 else f"{gigabytes:.2g} GB"
