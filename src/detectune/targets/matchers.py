"""Matchers: which ground-truth box, if any, each anchor should find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from keras import ops

from detectune.structures import Array

UNMATCHED, IGNORED = -1, -2


class Matcher(Protocol):
    """What an assigner expects of a matcher."""

    def __call__(self, similarity: Array, forced: Array) -> Array:
        """Matches `[B, A]` int32 from similarity `[B, N, A]`; see `ArgmaxMatcher`."""
        ...


@dataclass(frozen=True)
class ArgmaxMatcher:
    """Each anchor takes the box it overlaps most, if the overlap is large enough.

    Args:
        matched_threshold: at or above it an anchor is matched; None matches every anchor.
        unmatched_threshold: below it an anchor is background; between the two it is ignored.
        negatives_lower_than_unmatched: False swaps background and ignored.
        force_match: every real box also takes the anchor that overlaps it most.

    Source: Liu et al. 2016, section 2.2 ("matching strategy").
    Parity: matchers/argmax_matcher.py.
    """

    matched_threshold: float | None = 0.5
    unmatched_threshold: float = 0.5
    negatives_lower_than_unmatched: bool = True
    force_match: bool = False

    def __call__(self, similarity: Array, forced: Array) -> Array:
        """Matches `[B, A]` int32: a row of `similarity`, −1 background, or −2 ignored.

        Args:
            similarity: `[B, N, A]` float32, zero for padding.
            forced: `[B, N]` bool, the boxes that take part in the forced match.
        """
        matches = self._by_threshold(similarity)
        return self._force(similarity, forced, matches) if self.force_match else matches

    def _by_threshold(self, similarity: Array) -> Array:
        matches = ops.cast(ops.argmax(similarity, axis=1), "int32")
        if self.matched_threshold is None:
            return matches
        best = ops.max(similarity, axis=1)
        low, between = UNMATCHED, IGNORED
        if not self.negatives_lower_than_unmatched:
            low, between = between, low
        matches = ops.where(best < self.matched_threshold, between, matches)
        return ops.where(best < self.unmatched_threshold, low, matches)

    def _force(self, similarity: Array, forced: Array, matches: Array) -> Array:
        favourite = ops.argmax(similarity, axis=2)
        anchors = ops.arange(similarity.shape[2], dtype=favourite.dtype)
        claims = ops.logical_and(favourite[:, :, None] == anchors, forced[:, :, None])
        # Of several boxes that claim one anchor the first wins: argmax takes the first maximum.
        owner = ops.cast(ops.argmax(ops.cast(claims, "int32"), axis=1), "int32")
        return ops.where(ops.any(claims, axis=1), owner, matches)
