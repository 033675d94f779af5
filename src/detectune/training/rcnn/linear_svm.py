"""A linear support vector machine, found coordinate by coordinate in its dual.

    minimize  ½ ‖w‖² + Σ cᵢ max(0, 1 − yᵢ w·xᵢ)      cᵢ: cost, times `positive_weight` for objects

The last number of every x is a constant, the weight of which is the bias.
Source: Hsieh et al. 2008, algorithm 3, with shrinking. It is the problem, with the constants, that
the authors of R-CNN had solved.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_CONSTANT = 10.0
"""The number beside the features: larger than their mean by far, so that the bias is hardly
penalised. Source: the published code of R-CNN."""
_TOLERANCE = 1e-3
_MOST_PASSES = 1000


class LinearSvm(NamedTuple):
    """A fitted machine: `features @ weights + bias` is the margin."""

    weights: np.ndarray
    """`[D]` float64."""
    bias: float
    alphas: np.ndarray
    """`[n]` float64: how much each example supports it; 0 for those beyond the margin."""
    converged: bool = True
    """Whether the solution is found as precisely as asked for."""

    def margins(self, features: np.ndarray) -> np.ndarray:
        """`[n]` float64 of features `[n, D]`."""
        return features @ self.weights + self.bias


def fit_svm(
    features: np.ndarray,
    positive: np.ndarray,
    *,
    cost: float,
    positive_weight: float = 1.0,
    start: np.ndarray | None = None,
    tolerance: float = _TOLERANCE,
) -> LinearSvm:
    """The machine that tells the `positive` `[n]` bool of `features` `[n, D]` from the others.

    Args:
        start: alphas `[n]` of an earlier solution to begin with; the answer is the same.
        tolerance: how far the gradient of the dual may differ from 0 at the end.
    """
    rows = np.hstack([features, np.full((len(features), 1), _CONSTANT)]).astype(np.float64)
    signs = np.where(positive, 1.0, -1.0)
    limits = np.where(positive, cost * positive_weight, cost)
    alphas = np.zeros(len(rows)) if start is None else np.clip(start, 0.0, limits)
    weights = (alphas * signs) @ rows
    converged = _descend(rows, signs, limits, alphas, weights, tolerance)
    return LinearSvm(weights[:-1], float(weights[-1] * _CONSTANT), alphas, converged)


def _descend(
    rows: np.ndarray,
    signs: np.ndarray,
    limits: np.ndarray,
    alphas: np.ndarray,
    weights: np.ndarray,
    tolerance: float,
) -> bool:
    """Change `alphas` and `weights` in place until the dual is solved; whether it is."""
    squares = np.einsum("nd,nd->n", rows, rows)
    random = np.random.default_rng(0)
    active = np.arange(len(rows))
    highest, lowest = np.inf, -np.inf
    for _ in range(_MOST_PASSES):
        gradients, kept = [0.0], []
        for index in random.permutation(active):
            row, sign, alpha = rows[index], signs[index], alphas[index]
            slope = sign * float(row @ weights) - 1.0
            if alpha <= 0.0:
                if slope > highest:
                    continue  # it will most likely stay where it is
                projected = min(slope, 0.0)
            elif alpha >= limits[index]:
                if slope < lowest:
                    continue
                projected = max(slope, 0.0)
            else:
                projected = slope
            kept.append(index)
            gradients.append(float(projected))
            if abs(projected) > 1e-12:
                new = min(max(alpha - slope / squares[index], 0.0), limits[index])
                weights += (new - alpha) * sign * row
                alphas[index] = new
        top, bottom = max(gradients), min(gradients)
        if top - bottom <= tolerance:
            if len(active) == len(rows) and len(kept) == len(rows):
                return True
            active = np.arange(len(rows))  # those left out are looked at once more
            highest, lowest = np.inf, -np.inf
            continue
        active = np.asarray(kept, int)
        highest = top if top > 0 else np.inf
        lowest = bottom if bottom < 0 else -np.inf
    return False
