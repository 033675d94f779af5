"""`docs/reference/cli.md`, from the commands themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from detectune.cli.main import COMMANDS, cli

HEADER = """# Command line

<!-- Written by tools/generate_docs.py from src/detectune/cli. -->

`detectune COMMAND --help` says the same. Exit status: 0 done, 1 failed, 2 what was typed or
written in a file is wrong; 130 stopped by Ctrl-C, 141 nobody reads the output (`| head`). Errors
have no traceback unless `--debug` is on the line; a defect of detectune says so, with status 1, and
leaves a file to attach to an issue.

- RUN is a run directory, an unpacked zoo archive, or a folder of the original's exporter.
- SOURCE is a folder or file of images with annotations; its format is recognised, or named as
  `coco:PATH`, `voc:PATH`, `yolo:PATH`, `csv:PATH`, `tfrecord:PATTERN`.
"""


def cli_page() -> str:
    """Every command with its arguments and options, as Markdown."""
    context = click.Context(cli, info_name="detectune")
    pieces = [HEADER]
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        pieces += list(_sections(command, f"detectune {name}"))
    return "\n".join(pieces).rstrip() + "\n"


def _sections(command: click.Command, name: str) -> Iterator[str]:
    level = "#" * min(name.count(" ") + 1, 3)
    yield f"{level} {name}\n"
    yield inspect.cleandoc(command.help or "").replace("\b\n", "") + "\n"
    if isinstance(command, click.Group):
        for part, child in sorted(command.commands.items()):
            yield from _sections(child, f"{name} {part}")
        return
    arguments = [_argument(part) for part in command.params if isinstance(part, click.Argument)]
    yield f"```\n{' '.join([name, '[OPTIONS]', *arguments])}\n```\n"
    rows = [_option(part) for part in command.params if isinstance(part, click.Option)]
    if rows:
        yield "\n".join(["| option | |", "|---|---|", *rows]) + "\n"


# By hand, because click's own lines differ from version to version.


def _argument(argument: click.Argument) -> str:
    name = argument.metavar or str(argument.name).upper()
    return name if argument.nargs == 1 or name.endswith("...") else f"{name}..."


def _option(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in option.opts)
    value = "" if option.is_flag else f" {_value(option)}"
    notes = [str(option.help or "")]
    if option.show_default:
        notes.append(f"By default {option.default}.")
    if option.required:
        notes.append("Required.")
    if option.multiple:
        notes.append("May be repeated.")
    row = f"| {names}{value} | {' '.join(filter(None, notes))} |"
    return row if "|" not in value else row.replace(value, value.replace("|", "\\|"))


def _value(option: click.Option) -> str:
    if option.metavar:
        return option.metavar
    if isinstance(option.type, click.Choice):
        return "|".join(str(choice) for choice in option.type.choices)
    if isinstance(option.type, click.Path):
        return "PATH"
    kinds = {"integer": "N", "integer range": "N", "float": "NUMBER", "float range": "NUMBER"}
    return kinds.get(option.type.name, "TEXT")
