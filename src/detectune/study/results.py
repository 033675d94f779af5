"""The trainings of a study as rows, as points of curves, and as `study.csv`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from detectune.study.grid import Cell, Curve, curves_of
from detectune.study.outcomes import Outcome

COLUMNS = (
    "images", "seed", "start", "freeze", "mAP", "mAP@.5", "steps", "seconds", "state", "reason",
)  # fmt: skip


class Row(NamedTuple):
    """A training and what became of it."""

    cell: Cell
    outcome: Outcome | None
    """None if it has not ended."""

    @property
    def state(self) -> str:
        return self.outcome.state if self.outcome else "planned"

    @property
    def is_done(self) -> bool:
        return self.outcome is not None and self.outcome.is_done


class Spread(NamedTuple):
    """A point of a curve: what the seeds came to."""

    images: int
    mean: float
    lowest: float
    highest: float
    seeds: int
    """How many trainings are done."""


def rows_of(cells: Iterable[Cell], outcomes: Mapping[Cell, Outcome]) -> list[Row]:
    """A row for each of `cells`, few images first."""
    ordered = sorted(cells, key=lambda cell: (cell.images, cell.seed))
    return [Row(cell, outcomes.get(cell)) for cell in ordered]


def csv_text(rows: Sequence[Row]) -> str:
    """`rows` as CSV; cells without a number are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        outcome = row.outcome
        numbers: list[object] = ["", "", "", ""]
        if outcome is not None and outcome.is_done:
            numbers = [
                f"{outcome.mean_ap:.4f}", f"{outcome.half:.4f}", outcome.steps,
                f"{outcome.seconds:.1f}",
            ]  # fmt: skip
        writer.writerow([*row.cell, *numbers, row.state, outcome.reason if outcome else ""])
    return text.getvalue()


def spreads(rows: Sequence[Row], number: str) -> dict[Curve, list[Spread]]:
    """The points of each curve, by rising number of images; only trainings that are done count.

    Args:
        number: of the outcome, "mean_ap" or "half".
    """
    found: dict[Curve, list[Spread]] = {}
    for curve in curves_of(row.cell for row in rows):
        mine = [row for row in rows if row.cell.curve == curve and row.is_done]
        counts = sorted({row.cell.images for row in mine})
        found[curve] = [
            _spread(count, [_value(row, number) for row in mine if row.cell.images == count])
            for count in counts
        ]
    return found


def _value(row: Row, number: str) -> float:
    return float(getattr(row.outcome, number))


def _spread(images: int, values: Sequence[float]) -> Spread:
    mean = sum(values) / len(values)
    return Spread(images, mean, min(values), max(values), len(values))
