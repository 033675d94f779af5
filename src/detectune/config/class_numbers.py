"""Classes that training and evaluation number in different ways: every box of them counts as wrong.

Names are compared, because ids are all that a detector knows: what training calls 1 is 1.
"""

from __future__ import annotations

from detectune.config.label_map import LabelMap
from detectune.config.problems import Problem
from detectune.wording import one_line

ONE_LABEL_MAP = "Give both readers the same label_map_path."
_SHOWN = 4


def other_numbers(trained: LabelMap, measured: LabelMap) -> str:
    """What `measured` says of classes that `trained` says otherwise, a clause; "" if nothing."""
    found: list[str] = []
    for item in measured.items:
        name, shown = item.name or item.display_name, one_line(item.label)
        if name not in trained:
            found.append(f'"{shown}" is a class of the evaluation alone')
        elif (number := trained.id_of(name)) != item.id:
            found.append(f'"{shown}" is {number} in training and {item.id} in evaluation')
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + more


def renumbered(field: str, different: str) -> Problem:
    """The warning at `field` that says what `other_numbers` has found."""
    return Problem(
        "warning",
        field,
        f"{different}.",
        "A detector knows classes by the numbers they had in training; other boxes count as wrong.",
        ONE_LABEL_MAP,
    )
