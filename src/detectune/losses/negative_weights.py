"""How much anchors without an object count, when none is left out and none is mined."""

from __future__ import annotations

from dataclasses import dataclass

from keras import ops

from detectune.structures import Array


@dataclass(frozen=True)
class NegativeWeights:
    """One weight for all negatives of an image, by how many there are.

    With `K` negatives wanted per positive, `M` positives and `U` negatives, a negative counts
    `K·M / U`: together they weigh as much as the `K·M` that a sampler would take.

    Args:
        per_positive: `K`.
        least: negatives that are wanted even if an image has no positives.
        as_sampled: never more than 1, as it is a chance: that of being taken when `K·M` are drawn
            without putting back. Otherwise few negatives may weigh more than 1.

    Parity: `expected_loss_weights` names functions that no release of the original contains, so
    there are no numbers to compare with; this is what its proto describes.
    """

    per_positive: float = 3.0
    least: float = 0.0
    as_sampled: bool = True

    def __call__(self, matches: Array) -> Array:
        """`[B, A]` float32: 1 for positives, the weight for negatives.

        Args:
            matches: `[B, A]` int32, see `AnchorTargets.matches`.
        """
        positives = ops.sum(ops.cast(matches >= 0, "float32"), axis=1, keepdims=True)
        negatives = ops.sum(ops.cast(matches == -1, "float32"), axis=1, keepdims=True)
        wanted = ops.maximum(self.per_positive * positives, self.least)
        weight = wanted / ops.maximum(negatives, 1.0)
        if self.as_sampled:
            weight = ops.minimum(weight, 1.0)
        return ops.where(matches >= 0, 1.0, weight)
