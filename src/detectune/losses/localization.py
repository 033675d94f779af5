"""Localization losses, unreduced: one number per anchor, already weighted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from keras import ops

from detectune.boxes.iou import matched_giou, matched_iou
from detectune.structures import Array


class LocalizationLoss(Protocol):
    """What a detector expects of a localization loss."""

    on_boxes: ClassVar[bool]
    """Whether it compares decoded boxes instead of box codes."""

    def __call__(self, codes: Array, targets: Array, weights: Array, /) -> Array:
        """Losses `[B, A]` of codes `[B, A, S]` against targets `[B, A, S]`, weights `[B, A]`."""
        ...


@dataclass(frozen=True)
class L2Loss:
    """Half the squared distance.

    Parity: core/losses.py weighs the difference before squaring, so a weight counts squared.
    """

    on_boxes: ClassVar[bool] = False

    def __call__(self, codes: Array, targets: Array, weights: Array) -> Array:
        return 0.5 * ops.sum(ops.square((codes - targets) * weights[..., None]), axis=-1)


@dataclass(frozen=True)
class SmoothL1Loss:
    """Huber loss: quadratic up to `delta`, linear beyond.

    Source: Girshick 2015 (Fast R-CNN), equation 3, for delta = 1.
    """

    on_boxes: ClassVar[bool] = False
    delta: float = 1.0

    def __call__(self, codes: Array, targets: Array, weights: Array) -> Array:
        distance = ops.abs(codes - targets)
        quadratic = ops.minimum(distance, self.delta)
        loss = 0.5 * ops.square(quadratic) + self.delta * (distance - quadratic)
        return ops.sum(loss, axis=-1) * weights


@dataclass(frozen=True)
class L1Loss:
    """Absolute distance."""

    on_boxes: ClassVar[bool] = False

    def __call__(self, codes: Array, targets: Array, weights: Array) -> Array:
        return ops.sum(ops.abs(codes - targets), axis=-1) * weights


@dataclass(frozen=True)
class IouLoss:
    """1 − intersection over union: 0–1, and without slope where boxes do not meet."""

    on_boxes: ClassVar[bool] = True

    def __call__(self, boxes: Array, targets: Array, weights: Array) -> Array:
        return (1.0 - matched_iou(boxes, targets)) * weights


@dataclass(frozen=True)
class GiouLoss:
    """1 − generalized intersection over union: 0–2.

    Source: Rezatofighi et al. 2019.
    """

    on_boxes: ClassVar[bool] = True

    def __call__(self, boxes: Array, targets: Array, weights: Array) -> Array:
        return (1.0 - matched_giou(boxes, targets)) * weights
