"""The one place that writes to a terminal: plain text in, nothing that the terminal obeys out.

`say` prints text, `print_table` a table, `progress_bar` shows how far long work is. Names from
files keep every letter: what looks like markup (`[red]x`) stays as it is, and escapes and other
controls are shown as codes, see `detectune.wording`. A test sees to it that nobody prints past it.

rich is imported where it is used, because error messages and `--help` do without it.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from detectune.wording import one_line, visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn

Item = TypeVar("Item")


def say(text: object = "", *, err: bool = False, style: str = "") -> None:
    """Print `text`, whose lines stay as long as they are, to standard output.

    Args:
        err: to standard error.
        style: of rich, such as "yellow", where the terminal has colours.
    """
    if style:
        from rich.text import Text

        console(err=err).print(Text(visible(str(text)), style=style), soft_wrap=True)
    else:
        _write(f"{visible(str(text))}\n", sys.stderr if err else sys.stdout)


def write_out(text: str) -> None:
    """Write `text`, which other programs read, to standard output as it is."""
    _write(text, sys.stdout)


def print_table(
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str = "",
    numbers: int = 0,
    err: bool = False,
) -> None:
    """Print a table to standard output.

    Args:
        rows: cells of plain text; line breaks in a cell are kept.
        title: a line above it.
        numbers: so many columns on the right hold numbers, and are set flush right.
        err: to standard error.
    """
    console(err=err).print(_table(header, rows, title, numbers))


def console(*, err: bool = False) -> Console:
    """A console that takes every text literally. Names given to it go through `visible` first."""
    from rich.console import Console

    return Console(stderr=err, markup=False, highlight=False, emoji=False)


@contextlib.contextmanager
def progress_bar(*columns: ProgressColumn, screen: Console | None = None) -> Generator[Progress]:
    """A progress bar on standard error while the block runs, if that is a terminal; then gone.

    Args:
        columns: of rich; a name, a bar and the time left if none are given.
        screen: another console, on which something is shown even where there is no terminal.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    usual = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    shown = screen or console(err=True)
    hidden = screen is None and not shown.is_terminal
    with Progress(*(columns or usual), console=shown, transient=True, disable=hidden) as bar:
        yield bar


def tracked(items: Sequence[Item], what: str) -> Iterator[Item]:
    """`items`, one after the other, with a progress bar called `what`."""
    with progress_bar() as bar:
        yield from bar.track(items, description=one_line(what))


def _table(
    header: Sequence[str], rows: Iterable[Sequence[object]], title: str, numbers: int
) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(visible(title)) if title else None, title_justify="left")
    for index, name in enumerate(header):
        right = index >= len(header) - numbers
        table.add_column(Text(visible(name)), justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(str(cell))) for cell in row))
    return table


def _write(text: str, stream: Any) -> None:
    """Write `text`, with codes in place of letters that the encoding of `stream` does not have."""
    if stream is None:  # the program was started without one
        return
    if not text.isascii():
        encoding = getattr(stream, "encoding", None) or "utf-8"
        text = text.encode(encoding, "backslashreplace").decode(encoding)
    stream.write(text)
    stream.flush()
