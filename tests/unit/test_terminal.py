"""One place prints, and it takes every name literally."""

from __future__ import annotations

import ast
import io
import sys
from pathlib import Path

import detectune
from detectune.terminal import print_table, say, tracked, write_out
from detectune.training.console import RunConsole

SOURCES = Path(detectune.__file__).parent
# `print_function` of COCO is a silent one; `terminal` is the place itself; the filter is a program
# of its own.
ALLOWED = {"terminal.py"}
_RICH = ("rich", "rich.table", "rich.markup", "rich.text")


def test_markup_is_text(capsys):
    say("[red]x")
    say("cube [/5] :smile:", style="bold")
    print_table(["class"], [["[red]x [/5] :smile:"]], title="[b]t")
    out = capsys.readouterr().out
    assert out.startswith("[red]x\ncube [/5] :smile:\n")
    assert "[b]t" in out
    assert "[red]x [/5] :smile:" in out


def test_escapes_are_codes_on_both_streams_and_while_training(capsys):
    say("\x1b[31mred", err=True)
    console = RunConsole()
    console.say("class \x1b]0;t\x07 [red]")
    with console.training(0, 2):
        console.phase("a\x1b[2J [/x]")
        console.step(1, {"Loss/total_loss": 1.0})
    err = capsys.readouterr().err
    assert err.startswith("\\x1b[31mred\n")
    assert "class \\x1b]0;t\\x07 [red]" in err
    assert "\x1b]0" not in err
    assert "\x1b[2J" not in err


def test_a_long_name_is_folded_and_lost_nowhere(capsys):
    print_table(["class", "number"], [["x" * 500, 3]], numbers=1)
    assert capsys.readouterr().out.count("x") == 500


def test_letters_that_the_terminal_lacks_are_codes(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "ascii"))
    say("straße 警")
    assert raw.getvalue() == b"stra\\xdfe \\u8b66\n"


def test_a_program_without_standard_output_prints_nowhere(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    say("x")
    write_out("x")


def test_tracked_items_are_all_there():
    assert list(tracked(range(5), "[/x] \x1b[2J")) == [0, 1, 2, 3, 4]


def prints(tree: ast.AST) -> list[str]:
    """Calls and imports that write to a terminal."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in ("print", "Console", "warnings.warn") or called.endswith(
                ("click.echo", "click.secho", "stdout.write", "stderr.write", "from_markup")
            ):
                found.append(called)
        elif isinstance(node, ast.ImportFrom) and node.module in _RICH:
            found.append(node.module)
        elif isinstance(node, ast.Import):
            found += [one.name for one in node.names if one.name.split(".")[0] == "rich"]
    return found


def test_nobody_prints_past_it():
    found = {}
    for file in SOURCES.rglob("*.py"):
        if file.name not in ALLOWED and (said := prints(ast.parse(file.read_text("utf-8")))):
            found[file.relative_to(SOURCES).as_posix()] = said
    assert found == {}


def test_what_is_looked_for_is_found():
    code = "print(1); click.echo(x); from rich.table import Table; sys.stdout.write(y); Console()"
    assert len(prints(ast.parse(code))) == 5
    assert prints(ast.parse("say(x); console.print(y); Table()")) == []


def test_only_columns_of_progress_bars_come_from_rich_elsewhere():
    for file in SOURCES.rglob("*.py"):
        if file.name not in ALLOWED:
            assert "rich.progress import track" not in file.read_text("utf-8"), file
