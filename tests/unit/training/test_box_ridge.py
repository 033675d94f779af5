"""Regression of boxes, against least squares with the penalty as further rows."""

from __future__ import annotations

import numpy as np
import pytest

from detectune.training.rcnn.box_ridge import fit_boxes


@pytest.mark.parametrize("count", [6, 200])
def test_ridge_is_least_squares_with_the_penalty_as_rows(count):
    random = np.random.default_rng(0)
    features = random.normal(3.0, 2.0, (count, 12))
    codes = random.normal(0.1, 0.3, (count, 4))
    # Rows of the intercept, which is not penalised, and of the penalty.
    rows = np.hstack([features, np.ones((count, 1))])
    penalty = np.hstack([np.sqrt(1000.0) * np.eye(12), np.zeros((12, 1))])
    wanted = np.linalg.lstsq(
        np.vstack([rows, penalty]), np.vstack([codes, np.zeros((12, 4))]), rcond=None
    )[0]
    found = fit_boxes(features, codes, ridge=1000.0)
    np.testing.assert_allclose(found.weights, wanted[:-1], atol=1e-10)
    np.testing.assert_allclose(found.bias, wanted[-1], atol=1e-10)


def test_without_examples_boxes_stay():
    found = fit_boxes(np.zeros((0, 5)), np.zeros((0, 4)), ridge=1.0)
    assert found.weights.shape == (5, 4)
    assert not found.weights.any()
    assert not found.bias.any()
