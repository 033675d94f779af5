"""A progress bar for downloads."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

from detectune import terminal
from detectune.wording import one_line
from detectune.zoo.transfer_limits import Progress


@contextlib.contextmanager
def progress_bar(label: str) -> Generator[Progress, None, None]:
    """A bar with bytes, rate and remaining time on stderr; nothing if that is no terminal."""
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with terminal.progress_bar(*columns) as bar:
        task = bar.add_task(one_line(label), total=None)

        def show(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total)

        yield show
