"""Numbers that no sound network has: named when they are read, not when nothing is detected."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from detectune.errors import CheckpointError, three_part

# Rounding may leave a variance of nothing a little below 0.
_NEGLIGIBLE = 1e-6
_SHOWN = 4


def refuse_unsound(where: str, values: Iterable[tuple[str, np.ndarray]], next_step: str) -> None:
    """Refuse weights that are not finite, and variances below 0.

    Args:
        where: the file, for the error.
        values: name → array, as they are to be restored.

    Raises:
        CheckpointError: some are; they are named.
    """
    counted, found = 0, []
    for name, value in values:
        counted += 1
        reason = unsound(name, value)
        if reason:
            found.append(f"{name}: {reason}")
    if not found:
        return
    shown = "; ".join(found[:_SHOWN]) + ("; …" if len(found) > _SHOWN else "")
    raise CheckpointError(
        three_part(
            f"{where}: {len(found)} of {counted} variables cannot be those of a network: {shown}.",
            "Weights are finite numbers, and variances are not below 0.",
            next_step,
        )
    )


def unsound(name: str, value: np.ndarray) -> str:
    """Why `value` cannot be the variable `name` of a network; empty if it can."""
    if value.dtype.kind in "iub":
        return ""
    finite = np.isfinite(value)
    if not finite.all():
        kinds = "NaN" if np.isnan(value).any() else "infinite"
        kinds = "NaN or infinite" if np.isinf(value).any() and kinds == "NaN" else kinds
        return _how_many(int(finite.size - finite.sum()), finite.size, kinds)
    if "moving_variance" not in name.rpartition("/")[2]:
        return ""
    below = int((value < -_NEGLIGIBLE).sum())
    return _how_many(below, value.size, "below 0") if below else ""


def _how_many(count: int, size: int, what: str) -> str:
    if size == 1:
        return f"it is {what}"
    return f"all {size} numbers are {what}" if count == size else f"{count} of {size} are {what}"
