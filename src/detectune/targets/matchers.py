"""Matchers: which ground-truth box, if any, each anchor should find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from keras import ops

from detectune.structures import Array

UNMATCHED, IGNORED = -1, -2
# The similarity of a pair that cannot be matched any more.
_NEVER = -1e30


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
        best, matches = _best_rows(similarity)
        if self.matched_threshold is None:
            return matches
        low, between = UNMATCHED, IGNORED
        if not self.negatives_lower_than_unmatched:
            low, between = between, low
        matches = ops.where(best < self.matched_threshold, between, matches)
        return ops.where(best < self.unmatched_threshold, low, matches)

    def _force(self, similarity: Array, forced: Array, matches: Array) -> Array:
        favourite = ops.cast(ops.argmax(similarity, axis=2), "int32")
        batch, (rows, count) = ops.shape(similarity)[0], similarity.shape[1:]
        # Of several boxes that claim one anchor the first wins: the one with the highest claim.
        claims = ops.where(forced, rows - ops.arange(rows, dtype="int32"), 0)
        flat = favourite + count * ops.arange(batch, dtype="int32")[:, None]
        claim = ops.segment_max(ops.ravel(claims), ops.ravel(flat), num_segments=batch * count)
        claim = ops.reshape(claim, (batch, count))
        return ops.where(claim > 0, rows - claim, matches)


def _best_rows(similarity: Array) -> tuple[Array, Array]:
    """The highest value `[B, A]` of every column of `[B, N, A]`, and the first row that has it.

    As `argmax` would give them, which over this axis takes three times as long.
    """
    rows = similarity.shape[1]
    best = ops.max(similarity, axis=1)
    from_last = ops.arange(rows, 0, -1, dtype="float32")[:, None]
    first = ops.max(ops.where(similarity == best[:, None], from_last, 0.0), axis=1)
    return best, rows - ops.cast(first, "int32")


@dataclass(frozen=True)
class BipartiteMatcher:
    """Every box takes one anchor of its own, the most similar pair of all first.

    Boxes and anchors that are left are unmatched; no anchor is ignored.

    Source: Liu et al. 2016, section 2.2 (the first half of its matching strategy).
    Parity: matchers/bipartite_matcher.py, which the original refuses under TensorFlow 2.
    """

    def __call__(self, similarity: Array, forced: Array) -> Array:
        """Matches `[B, A]` int32: a row of `similarity` `[B, N, A]`, or −1.

        Args:
            forced: `[B, N]` bool, the boxes that take part.
        """
        rows, count = similarity.shape[1:]
        # A box can be pushed aside at most once by each other box: its N best anchors are enough.
        values, columns = ops.top_k(similarity, min(rows, count))
        values = ops.where(forced[:, :, None], values, _NEVER)
        columns = ops.cast(columns, "int32")
        batch = ops.shape(similarity)[0]
        matches = ops.full((batch, count), UNMATCHED, "int32")

        def unfinished(done: Array, values: Array, matches: Array) -> Array:
            return ops.logical_and(done < rows, ops.any(values > _NEVER))

        def match_best(done: Array, values: Array, matches: Array) -> tuple[Array, Array, Array]:
            flat = ops.reshape(values, (batch, -1))
            best = ops.cast(ops.argmax(flat, axis=1), "int32")
            found = ops.max(flat, axis=1) > _NEVER
            row = best // values.shape[2]
            column = ops.take_along_axis(ops.reshape(columns, (batch, -1)), best[:, None], axis=1)
            here = ops.logical_and(ops.arange(count, dtype="int32") == column, found[:, None])
            matches = ops.where(here, row[:, None], matches)
            gone = ops.logical_or(
                ops.arange(rows, dtype="int32")[None, :, None] == row[:, None, None],
                columns == column[:, :, None],
            )
            return done + 1, ops.where(gone, _NEVER, values), matches

        start = (ops.zeros((), "int32"), values, matches)
        return ops.while_loop(unfinished, match_best, start)[2]
