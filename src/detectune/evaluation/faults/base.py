"""What a cause of an mAP near 0 is, and what a run knows that may be one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Finding(NamedTuple):
    """One cause."""

    cause: str
    """Its name, such as "swapped_axes"."""
    seen: str
    """What was seen, a sentence."""
    advice: str
    """What to do, a sentence."""


class TrainingFacts(NamedTuple):
    """What a run knows of itself."""

    losses: Sequence[float] = ()
    """Total loss, at even distances."""
    learning_rates: Sequence[float] = ()
    clips: bool = False
    """Whether gradients are clipped."""
    steps: int = 0
    """Steps taken; 0 if nobody counted."""
    statistics_left: float = 0.0
    """How much of the batch norms' initial statistics is left in those used for evaluation."""
    trained: Mapping[int, int] | None = None
    """Label-map id → boxes in the training data; None if nobody counted."""
