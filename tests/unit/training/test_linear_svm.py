"""The machine is the minimum of the published problem, and mining finds that of all negatives."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.svm import LinearSVC

from detectune.training.rcnn.hard_negatives import Mining, Vectors, mine
from detectune.training.rcnn.linear_svm import fit_svm


def overlapping(count: int = 80, dimension: int = 5, seed: int = 0):
    """Features `[n, D]` of two kinds that no plane separates, and which are positive."""
    random = np.random.default_rng(seed)
    positive = np.arange(count) < count // 4
    features = random.normal(size=(count, dimension)) + 0.8 * positive[:, None]
    return features, positive


def objective(weights, bias, features, positive, *, cost, positive_weight):
    """The primal, with the constant of 10 beside the features."""
    signs = np.where(positive, 1.0, -1.0)
    losses = np.maximum(1 - signs * (features @ weights + bias), 0)
    costs = np.where(positive, cost * positive_weight, cost)
    return 0.5 * (weights @ weights + (bias / 10) ** 2) + costs @ losses


def exact(features, positive, *, cost, positive_weight, steps=200_000):
    """The optimum of the dual by projected gradient, which shares nothing with ours."""
    rows = np.hstack([features, np.full((len(features), 1), 10.0)])
    signed = rows * np.where(positive, 1.0, -1.0)[:, None]
    products = signed @ signed.T
    limits = np.where(positive, cost * positive_weight, cost)
    rate = 1 / np.linalg.eigvalsh(products)[-1]
    alphas = np.zeros(len(rows))
    for _ in range(steps):
        new = np.clip(alphas - rate * (products @ alphas - 1), 0, limits)
        if np.abs(new - alphas).max() < 1e-12:
            break
        alphas = new
    weights = alphas @ signed
    return weights[:-1], weights[-1] * 10


@pytest.mark.parametrize("weight", [1.0, 2.0])
def test_it_is_the_minimum_of_the_published_problem(weight):
    features, positive = overlapping()
    settings = {"cost": 0.05, "positive_weight": weight}
    found = fit_svm(features, positive, tolerance=1e-8, **settings)
    weights, bias = exact(features, positive, **settings)
    assert found.converged
    ours = objective(found.weights, found.bias, features, positive, **settings)
    assert ours == pytest.approx(objective(weights, bias, features, positive, **settings), rel=1e-6)
    np.testing.assert_allclose(found.weights, weights, atol=1e-4)


def test_it_is_the_machine_of_scikit_learn():
    features, positive = overlapping(300, 12, seed=4)
    reference = LinearSVC(
        C=0.01, loss="hinge", class_weight={True: 2.0}, intercept_scaling=10.0,
        tol=1e-9, max_iter=200_000, random_state=0,
    )  # fmt: skip
    reference.fit(features, positive)
    found = fit_svm(features, positive, cost=0.01, positive_weight=2.0, tolerance=1e-6)
    assert found.converged
    np.testing.assert_allclose(found.weights, reference.coef_[0], atol=1e-4)
    assert found.bias == pytest.approx(reference.intercept_[0], abs=1e-3)


def test_an_earlier_solution_changes_the_time_and_not_the_answer():
    features, positive = overlapping()
    fresh = fit_svm(features, positive, cost=0.005, tolerance=1e-6)
    random = np.random.default_rng(1).uniform(0, 1, len(features))
    again = fit_svm(features, positive, cost=0.005, tolerance=1e-6, start=random)
    assert fresh.converged
    assert again.converged
    np.testing.assert_allclose(again.weights, fresh.weights, atol=1e-4)
    assert again.bias == pytest.approx(fresh.bias, abs=1e-3)


def test_a_search_that_does_not_end_in_time_is_said(monkeypatch):
    monkeypatch.setattr("detectune.training.rcnn.linear_svm._MOST_PASSES", 2)
    features, positive = overlapping()
    assert not fit_svm(features, positive, cost=1.0, tolerance=1e-9).converged


def test_a_single_kind_is_told_by_the_bias():
    features = np.random.default_rng(0).normal(size=(6, 3))
    found = fit_svm(features, np.zeros(6, bool), cost=1.0)
    assert (found.margins(features) < -0.99).all()


def images_of(features: np.ndarray, sizes: list[int]) -> list[Vectors]:
    """Negatives `[n, D]` spread over images, after one row each that is no negative."""
    parts = np.split(features, np.cumsum(sizes)[:-1])
    found = []
    for part in parts:
        stored = np.vstack([np.full((1, features.shape[1]), 99.0), part])
        found.append(Vectors(lambda stored=stored: stored, np.arange(1, len(stored))))
    return found


def test_mining_finds_the_machine_of_all_negatives():
    features, positive = overlapping(400, seed=3)
    negatives = images_of(features[~positive], [100, 0, 150, 50])
    settings = Mining(cost=0.02, positive_weight=2.0, rounds=100, at_once=30)
    found = mine(features[positive], negatives, settings, seed=0)
    everything = fit_svm(features, positive, cost=0.02, positive_weight=2.0)
    assert found.rounds > 0
    assert found.left == 0
    assert found.learned < 300  # the easy ones were never needed
    np.testing.assert_allclose(found.machine.weights, everything.weights, atol=5e-3)
    assert found.machine.bias == pytest.approx(everything.bias, abs=5e-2)


def test_without_searches_the_hard_ones_that_are_left_are_counted():
    features, positive = overlapping(400, seed=3)
    negatives = images_of(features[~positive], [300])
    settings = Mining(cost=0.02, positive_weight=2.0, rounds=0, at_once=10)
    found = mine(features[positive], negatives, settings, seed=0)
    assert (found.rounds, found.learned) == (0, 10)
    assert found.left > 50


def test_the_machine_is_of_vectors_that_are_not_scaled():
    features, positive = overlapping()
    negatives = images_of(features[~positive], [60])
    plain = Mining(cost=0.1, positive_weight=1.0, rounds=5, at_once=100)
    scaled = Mining(cost=0.1, positive_weight=1.0, rounds=5, at_once=100, scale=2.0)
    halves = [Vectors(lambda image=image: image.read() / 2, image.rows) for image in negatives]
    one = mine(features[positive], negatives, plain, seed=0).machine
    other = mine(features[positive] / 2, halves, scaled, seed=0).machine
    np.testing.assert_allclose(other.weights, 2 * one.weights, atol=1e-9)


def test_an_object_without_any_negative_has_a_machine():
    found = mine(np.ones((2, 3)), [], Mining(1.0, 1.0, rounds=3, at_once=5), seed=0)
    assert (found.machine.margins(np.ones((2, 3))) > 0.99).all()
    assert (found.rounds, found.learned, found.left) == (0, 0, 0)
