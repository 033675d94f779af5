"""However a command ends, it says why, with the right status; a defect leaves a file to attach."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from detectune.cli import defect, ending
from detectune.cli.defect import defect_report, without_secrets
from detectune.errors import ConfigError, WriteError


def ends(monkeypatch, error: BaseException | None, words=("train", "x.config")):
    """The exit status of a command that ends with `error`."""

    def command(_words):
        if error is not None:
            raise error
        return 0

    with pytest.raises(SystemExit) as left:
        ending.run_and_exit(command, words)
    return left.value.code


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (None, 0, ""),
        (ConfigError("a\nb\nc"), 2, "detectune: a\nb\nc\n"),
        (WriteError("a\nb\nc"), 1, "detectune: a\nb\nc\n"),
        (KeyboardInterrupt(), 130, "detectune: stopped by the keyboard.\n"),
        (SystemExit(), 0, ""),
        (SystemExit(3), 3, ""),
        (SystemExit("no \x1b"), 1, "detectune: no \\x1b\n"),
        (click.UsageError("no such \x1b[2J"), 2, "Error: no such \\x1b[2J\n"),
    ],
)
def test_endings_that_are_meant(monkeypatch, capsys, tmp_path, error, status, said):
    monkeypatch.chdir(tmp_path)
    assert ends(monkeypatch, error) == status
    assert capsys.readouterr().err == said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "There is not enough memory."),
        (MemoryError("Unable to allocate 7.7 GiB"), "not enough memory: Unable to allocate 7.7"),
        (OSError(errno.ENOSPC, "x", "a.txt"), "a.txt: could not be written: there is no space"),
    ],
)
def test_what_the_machine_lacks_is_no_defect(monkeypatch, capsys, tmp_path, error, said):
    monkeypatch.chdir(tmp_path)
    assert ends(monkeypatch, error) == 1
    text = capsys.readouterr().err
    assert said in text
    assert len(text.splitlines()) == 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "error", [KeyError("x"), EOFError(), RecursionError(), AssertionError(), OSError(5, "io")]
)
def test_what_nobody_expected_is_a_defect_with_a_file(monkeypatch, capsys, tmp_path, error):
    monkeypatch.chdir(tmp_path)
    assert ends(monkeypatch, error, ["predict", "a b"]) == 1
    text = capsys.readouterr().err
    assert "This is a defect of detectune" in text
    assert "this result is not to be used" in text
    assert "Traceback" not in text
    (file,) = tmp_path.iterdir()
    assert f"Please attach {file}" in text
    report = file.read_text()
    assert "detectune predict 'a b'" in report
    assert "Traceback (most recent call last):" in report
    assert f"{type(error).__name__}" in report
    assert "tensorflow         2." in report


def test_a_defect_names_the_line_of_detectune(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)

    def command(_words):
        return without_secrets(None)  # type: ignore[arg-type]

    with pytest.raises(SystemExit):
        ending.run_and_exit(command, [])
    assert "This is a defect of detectune, at cli/defect.py:" in capsys.readouterr().err


def test_a_defect_where_nothing_can_be_written_is_told_in_full(monkeypatch, capsys):
    def nowhere(*_):
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr(defect, "_write", nowhere)
    assert ends(monkeypatch, KeyError("x")) == 1
    text = capsys.readouterr().err
    assert "Please report it at" in text
    assert "Traceback (most recent call last):" in text


def test_debug_raises_what_happened():
    def command(_words):
        raise KeyError("x")

    with pytest.raises(KeyError):
        ending.run_and_exit(command, [], debug=True)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("--mirror https://me:pw@host/x?token=abc#f y", "--mirror https://…@host/x?… y"),
        ("DETECTUNE_API_KEY=abc", "DETECTUNE_API_KEY=…"),
        ("{'password': 'abc', 'x': 1}", "{'password': '…', 'x': 1}"),
        ("Authorization: Bearer abc", "Authorization: Bearer …"),
        ("train a.config --set train_config.seed=1", "train a.config --set train_config.seed=1"),
    ],
)
def test_no_secret_is_in_the_file(text, left):
    assert without_secrets(text) == left


def test_the_file_has_no_home_folder_and_no_escape(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    report = defect_report(KeyError("\x1b[2J"), ["predict", "/home/somebody/run\x1b[2J"])
    assert "somebody" not in report
    assert "\x1b" not in report
    assert "~/run" in report


def run(shell: str) -> subprocess.CompletedProcess[str]:
    """`shell` with `$D` for the command."""
    source = str(Path(defect.__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": source, "D": f"{sys.executable} -m detectune"}
    return subprocess.run(
        ["bash", "-c", shell], env=environment, capture_output=True, text=True, timeout=120
    )


def test_nobody_has_to_read_all_of_it():
    done = run("$D zoo list | true; echo ${PIPESTATUS[0]}; $D zoo list --json | head -c 5")
    status, begin = done.stdout.split("\n", 1)
    assert status in ("141", "0")  # 0 if it had written all before the reader went
    assert begin == "[\n  {"
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux only")
def test_a_full_disk_behind_standard_output_is_said():
    done = run("$D zoo list > /dev/full; echo $?")
    assert done.stdout == "1\n"
    assert "there is no space left on the disk" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_program_without_any_stream_ends_well():
    assert run("$D zoo list >&- 2>&-; echo $?").stdout == "0\n"
