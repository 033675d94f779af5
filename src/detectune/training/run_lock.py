"""One training at a time in a run directory."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path

from detectune.folder_lock import folder_in_use, locked
from detectune.training.console import RunConsole

LOCK = "training.lock"
"""There while a training writes to the run directory, and after one that was killed."""


@contextlib.contextmanager
def run_lock(path: Path, console: RunConsole) -> Generator[None, None, None]:
    """The run directory `path` belongs to this training while the block runs.

    Raises:
        ConfigError: another training works there.
        WriteError: nothing can be written there.
    """
    file = path / LOCK
    with locked(file, folder_in_use(path, "a training", file)) as before:
        if before is not None:
            console.say(f"taken over from {before}, which has ended without finishing")
        yield
