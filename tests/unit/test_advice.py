"""What messages advise can be typed: every command in a text of the program exists with these
options, and every option that a text speaks of is one of some command."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from command_lines import known_options, refuse_unknown

import detectune
from detectune.cli.main import COMMANDS

SOURCE = Path(detectune.__file__).parent
# A command in a sentence, in a page, on a line of its own, or after "next: ".
ALONE = rf"^ *(?:next: )?(detectune (?:{'|'.join(COMMANDS)}) .*)$"
COMMAND = re.compile(rf"`(detectune [^`]*)`|<code>(detectune [^<]*)<|{ALONE}", re.MULTILINE)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
# Of other programs.
FOREIGN = {"--force-reinstall", "--query-gpu", "--format"}
# What stands for a value that the program puts in; a number fits wherever a word does.
VALUE = re.compile(r"⟦(\d+)⟧")
# Values that have no spaces, and those that are quoted where they are made.
SAFE = (
    r"shlex\.quote|_spec\(|score|archive\.name|archive_to_download|folder\.name"
    r"|^(where|data|place|into|PROPOSALS)$"
)


class Text(NamedTuple):
    """A literal of the program."""

    place: str
    text: str
    """With ⟦0⟧, ⟦1⟧ … where the program puts values in."""
    values: tuple[str, ...]
    """The expressions that give them."""


def texts() -> list[Text]:
    """Every literal but docstrings, and the styles of pages."""
    found = []
    for file in sorted(SOURCE.rglob("*.py")):
        if file.parent.name in ("protos", "drawing") or file.stem == "drawing":
            continue
        tree = ast.parse(file.read_text("utf-8"))
        name = file.relative_to(SOURCE).as_posix()
        for node in literals(tree):
            if parts := text(node):
                found.append(Text(f"{name}:{node.lineno}", *parts))
    return found


def literals(node: ast.AST) -> Iterator[ast.expr]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue  # a docstring
        if isinstance(child, ast.JoinedStr | ast.Constant):
            yield child
        if not isinstance(child, ast.JoinedStr):
            yield from literals(child)


def text(node: ast.expr) -> tuple[str, tuple[str, ...]] | None:
    if isinstance(node, ast.Constant):
        return (node.value, ()) if isinstance(node.value, str) else None
    joined, values = "", []
    for part in node.values:
        if isinstance(part, ast.Constant):
            joined += part.value
        else:
            joined += f"⟦{len(values)}⟧"
            values.append(ast.unparse(part.value))
    return joined, tuple(values)


TEXTS = texts()


class Command(NamedTuple):
    """A command in a text."""

    place: str
    line: str
    values: tuple[str, ...]
    """The expressions in it."""


def commands() -> list[Command]:
    found = []
    for place, words, values in TEXTS:
        for match in COMMAND.finditer(words.replace("\\\n", " ")):
            line = next(filter(None, match.groups()))
            inside = tuple(values[int(number)] for number in VALUE.findall(line))
            found.append(Command(place, VALUE.sub("1", line), inside))
    return found


def test_enough_commands_were_found():
    assert len(commands()) > 50
    files = {command.place.partition(":")[0] for command in commands()}
    assert {"zoo/table.py", "recipes/new_config_file.py", "training/report_facts.py"} <= files


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.place)
def test_a_command_in_a_message_can_be_typed(command):
    refuse_unknown(command.line)


def test_placeholders_are_plain_words_in_capitals():
    odd = [
        (command.place, word)
        for command in commands()
        for word in command.line.split()
        if re.search(r"[<>\[\]{}]|my_|your|path/to", word)
    ]
    assert odd == []


def test_values_in_a_command_are_quoted_as_a_shell_needs_it():
    """A folder of a user may have spaces in its name."""
    bare = [
        (command.place, value)
        for command in commands()
        for value in command.values
        if not re.search(SAFE, value)
    ]
    assert bare == []


def test_an_option_in_a_message_exists():
    known = {*known_options(), "--help", "--version"}
    odd = {
        (place, option)
        for place, words, _ in TEXTS
        for option in OPTION.findall(words)
        if option not in known | FOREIGN
    }
    assert odd == set()
