"""The page of figures: what a whole run of the suite counted, kind by kind."""

from __future__ import annotations

import datetime
import os
import platform
from pathlib import Path
from typing import Any

import pytest
from limits import MOST_BYTES, MOST_CPU_SECONDS

COMMAND = "python -m pytest tests/fuzz -m fuzz --fuzz-figures docs/reference/fuzz.md"
FEWEST = 20_000
GROUPS: dict[str, tuple[str, ...]] = {
    "Annotations": (
        *("coco", "labelme", "via", "label_studio", "createml", "voc", "cvat", "csv"),
        *("open_images", "kitti", "keras_yolo", "yolo labels", "yolo names", "yolo list"),
        *("tfrecord", "folders", "zips"),
    ),
    "Images": (
        *("image PNG", "image JPEG", "image GIF", "image BMP", "image WEBP", "image TIFF"),
        "image files",
    ),
    "Configs": ("configs", "label maps", "overrides"),
    "What is shown": ("boxes on pictures", "names", "names in a page", "images to predict"),
    "Runs and downloads": ("run directories", "archives", "servers", "notes", "addresses"),
}
KINDS = {kind for kinds in GROUPS.values() for kind in kinds}

_HEAD = """# Broken inputs

What became of {inputs:,} broken inputs, made from seed {seed}, each read as the commands read
it. It is *read well*; or read *with a list* of what is doubtful, was mended or
is left out; or *refused* with a message of three parts: place and value, what is allowed, the next
step. Nothing else is allowed: no traceback, no file lost or changed, at most {seconds:g} s of CPU
for an input, and never {megabytes:,} MB of memory more than at the start.

```sh
{command}
```

tries them all and writes this page, unless one fails. These numbers are of {date}, {machine}.
"""
_COLUMNS = (
    *("", "inputs", "read well", "with a list", "refused"),
    *("tracebacks", "files lost", "slowest, s of CPU", "memory above the start, MB"),
)


def page(rows: dict[str, dict[str, Any]], seed: int) -> str:
    """The page, in Markdown.

    Args:
        rows: kind → `Answers.figures`.
    """
    head = _HEAD.format(
        inputs=sum(row["inputs"] for row in rows.values()),
        seed=seed,
        seconds=MOST_CPU_SECONDS,
        megabytes=MOST_BYTES >> 20,
        command=COMMAND,
        date=datetime.date.today().isoformat(),
        machine=f"Python {platform.python_version()}, {os.cpu_count()} {platform.machine()} cores",
    )
    parts = [head]
    for group, kinds in GROUPS.items():
        found = [_cells(rows[kind]) for kind in kinds if kind in rows]
        parts.append(f"## {group}\n\n{_table(found)}")
    return "\n".join([*parts, f"## All\n\n{_table([_cells(_all(rows))])}"])


def _all(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    def column(name: str) -> list[Any]:
        return [row[name] for row in rows.values()]

    counted = ("inputs", "well", "listed", "refused", "tracebacks", "lost")
    sums = {name: sum(column(name)) for name in counted}
    return {
        "kind": "all",
        **sums,
        "seconds": max(column("seconds")),
        "bytes": max(column("bytes")),
    }


def _cells(row: dict[str, Any]) -> list[str]:
    counted = ("inputs", "well", "listed", "refused", "tracebacks", "lost")
    numbers = [f"{row[name]:,}" for name in counted]
    return [row["kind"], *numbers, f"{row['seconds']:.2f}", f"{row['bytes'] / 2**20:,.0f}"]


def _table(rows: list[list[str]]) -> str:
    lines = [_COLUMNS, ("---", *["--:"] * (len(_COLUMNS) - 1)), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


class Figures:
    """A plugin of pytest that collects what the tests counted, from all processes."""

    def __init__(self, file: Path, seed: int) -> None:
        self._file, self._seed = file, seed
        self._rows: dict[str, dict[str, Any]] = {}
        self._said = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            found = [value for name, value in report.user_properties if name == "fuzz"]
            self._rows |= {row["kind"]: row for row in found if isinstance(row, dict)}

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        inputs = sum(row["inputs"] for row in self._rows.values())
        missing = sorted(KINDS - self._rows.keys())
        reason = (
            *(["an input failed"] if exitstatus else []),
            *([f"no figures of {', '.join(missing)}"] if missing else []),
            *([f"only {inputs:,} inputs; -m fuzz tries all"] if inputs < FEWEST else []),
        )
        if reason:
            self._said = f"{self._file} is not written: {reason[0]}."
            return
        self._file.write_text(page(self._rows, self._seed), encoding="utf-8")
        self._said = f"{self._file} is written: {inputs:,} inputs."

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.write_line(self._said)
