"""Losses that a training adds to those of a detector.

    images, predictions ─┬─► Detector.named_losses ─┐
                         └─► ExtraLosses ───────────┴─► the sum that training minimizes

What is learned for them serves the training alone: it is kept in the state that a run goes on from,
and is in no checkpoint and in no export.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from keras.layers import Layer

from detectune.structures import Array, GroundTruth, Inputs

if TYPE_CHECKING:
    from detectune.detectors.base import Detector


class ExtraReport(NamedTuple):
    """How it has gone since the report before."""

    numbers: dict[str, float]
    warnings: dict[str, str]
    """What is wrong, a clause → what that means, and what to do about it."""


class ExtraLosses(Layer):
    """A subclass sets `loss_names` and defines `named_losses` and `report`; it is built already."""

    loss_names: tuple[str, ...] = ()
    """The keys of `named_losses`; none of them is one of the detector's."""

    def named_losses(
        self, detector: Detector, inputs: Inputs, truth: GroundTruth, out: Any
    ) -> dict[str, Array]:
        """Named scalars, each already weighted, that are added in a training step.

        Args:
            out: what the detector predicted in this step.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define `named_losses`.")

    def report(self) -> ExtraReport:
        """Numbers and warnings for people, and begin to count anew; settle the model before."""
        raise NotImplementedError(f"{type(self).__name__} does not define `report`.")
