"""Hard-example mining: learn from the anchors that are most wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from keras import ops

from detectune.boxes.nms import NonMaxSuppression
from detectune.structures import Array


@dataclass(frozen=True)
class HardExampleMiner:
    """Chooses the anchors whose losses count.

    Args:
        num_hard_examples: at most this many per image, the largest losses first.
        iou_threshold: of two anchors whose predicted boxes overlap more, only the worse counts.
        loss_type: which loss ranks the anchors.
        max_negatives_per_positive: None for no limit.
        min_negatives_per_image: kept even if an image has no positives.
        classification_weight, localization_weight: of the two losses when ranking by both.

    Source: Liu et al. 2016, section 2.2 ("hard negative mining").
    Parity: core/losses.py HardExampleMiner.
    """

    num_hard_examples: int | None = 64
    iou_threshold: float = 0.7
    loss_type: Literal["both", "classification", "localization"] = "both"
    max_negatives_per_positive: float | None = None
    min_negatives_per_image: int = 0
    classification_weight: float = 1.0
    localization_weight: float = 1.0

    def __call__(
        self, box_losses: Array, class_losses: Array, boxes: Array, matches: Array
    ) -> Array:
        """`[B, A]` float32, 1 where an anchor counts.

        Args:
            box_losses, class_losses: `[B, A]`.
            boxes: `[B, A, 4]` yxyx, as predicted.
            matches: `[B, A]` int32, see `AnchorTargets.matches`.
        """
        count = matches.shape[1]
        limit = count if self.num_hard_examples is None else min(self.num_hard_examples, count)
        choose = NonMaxSuppression(
            score_threshold=-1.0,
            iou_threshold=self.iou_threshold,
            max_per_class=limit,
            max_detections=limit,
        )
        ranking = ops.stop_gradient(self._ranking(box_losses, class_losses))
        kept = choose(ops.stop_gradient(boxes), ranking[..., None])
        chosen = kept.valid
        if self.max_negatives_per_positive is not None:
            chosen = self._limit_negatives(kept.indices, chosen, matches)
        one_hot = ops.one_hot(ops.where(chosen, kept.indices, -1), count)
        return ops.stop_gradient(ops.max(one_hot, axis=1))

    def _ranking(self, box_losses: Array, class_losses: Array) -> Array:
        if self.loss_type == "classification":
            return class_losses
        if self.loss_type == "localization":
            return box_losses
        return class_losses * self.classification_weight + box_losses * self.localization_weight

    def _limit_negatives(self, indices: Array, chosen: Array, matches: Array) -> Array:
        found = ops.take_along_axis(matches, indices, axis=1)
        positive = ops.logical_and(chosen, found >= 0)
        negative = ops.logical_and(chosen, found == -1)
        positives = ops.sum(ops.cast(positive, "float32"), axis=1, keepdims=True)
        allowed = ops.maximum(
            ops.floor(self.max_negatives_per_positive * positives),
            float(self.min_negatives_per_image),
        )
        rank = ops.cumsum(ops.cast(negative, "float32"), axis=1)
        return ops.logical_or(positive, ops.logical_and(negative, rank <= allowed))
