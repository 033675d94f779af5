"""What the rules are asked about: the data, the machine, and what the user wants."""

from __future__ import annotations

from dataclasses import dataclass

from detectune.advice.data_facts import DataFacts
from detectune.advice.speed import Speed
from detectune.config.architectures.not_built import NotBuilt
from detectune.registry import architectures


@dataclass(frozen=True)
class Situation:
    """Data, machine and wishes."""

    data: DataFacts
    speed: Speed
    target_ms: float | None = None
    """Milliseconds to detect in an image; None if anything goes."""
    minutes: float | None = None
    """For the training; None if nobody said."""
    has_rcnn: bool = False
    """Whether an R-CNN can be built."""


def can_build_rcnn() -> bool:
    """Whether an architecture `rcnn` is registered, and not as one that is only refused.

    Detectors register too, but importing them takes seconds.
    """
    return "rcnn" in architectures and not issubclass(architectures["rcnn"], NotBuilt)
