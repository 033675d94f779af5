"""Matchers beyond what is recorded: the bipartite one, and boxes that claim one anchor."""

from __future__ import annotations

import numpy as np
import pytest

from detectune.targets.matchers import ArgmaxMatcher, BipartiteMatcher


def bipartite(similarity, forced):
    """One pair at a time, the most similar first."""
    left = np.where(forced[:, None], similarity, -np.inf)
    matches = np.full(similarity.shape[1], -1)
    for _ in range(len(left)):
        row, column = np.unravel_index(np.argmax(left), left.shape)
        if left[row, column] == -np.inf:
            break
        matches[column] = row
        left[row], left[:, column] = -np.inf, -np.inf
    return matches


@pytest.mark.parametrize(("rows", "columns"), [(3, 10), (8, 8), (10, 4), (1, 5)])
def test_every_box_has_an_anchor_of_its_own(rows, columns):
    random = np.random.default_rng(rows)
    similarity = random.uniform(0, 1, (2, rows, columns)).astype(np.float32)
    forced = random.uniform(0, 1, (2, rows)) < 0.8
    matches = np.asarray(BipartiteMatcher()(similarity, forced))
    for image in range(2):
        expected = bipartite(similarity[image], forced[image])
        np.testing.assert_array_equal(matches[image], expected)


def test_without_boxes_nothing_is_matched():
    matches = BipartiteMatcher()(np.zeros((1, 2, 5), np.float32), np.zeros((1, 2), bool))
    assert np.asarray(matches).tolist() == [[-1] * 5]


def test_of_boxes_that_claim_one_anchor_the_first_has_it():
    similarity = np.array([[[0.1, 0.3], [0.2, 0.4], [0.3, 0.2]]], np.float32)
    matcher = ArgmaxMatcher(force_match=True)
    assert np.asarray(matcher(similarity, np.ones((1, 3), bool))).tolist() == [[2, 0]]
    assert np.asarray(matcher(similarity, np.array([[False, True, True]]))).tolist() == [[2, 1]]
