"""What the suite owes itself: it counts rightly, and it fails where an input does."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import answers as module
import figures
import limits
import pytest
from answers import Answers

from detectune.errors import DataError, three_part


def test_each_input_is_counted_once_as_what_it_was():
    those = Answers("coco")
    with those.input("well"):
        pass
    with those.input("listed") as one:
        one.listed = True
    with those.input("refused"):
        raise DataError(three_part("a", "b", "c"))
    with those.input("three at once", count=3) as one:
        one.listed = 2
    with those.input("listed and refused") as one:
        one.listed = True
        assert one.message_of(lambda: refuse("a\nb\nc")) == "a\nb\nc"
    those.check()
    assert (those.inputs, those.well, those.listed, those.refused) == (7, 2, 3, 2)


def refuse(message: str) -> None:
    raise DataError(message)


def spin(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        sum(range(1000))


only_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda folder: {}["no such key"], "KeyError: 'no such key'"),
        (lambda folder: refuse("one line"), "fewer than three parts: one line"),
        (lambda folder: refuse("a\n \nc"), "an empty part"),
        (lambda folder: refuse("a\x1b[31m\nb\nc"), "an escape in the message"),
        (lambda folder: (folder / "a.txt").unlink(), "lost or changed"),
        (lambda folder: (folder / "a.txt").write_text("other"), "lost or changed"),
        (lambda folder: os.open(folder / "pipe", os.O_RDONLY), "TooLong: waiting"),
        (lambda folder: spin(5), "TooLong: CPU"),
        (lambda folder: bytearray(64 << 20), "bytes above the start"),
        pytest.param(lambda folder: bytearray(8 << 30), "MemoryError", marks=only_linux),
    ],
)
def test_an_input_that_ends_in_another_way_fails_with_its_name(tmp_path, monkeypatch, call, words):
    monkeypatch.setattr(limits, "MOST_CPU_SECONDS", 0.3)
    monkeypatch.setattr(limits, "MOST_WAITING_SECONDS", 0.5)
    monkeypatch.setattr(limits, "MOST_BYTES", limits.peak_now() - limits.memory_at_start() + 2**25)
    (tmp_path / "a.txt").write_text("mine")
    os.mkfifo(tmp_path / "pipe")
    those = Answers("coco")
    with those.input("the third", [tmp_path]):
        call(tmp_path)
    with those.input("the fourth"):
        pass
    assert those.inputs == 2
    with pytest.raises(AssertionError, match="of 2 failed") as caught:
        those.check()
    assert "coco: the third: " in str(caught.value)
    assert words in str(caught.value)
    assert (those.tracebacks, those.lost) == ("Error" in words, "lost" in words)


def test_files_are_compared_by_content_and_kind(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a").write_text("1")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    before = module.contents([tmp_path])
    assert module.contents([tmp_path]) == before
    (tmp_path / "x" / "new").write_text("2")
    assert before.items() < module.contents([tmp_path]).items()
    (tmp_path / "loop").unlink()
    (tmp_path / "pipe").unlink()
    assert before.items() < module.contents([tmp_path]).items()
    (tmp_path / "x" / "a").unlink()
    (tmp_path / "x" / "a").symlink_to("new")
    assert not before.items() <= module.contents([tmp_path]).items()


def row(kind: str) -> dict:
    return {
        **Answers(kind, inputs=1000, well=999, refused=1, seconds=0.5).figures(),
        "bytes": 2**21,
    }


def test_a_page_has_every_kind_and_the_sums():
    page = figures.page({kind: row(kind) for kind in figures.KINDS}, seed=3)
    assert "| coco | 1,000 | 999 | 0 | 1 | 0 | 0 | 0.50 | 2 |" in page
    count = len(figures.KINDS)
    assert f"| all | {count},000 | {999 * count:,} | 0 | {count} | 0 | 0 | 0.50 | 2 |" in page
    assert f"{count},000 broken inputs, made from seed 3" in page


class Report:
    when = "call"

    def __init__(self, kind: str) -> None:
        self.user_properties = [("fuzz", row(kind))]


@pytest.mark.parametrize(
    ("left_out", "exit_status", "said"),
    [
        ("", 0, f"is written: {len(figures.KINDS)},000 inputs."),
        ("coco", 0, "is not written: no figures of coco."),
        ("", 1, "is not written: an input failed."),
    ],
)
def test_only_a_whole_run_without_failures_is_written(tmp_path, left_out, exit_status, said):
    plugin, lines = figures.Figures(tmp_path / "page.md", 0), []
    for kind in figures.KINDS - {left_out}:
        plugin.pytest_runtest_logreport(Report(kind))
    plugin.pytest_sessionfinish(exit_status)
    plugin.pytest_terminal_summary(type("Lines", (), {"write_line": lines.append}))
    assert lines == [f"{tmp_path / 'page.md'} {said}"]
    assert (tmp_path / "page.md").exists() == ("is written" in said)


def test_the_page_in_the_documentation_is_of_this_suite_and_nothing_failed():
    root = Path(__file__).resolve().parents[2]
    text = (root / "docs" / "reference" / "fuzz.md").read_text("utf-8")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    kinds = {row[0]: row[1:] for row in rows if len(row) == 9 and row[1][0].isdigit()}
    assert kinds.keys() == figures.KINDS | {"all"}
    numbers = {
        kind: [int(cell.replace(",", "")) for cell in row[:6]] for kind, row in kinds.items()
    }
    assert all(sum(row[1:4]) == row[0] for row in numbers.values())
    assert numbers["all"][0] >= figures.FEWEST
    assert [kind for kind, row in numbers.items() if row[4] or row[5]] == []
    assert all(float(row[6]) < limits.MOST_CPU_SECONDS for row in kinds.values())
    assert "      - reference/fuzz.md\n" in (root / "mkdocs.yml").read_text("utf-8")
    for page in (text, (root / "CONTRIBUTING.md").read_text("utf-8")):
        assert figures.COMMAND in page
