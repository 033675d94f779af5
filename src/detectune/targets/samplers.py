"""Samplers: which anchors or proposals count in the loss when there are too many.

A sampler never makes random numbers: it takes the order in which candidates are preferred, so that
the same order gives the same choice on every backend.
"""

from __future__ import annotations

from dataclasses import dataclass

from keras import ops

from detectune.structures import Array


def first_of(candidates: Array, preference: Array, counts: Array) -> Array:
    """`[B, A]` bool: of the `candidates` `[B, A]` those of highest `preference` `[B, A]`, 0–1.

    Args:
        counts: `[B]` int32, how many of each image.
    """
    # Candidates come first; of equal preference, the one of lower index.
    keys = ops.where(candidates, -ops.cast(preference, "float32"), 2.0)
    rank = ops.argsort(ops.argsort(keys, axis=1), axis=1)
    chosen = ops.cast(rank, "int32") < ops.cast(counts, "int32")[:, None]
    return ops.logical_and(candidates, chosen)


def first_indices(chosen: Array, count: int) -> tuple[Array, Array]:
    """Where `chosen` `[B, A]` is true: the first `count` indices, in order.

    Returns:
        Places `[B, count]` int32, 0 in padding, and which are real, `[B, count]` bool.
    """
    total = chosen.shape[1]
    from_last = ops.arange(total, 0, -1, dtype="int32")
    ranked, _ = ops.top_k(ops.where(chosen, from_last, 0), count)
    return ops.where(ranked > 0, total - ranked, 0), ranked > 0


@dataclass(frozen=True)
class BalancedSampler:
    """Positives and negatives in a given proportion.

    Args:
        positive_fraction: share of positives, in (0, 1].
        size: how many are chosen of each image; positives beyond their share are left out, and
            negatives take the room that positives leave. None keeps all positives, and as many
            negatives as the share of positives asks for.

    Source: Ren et al. 2015, section 3.1.3.
    Parity: core/balanced_positive_negative_sampler.py.
    """

    positive_fraction: float
    size: int | None = None

    def __call__(self, candidates: Array, positive: Array, preference: Array) -> Array:
        """`[B, A]` bool, the chosen among `candidates`.

        Args:
            candidates: `[B, A]` bool.
            positive: `[B, A]` bool.
            preference: `[B, A]` float32, 0–1: random numbers, normally. The highest are taken.
        """
        positives = ops.logical_and(candidates, positive)
        negatives = ops.logical_and(candidates, ops.logical_not(positive))
        available = ops.sum(ops.cast(positives, "int32"), axis=1)
        if self.size is None:
            wanted = available
            per_positive = (1.0 - self.positive_fraction) / self.positive_fraction
            rest = ops.cast(ops.cast(available, "float32") * per_positive, "int32")
        else:
            wanted = ops.minimum(available, int(self.positive_fraction * self.size))
            rest = self.size - wanted
        return ops.logical_or(
            first_of(positives, preference, wanted), first_of(negatives, preference, rest)
        )
