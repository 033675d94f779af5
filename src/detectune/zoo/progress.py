"""A progress bar for downloads."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

from detectune.zoo.transfer import Progress


@contextlib.contextmanager
def progress_bar(label: str) -> Generator[Progress, None, None]:
    """A bar with bytes, rate and remaining time on stderr; nothing if that is no terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(label, total=None)

        def show(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total)

        yield show
