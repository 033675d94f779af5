"""When a transfer is given up, and who is told how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there and the bytes there will be (None: the server is silent)."""


@dataclass(frozen=True)
class Content:
    """What kind of file is expected, so that anything else is refused at its first bytes."""

    signature: bytes
    name: str
    """With its article: "an archive"."""
    form: str
    """A sentence about what such a file is."""


ARCHIVE = Content(b"\x1f\x8b", "an archive", "An archive is a .tar.gz file.")
HDF5 = Content(b"\x89HDF\r\n\x1a\n", "a file of weights", "Weights of Keras are an HDF5 file.")


@dataclass(frozen=True)
class TransferLimits:
    """When to give up."""

    content: Content = ARCHIVE
    """What must arrive."""
    max_bytes: int = 4 * 2**30
    """No archive of the zoo has more than 1.5 GB, and no file of Keras's."""
    timeout_seconds: float = 30.0
    """Longest silence of the server."""
    attempts: int = 5
    """Attempts in a row that bring nothing new."""
    pause_seconds: float = 1.0
    """Before the second attempt; doubled each time."""
    slow_seconds: float = 60.0
    """How often is looked whether enough arrives."""
    slow_bytes: int = 60 * 1024
    """What must have arrived meanwhile."""
