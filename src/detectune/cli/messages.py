"""Warnings of detectune on standard error, without those that libraries mean for programmers."""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from collections.abc import Generator

from detectune.terminal import say


class _Said(logging.Handler):
    """Prints what detectune warns of."""

    def emit(self, record: logging.LogRecord) -> None:
        say(f"{record.levelname.lower()}: {record.getMessage()}", err=True)


@contextlib.contextmanager
def messages_shown(*, debug: bool = False) -> Generator[None]:
    """Show warnings of detectune while the block runs, and Python's only where asked for.

    Args:
        debug: show Python's warnings, too; `python -W` does as well.
    """
    log, handler = logging.getLogger("detectune"), _Said(logging.WARNING)
    log.addHandler(handler)
    try:
        with warnings.catch_warnings():
            if not (debug or sys.warnoptions or _are_errors()):
                warnings.simplefilter("ignore")
            yield
    finally:
        log.removeHandler(handler)


def _are_errors() -> bool:
    """Whether somebody has made all warnings errors, as tests do."""
    return any(action == "error" and kind is Warning for action, _, kind, _, _ in warnings.filters)
