"""When a transfer is given up, and who is told how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there and the bytes there will be (None: the server is silent)."""


@dataclass(frozen=True)
class TransferLimits:
    """When to give up."""

    max_bytes: int = 4 * 2**30
    """No archive of the zoo has more than 1.5 GB."""
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
