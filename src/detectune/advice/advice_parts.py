"""What an advice consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

FREEZE = ("backbone", "batch-norm")
"""What an advice may leave untrained, in the words of `train_config { freeze }`."""


class Point(NamedTuple):
    """One thing that is advised."""

    what: str
    choice: str
    reason: str
    origin: str
    """Where the threshold or the figure comes from."""


@dataclass(frozen=True)
class Settings:
    """What `config new` needs to write the config of a detector."""

    model: str
    batch_size: int
    num_steps: int
    freeze: tuple[str, ...] = ()
    anchor_field: str = ""
    """What the anchors are called in the config; empty where those of the model stay."""
    anchors: str = ""
    """The generator, as protobuf text."""


@dataclass(frozen=True)
class Advice:
    """What to do with a data set on a machine."""

    source: str
    """As the user named it."""
    digest: str
    """Of the data that were looked at."""
    classes: tuple[str, ...]
    method: str
    points: tuple[Point, ...]
    notes: tuple[str, ...]
    alternatives: tuple[str, ...]
    commands: tuple[str, ...]
    """What to type next, in order."""
    settings: Settings | None
    """None where the method is not a config that `config new` writes."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What was seen: data, machine, and anchors."""
