"""Calibration: scores → how often detections with such a score are right.

A calibration is called with scores `[B, A, C]` and returns scores of the same shape.

Parity: builders/calibration_builder.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from keras import ops

from detectune.structures import Array


class Calibration(Protocol):
    """What corrects scores."""

    def __call__(self, scores: Array) -> Array:
        """Scores of the same shape."""
        ...


@dataclass(frozen=True)
class PiecewiseLinear:
    """Points joined by lines, constant beyond the first and the last, as isotonic regression gives.

    Args:
        x: scores before, rising.
        y: scores after.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]

    def __call__(self, scores: Array) -> Array:
        x, y = np.array(self.x, np.float32), np.array(self.y, np.float32)
        flat = ops.clip(ops.ravel(scores), x[0], x[-1])
        right = ops.clip(ops.searchsorted(x, flat, side="right"), 1, len(x) - 1)
        low, high = (ops.take(x, place) for place in (right - 1, right))
        part = (flat - low) / (high - low)
        value = (1.0 - part) * ops.take(y, right - 1) + part * ops.take(y, right)
        return ops.reshape(value, ops.shape(scores))


@dataclass(frozen=True)
class Sigmoid:
    """1 / (1 + exp(a · logit + b)) of the logit of a score; a = −1, b = 0 changes nothing.

    Source: Platt 1999, equation 2. The original has the message but nothing that reads it.
    """

    a: float = -1.0
    b: float = 0.0

    def __call__(self, scores: Array) -> Array:
        score = ops.clip(scores, 1e-7, 1.0 - 1e-7)
        return ops.sigmoid(-(self.a * ops.log(score / (1.0 - score)) + self.b))


@dataclass(frozen=True)
class Temperature:
    """Everything divided by one number.

    Parity: the original divides what the score converter gives, not the logits; with the converter
    IDENTITY these are the logits.
    """

    divisor: float

    def __call__(self, scores: Array) -> Array:
        return scores / self.divisor


@dataclass(frozen=True)
class PerColumn:
    """A calibration for each of some columns; the others stay as they are.

    Args:
        columns: number of a column of the scores → its calibration.
    """

    columns: Mapping[int, Calibration]

    def __call__(self, scores: Array) -> Array:
        parts = []
        for column in range(scores.shape[-1]):
            part = scores[..., column]
            calibration = self.columns.get(column)
            parts.append(part if calibration is None else calibration(part))
        return ops.stack(parts, axis=-1)
