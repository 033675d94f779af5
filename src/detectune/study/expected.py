"""How long what is left of a study will take, by what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from detectune.study.grid import Cell


def expected_seconds(
    left: Sequence[Cell], measured: Mapping[Cell, float], minutes: float | None
) -> float | None:
    """Seconds for all of `left`; None if nothing is known.

    What is frozen decides over the time of a step, so trainings that freeze the same count first.

    Args:
        measured: seconds of trainings that are done.
        minutes: that each takes, if that was asked for.
    """
    if minutes is not None:
        return len(left) * minutes * 60
    if not measured:
        return None
    usual = fmean(measured.values())
    by_freezing = {
        freeze: fmean(s for cell, s in measured.items() if cell.freeze == freeze)
        for freeze in {cell.freeze for cell in measured}
    }
    return sum(by_freezing.get(cell.freeze, usual) for cell in left)
