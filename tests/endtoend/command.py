"""The command line, called in this process."""

from __future__ import annotations

import contextlib
import html
import io
import re
from pathlib import Path
from typing import NamedTuple

from detectune.cli.main import main


class Outcome(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str


def detectune(*words: object) -> Outcome:
    """Run `detectune WORDS…`."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(word) for word in words])
        except SystemExit as exit_:
            return Outcome(int(exit_.code or 0), out.getvalue(), err.getvalue())
    raise AssertionError("main() returned without an exit status")


def next_on_page(run: Path) -> list[str]:
    """The commands that the report of `run` shows under "What next"."""
    page = (run / "report.html").read_text("utf-8")
    section = page.partition("What next</h2>")[2].partition("</section>")[0]
    return [html.unescape(text) for text in re.findall("<pre>(.*?)</pre>", section)]
