"""How a command ends: what is said, and the exit status.

done 0 │ DetectuneError 1 or 2, by its kind │ a wrong command line 2 │ Ctrl-C 130
nobody reads the output 141 │ no memory, a full disk 1 │ anything else: a defect of detectune, 1
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import click

from detectune.cli.messages import messages_shown
from detectune.cli.quiet import native_log_dropped
from detectune.errors import DetectuneError, three_part
from detectune.terminal import say

KEYBOARD, NO_READER = 130, 141  # what shells say of a program that SIGINT or SIGPIPE ended


def run_and_exit(
    command: Callable[[Sequence[str]], int], words: Sequence[str], *, debug: bool = False
) -> NoReturn:
    """Call `command(words)` and leave with its exit status, or that of the error it ends with.

    Args:
        debug: raise errors instead of saying what they mean.
    """
    _write_any_letter()
    with native_log_dropped(unless=debug), messages_shown(debug=debug):
        status = _status(command, words, debug=debug)
    sys.exit(status)


def _status(command: Callable[[Sequence[str]], int], words: Sequence[str], *, debug: bool) -> int:
    try:
        status = _command_status(command, words)
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()  # here, where a full disk or a closed pipe can still be said
        return status
    except Exception as error:
        gone = isinstance(error, BrokenPipeError) and _nobody_reads()
        if debug and not gone:
            raise
        status = NO_READER if gone else _said(error, words)
        _let_go_of_output()
        return status


def _command_status(command: Callable[[Sequence[str]], int], words: Sequence[str]) -> int:
    try:
        return command(words)
    except (KeyboardInterrupt, click.exceptions.Abort):
        say("detectune: stopped by the keyboard.", err=True)
        return KEYBOARD
    except SystemExit as left:
        if left.code is None or isinstance(left.code, int):
            return left.code or 0
        say(f"detectune: {left.code}", err=True)
        return 1


def _said(error: Exception, words: Sequence[str]) -> int:
    """Say what `error` means; its exit status."""
    with contextlib.suppress(OSError):  # nothing can be said where nothing can be written
        return _told(error, words)
    return 1


def _told(error: Exception, words: Sequence[str]) -> int:
    if isinstance(error, click.ClickException):
        say(_usage(error), err=True)
        return error.exit_code
    if isinstance(error, DetectuneError):
        say(f"detectune: {error}", err=True)
        return error.exit_code
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        say(f"detectune: {_no_memory(error)}", err=True)
        return 1
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        say(f"detectune: {_no_space(error)}", err=True)
        return 1
    from detectune.cli.defect import write_defect

    say(f"detectune: {write_defect(error, words)}", err=True)
    return 1


def _usage(error: click.ClickException) -> str:
    """What click shows of a wrong command line, with every letter of it."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return f"Error: {error.format_message()}"
    ask = f"Try '{context.command_path} {context.help_option_names[0]}' for help."
    return f"{context.get_usage()}\n{ask}\n\nError: {error.format_message()}"


def _no_memory(error: Exception) -> str:
    reason = str(error).split("\n")[0]
    return three_part(
        f"There is not enough memory{f': {reason}' if reason else '.'}",
        "A smaller batch, smaller images or fewer of them at a time need less.",
        "Lower train_config.batch_size, for example with --set train_config.batch_size=1, or "
        "close other programs; `detectune doctor` says how much there is.",
    )


def _no_space(error: OSError) -> str:
    return three_part(
        f"{error.filename or 'A file'}: could not be written: there is no space left on the disk.",
        "Files that were there before are whole.",
        "Free some space and start again.",
    )


def _nobody_reads() -> bool:
    """Whether standard output or error is a pipe whose reader has gone, as with `| head`."""
    if not hasattr(select, "poll"):
        return True
    for descriptor in (1, 2):
        pipe = select.poll()
        pipe.register(descriptor, select.POLLOUT)
        if any(event & select.POLLERR for _, event in pipe.poll(0)):
            return True
    return False


def _let_go_of_output() -> None:
    """Output that cannot be written is dropped; Python would try once more at its end, and tell."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _write_any_letter() -> None:
    """A letter that the terminal does not have is written as a code, instead of ending it all."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Any = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
