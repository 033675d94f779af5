"""What became of one training of a study, in a small file beside its run directory."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, NamedTuple

from detectune.files import read_regular, write_text


class CellFiles(NamedTuple):
    """Where the files of a training are."""

    config: Path
    run: Path
    outcome: Path


@dataclass(frozen=True)
class Outcome:
    """What became of a training."""

    state: Literal["done", "failed"]
    mean_ap: float | None = None
    """mAP of the best evaluation, 0 to 1."""
    half: float | None = None
    """mAP@.5 of the same evaluation."""
    steps: int = 0
    seconds: float = 0.0
    """Of training and evaluating, over all resumptions."""
    step_seconds: float = 0.0
    """Of one step, without the first; 0 if nothing said it."""
    evaluation_seconds: float = 0.0
    """Of the last evaluation."""
    reason: str = ""
    """Why it failed."""

    @property
    def is_done(self) -> bool:
        return self.state == "done"


def failed(reason: str) -> Outcome:
    """That a training ended without a result."""
    return Outcome("failed", reason=reason)


def write_outcome(path: Path, outcome: Outcome) -> None:
    """Write `outcome` to `path`, atomically."""
    write_text(path, json.dumps(asdict(outcome), indent=1) + "\n")


def read_outcome(path: Path) -> Outcome | None:
    """What the file says; None if it is missing or damaged: the training is then looked at again.

    That costs seconds, because its run directory says that it has nothing to do.
    """
    try:
        found: Any = json.loads(read_regular(path).decode("utf-8"))
        outcome = Outcome(**{field.name: found[field.name] for field in fields(Outcome)})
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return outcome if _is_sound(outcome) else None


def _is_sound(outcome: Outcome) -> bool:
    numbers = (outcome.steps, outcome.seconds, outcome.step_seconds, outcome.evaluation_seconds)
    scores = (outcome.mean_ap, outcome.half)
    if outcome.is_done and not all(_is_number(score) for score in scores):
        return False
    return (
        outcome.state in ("done", "failed")
        and isinstance(outcome.reason, str)
        and all(_is_number(number) for number in numbers)
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
