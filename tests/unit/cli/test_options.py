"""Values of options that make no sense are refused with what is allowed, before anything runs."""

from __future__ import annotations

import importlib

import click
import pytest

from detectune.cli.arguments import PATH
from detectune.cli.main import COMMANDS, main


def commands(group: click.Command, words: tuple[str, ...]):
    if isinstance(group, click.Group):
        for name, command in group.commands.items():
            yield from commands(command, (*words, name))
    else:
        yield words, group


ALL = [
    one
    for name, (module, attribute, _) in COMMANDS.items()
    for one in commands(getattr(importlib.import_module(module), attribute), (name,))
]
PATHS = (
    "path",
    "file",
    "dir",
    "source",
    "dest",
    "run",
    "folder",
    "url_or_dir",
    "best|last|step|path",
)


def named(parameter: click.Parameter) -> str:
    return (parameter.metavar or parameter.name or "").lower().strip(".")


@pytest.mark.parametrize(("words", "command"), ALL, ids=[" ".join(words) for words, _ in ALL])
def test_every_path_is_of_the_kind_that_is_not_empty(words, command):
    for parameter in command.params:
        if named(parameter).partition("|none")[0] in PATHS:
            assert parameter.type is PATH, (words, parameter.name)
        assert parameter.type is not click.INT, (words, parameter.name)


def refusal(capsys, *words) -> str:
    with pytest.raises(SystemExit) as left:
        main(list(words))
    out, err = capsys.readouterr()
    assert (left.value.code, out) == (2, "")
    return err


@pytest.mark.parametrize(
    ("words", "option", "allowed"),
    [
        (("train", "c", "--model-dir", ""), "--model-dir", "names nothing"),
        (("train", "", "--model-dir", "x"), "PIPELINE_CONFIG", "names nothing"),
        (("config", "check", " "), "FILE", "names nothing"),
        (("data", "split", "a", "b", "--seed", "-1"), "--seed", "range 0<=x<=2147483647"),
        (("data", "preview", "a", "b", "--count", "-1"), "--count", "range 1<=x<=100000"),
        (("data", "preview", "a", "b", "--seed", "-1"), "--seed", "range 0<=x<=2147483647"),
        (("data", "convert", "a", "b", "--to", "coco", "--shards", "0"), "--shards", "range 1<="),
        (("predict", "run", "a", "--out", ""), "--out", "names nothing"),
        (("evaluate", "run", "--limit", "-3"), "--limit", "range x>=1"),
        (("export", "run", "-o", ""), "-o", "names nothing"),
        (("zoo", "download", "x", "--into", ""), "--into", "names nothing"),
        (("init", ""), "PROJECT", "names nothing"),
        (("study", "c", "-o", ""), "-o", "names nothing"),
        (("study", "c", "-o", "x", "--minutes", "0"), "--minutes", "range 0.1<="),
        (("study", "c", "-o", "x", "--steps", "0"), "--steps", "range 1<="),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(capsys, words, option, allowed):
    said = refusal(capsys, *words)
    assert option in said
    assert allowed in said


def test_a_project_with_a_name_that_no_folder_can_have_is_refused(capsys):
    assert refusal(capsys, "init", "x" * 300).splitlines()[-1] == "Choose another place."
