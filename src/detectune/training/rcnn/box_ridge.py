"""Ridge regression from the vector of a proposal to where the object is in it.

    minimize  Σ ‖tᵢ − (W xᵢ + b)‖² + ridge ‖W‖²      b is not penalised

Source: Girshick et al. 2014 (R-CNN), appendix C, equation 5.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class BoxRegression(NamedTuple):
    """`features @ weights + bias` are box codes."""

    weights: np.ndarray
    """`[D, 4]` float64."""
    bias: np.ndarray
    """`[4]` float64."""


def fit_boxes(features: np.ndarray, codes: np.ndarray, ridge: float) -> BoxRegression:
    """The regression from `features` `[n, D]` to box codes `[n, 4]`; 0 without any example."""
    dimension = features.shape[1]
    if not len(features):
        return BoxRegression(np.zeros((dimension, 4)), np.zeros(4))
    rows, targets = features.astype(np.float64), codes.astype(np.float64)
    row_mean, target_mean = rows.mean(axis=0), targets.mean(axis=0)
    rows, targets = rows - row_mean, targets - target_mean
    if len(rows) < dimension:  # the smaller of two systems with the same solution
        products = rows @ rows.T + ridge * np.eye(len(rows))
        weights = rows.T @ np.linalg.solve(products, targets)
    else:
        products = rows.T @ rows + ridge * np.eye(dimension)
        weights = np.linalg.solve(products, rows.T @ targets)
    return BoxRegression(weights, target_mean - row_mean @ weights)
