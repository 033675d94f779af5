"""Samplers: proportions, and what is random."""

from __future__ import annotations

import numpy as np
import pytest

from detectune.targets.samplers import BalancedSampler


def preference(count, seed=0):
    return np.random.default_rng(seed).uniform(0, 1, (2, count)).astype(np.float32)


@pytest.mark.parametrize(
    ("size", "positives", "expected"),
    [
        (16, 30, (8, 8)),  # too many of both
        (16, 3, (3, 13)),  # negatives take the free places
        (None, 10, (10, 10)),  # all positives, and as many negatives
        (None, 0, (0, 0)),
    ],
)
def test_positives_and_negatives_have_their_share(size, positives, expected):
    positive = np.tile(np.arange(100) < positives, (2, 1))
    chosen = BalancedSampler(0.5, size)(np.ones((2, 100), bool), positive, preference(100))
    chosen = np.asarray(chosen)
    assert (chosen & positive).sum(1).tolist() == [expected[0]] * 2
    assert (chosen & ~positive).sum(1).tolist() == [expected[1]] * 2


def test_other_numbers_choose_others_and_only_candidates_are_chosen():
    candidates = np.tile(np.arange(50) % 2 == 0, (2, 1))
    positive = np.zeros((2, 50), bool)
    sampler = BalancedSampler(0.5, 10)
    first, second = (
        np.asarray(sampler(candidates, positive, preference(50, seed))) for seed in (1, 2)
    )
    assert (first != second).any()
    assert first.sum(1).tolist() == [10, 10]
    assert not (first & ~candidates).any()


def test_equal_preferences_are_settled_by_index():
    chosen = BalancedSampler(0.5, 4)(
        np.ones((1, 6), bool), np.zeros((1, 6), bool), np.full((1, 6), 0.5, np.float32)
    )
    assert np.asarray(chosen).tolist() == [[True] * 4 + [False] * 2]
