"""Ground truth → a bag of anchors for every box: those that overlap it most.

Which of them finds the box is learned: see `losses.free_anchor`. Source: Zhang et al. 2019
(FreeAnchor), section 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras import ops

from detectune.boxes.iou import pairwise_iou
from detectune.structures import AnchorBags, Array, GroundTruth


@dataclass(frozen=True)
class BagAssigner:
    """Makes the bags.

    Args:
        bag_size: anchors in a bag, at most.
    """

    bag_size: int = 50

    def __call__(self, anchors: Array, truth: GroundTruth, predictions: Any = None) -> AnchorBags:
        """Bags of anchors `[A, 4]` for `truth`, in one unit; what the network says is ignored."""
        del predictions
        overlap = pairwise_iou(truth.boxes, ops.convert_to_tensor(anchors, "float32"))
        size = min(self.bag_size, overlap.shape[-1])
        indices = ops.cast(ops.top_k(overlap, size)[1], "int32")
        counts = ops.ones_like(ops.cast(truth.weights[:, 0], "float32"))
        if truth.labelled is not None:
            counts = ops.cast(truth.labelled, "float32")
        real = ops.cast(truth.valid, "float32") * counts[:, None]
        weights = ops.cast(truth.weights, "float32") * real
        return AnchorBags(indices, truth._replace(weights=weights, valid=real > 0.0), counts)
