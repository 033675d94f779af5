"""Whether a command line that a text shows could be typed: its command and its options exist."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import click

from detectune.cli.main import cli


def refuse_unknown(line: str, *, whole: bool = True) -> None:
    """Fail if `line`, "detectune …", has no such command or option, or lacks an argument.

    Args:
        whole: look at its options and arguments, too.

    Raises:
        click.ClickException, AssertionError: what is wrong with it.
    """
    program, *words = shlex.split(line, comments=True)
    assert program == "detectune", line
    command, name = cli, "detectune"
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        context = click.Context(command, info_name=name)
        name = words.pop(0)
        command = command.get_command(context, name)
        assert command is not None, f"{line}: there is no {name}"
    if not whole:
        return
    if "--help" not in words:
        command.make_context(name, words)


def known_options(command: click.Command = cli) -> Iterator[str]:
    """All options of `command` and of what is below it."""
    for parameter in command.get_params(click.Context(command)):
        yield from (name for name in parameter.opts if name.startswith("--"))
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from known_options(command.get_command(context, name))
