"""`study.json`: what a study consists of, so that it can be gone on with and extended.

A study that goes on may be asked for more seeds, numbers of images, starts or freezing. What makes
trainings comparable stays: config, data, length, checkpoints.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from detectune.errors import ConfigError, three_part
from detectune.files import read_regular, write_text
from detectune.study.grid import Cell
from detectune.wording import first_names, one_line, plural

PLAN = "study.json"
_FORMAT, _MOST_BYTES, _MOST_LINES = 1, 1 << 26, 6


@dataclass(frozen=True)
class Plan:
    """What a study consists of."""

    config: str
    """The text of the config."""
    config_file: str
    images: int
    """How many training images can be read."""
    names: str
    """SHA-256 of their names and classes, in order."""
    steps: int | None
    """As an option says; None for those of the config, or of `minutes`."""
    minutes: float | None
    checkpoints: dict[str, str]
    """Start → where its weights are."""
    cells: tuple[Cell, ...]
    steps_within: dict[str, int]
    """Freezing → the steps that fit into `minutes`, where that was measured."""


def fingerprint(names: Sequence[str], classes: Sequence[frozenset[int]]) -> str:
    """Of the images to choose from: other names, another order or other classes make another."""
    digest = hashlib.sha256()
    for name, kinds in zip(names, classes, strict=True):
        digest.update(f"{name}\n{sorted(kinds)}\n".encode())
    return digest.hexdigest()


def write_plan(folder: Path, plan: Plan) -> None:
    """Write `plan` into the study `folder`."""
    write_text(folder / PLAN, json.dumps({"format": _FORMAT, **asdict(plan)}, indent=1) + "\n")


def read_plan(folder: Path) -> Plan | None:
    """The plan of the study in `folder`; None if there is no study.

    Raises:
        ConfigError: something else is there, or the plan is damaged.
    """
    file = folder / PLAN
    if not file.exists():
        _refuse_other_things(folder)
        return None
    try:
        fields: Any = json.loads(read_regular(file, _MOST_BYTES).decode("utf-8"))
        if fields.pop("format") != _FORMAT:
            raise ValueError("it is of another version")
        fields["cells"] = tuple(Cell(*_cell(entry)) for entry in fields["cells"])
        plan = Plan(**fields)
        _check(plan)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(
            three_part(
                f"{file}: it cannot be read: {one_line(error)}.",
                "It holds the plan of the study, as the command wrote it.",
                "Put it back as it was, or choose another folder with -o.",
            )
        ) from error
    return plan


def _check(plan: Plan) -> None:
    """Refuse values of another kind than a study writes."""
    texts = [plan.config, plan.config_file, plan.names, *dict(plan.checkpoints).values()]
    numbers = [plan.images, *dict(plan.steps_within).values()]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a text is none")
    if not all(type(number) is int for number in numbers):
        raise TypeError("a number is none")


def _cell(entry: Any) -> tuple[Any, ...]:
    images, seed, start, freeze = entry
    if not (type(images) is type(seed) is int and type(start) is type(freeze) is str):
        raise TypeError(f"{entry} is no training")
    return images, seed, start, freeze


def _refuse_other_things(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        found = "it is a file"
    else:
        names = sorted(file.name for file in folder.iterdir()) if folder.exists() else []
        # What a study leaves that was killed before its plan was there.
        others = [name for name in names if not name.startswith(("study.lock", f".{PLAN}"))]
        if not others:
            return
        found = f"there is no study in it, but {first_names([one_line(n) for n in others], 3)}"
    raise ConfigError(
        three_part(
            f"-o {one_line(folder)}: {found}.",
            "A study needs a folder of its own, new or with a study to go on with.",
            "Choose another folder.",
        )
    )


def extended(before: Plan, asked: Plan, folder: Path) -> Plan:
    """`before` with what `asked` has more of.

    Raises:
        ConfigError: the trainings of the two could not be compared.
    """
    changes = _changes(before, asked)
    if changes:
        raise ConfigError(
            three_part(
                f"{one_line(folder)}: the study here has {changes[0]}",
                "Trainings are compared that differ in images, seed, start and freezing alone; "
                "--images, --seeds, --start and --freeze may ask for more.",
                "Go back to what it began with, or choose another folder with -o.",
            )
        )
    more = [cell for cell in asked.cells if cell not in before.cells]
    return replace(
        before,
        checkpoints={**before.checkpoints, **asked.checkpoints},
        cells=(*before.cells, *more),
    )


def _changes(before: Plan, asked: Plan) -> list[str]:
    found: list[str] = []
    if before.config != asked.config:
        found.append(f"another config: {_difference(before.config, asked.config)}.")
    if before.images != asked.images:
        found.append(
            f"{plural(before.images, 'training image')}, and now there are {asked.images}."
        )
    elif before.names != asked.names:
        found.append("training images of other names or classes.")
    if (before.steps, before.minutes) != (asked.steps, asked.minutes):
        found.append(f"trainings of {_length(before)}, and {_length(asked)} are asked for.")
    found += [
        f"the {start} checkpoint {one_line(path)}, and now it is "
        f"{one_line(asked.checkpoints[start])}."
        for start, path in before.checkpoints.items()
        if asked.checkpoints.get(start, path) != path
    ]
    return found


def _difference(before: str, after: str) -> str:
    """Lines that are gone with a −, new ones with a +."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    changed = [
        f"{line[0]} {one_line(line[1:].strip())}"
        for line in lines
        if line[:1] in "+-" and not line.startswith(("+++", "---"))
    ]
    return first_names(changed, _MOST_LINES)


def _length(plan: Plan) -> str:
    if plan.minutes is not None:
        return f"{plan.minutes:g} min each (--minutes)"
    return f"{plan.steps:,} steps (--steps)" if plan.steps else "the steps of the config"
