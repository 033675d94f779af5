"""Localization losses, unreduced: one number per anchor, already weighted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from keras import ops

from detectune.structures import Array


class LocalizationLoss(Protocol):
    """What a detector expects of a localization loss."""

    def __call__(self, codes: Array, targets: Array, weights: Array) -> Array:
        """Losses `[B, A]` of codes `[B, A, 4]` against targets `[B, A, 4]`, weights `[B, A]`."""
        ...


@dataclass(frozen=True)
class L2Loss:
    """Half the squared distance.

    Parity: core/losses.py weighs the difference before squaring, so a weight counts squared.
    """

    def __call__(self, codes: Array, targets: Array, weights: Array) -> Array:
        return 0.5 * ops.sum(ops.square((codes - targets) * weights[..., None]), axis=-1)


@dataclass(frozen=True)
class SmoothL1Loss:
    """Huber loss: quadratic up to `delta`, linear beyond.

    Source: Girshick 2015 (Fast R-CNN), equation 3, for delta = 1.
    """

    delta: float = 1.0

    def __call__(self, codes: Array, targets: Array, weights: Array) -> Array:
        distance = ops.abs(codes - targets)
        quadratic = ops.minimum(distance, self.delta)
        loss = 0.5 * ops.square(quadratic) + self.delta * (distance - quadratic)
        return ops.sum(loss, axis=-1) * weights
