"""FreeAnchor: the anchor that is responsible for a box is learned with everything else.

    bag of a box ─► P(class) · P(box) of each anchor ─► mean-max ─► −log: some anchor finds the box
    every anchor ─► P(no object near by) · P(class) ─► focal loss: others say that nothing is there

Mean-max is about the mean of a bag while nothing is known, and its maximum once one anchor is sure.

Source: Zhang et al. 2019, "FreeAnchor: Learning to Match Anchors for Visual Object Detection",
equations 4 to 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from keras import ops

from detectune.boxes.coders import BoxCoder
from detectune.boxes.iou import pairwise_iou
from detectune.structures import AnchorBags, Array, GroundTruth, Predictions

# The least probability whose logarithm is taken.
_TINY = 1e-12


@dataclass(frozen=True)
class FreeAnchorLoss:
    """The loss of the bags, and that of the anchors without an object.

    Args:
        coder: encodes true boxes and decodes predicted ones.
        num_classes: without background.
        alpha: share of the first loss, 0–1.
        gamma: exponent of the second.
        iou_threshold: overlap of a predicted box above which its anchor may have an object.
        box_weight: of the box loss in `P(box) = exp(-box_weight · loss)`.
        delta: where the box loss goes over from a square to a straight line.
    """

    names: ClassVar[tuple[str, str]] = ("positive_bag_loss", "negative_bag_loss")

    coder: BoxCoder
    num_classes: int
    alpha: float = 0.5
    gamma: float = 2.0
    iou_threshold: float = 0.6
    box_weight: float = 0.75
    delta: float = 0.11

    @property
    def sampler(self) -> None:
        """Every anchor counts."""
        return None

    def __call__(
        self, out: Predictions, targets: AnchorBags, anchors: Array, preference: Array | None = None
    ) -> dict[str, Array]:
        """Scalars "positive_bag_loss" and "negative_bag_loss".

        Args:
            anchors: `[A, 4]` yxyx, what the codes are relative to.
        """
        del preference
        anchors = ops.convert_to_tensor(anchors, "float32")
        codes = ops.cast(out.box_codes, "float32")
        scores = ops.sigmoid(ops.cast(out.class_logits, "float32"))
        boxes = ops.maximum(ops.sum(targets.truth.weights), 1.0)
        found = self._bags(codes, scores, targets, anchors)
        lost = -ops.log(ops.maximum(found, _TINY)) * targets.truth.weights
        near = ops.stop_gradient(self._near(self.coder.decode(codes, anchors), targets.truth))
        wrong = scores * (1.0 - near)
        alarms = -ops.power(wrong, self.gamma) * ops.log(ops.maximum(1.0 - wrong, _TINY))
        alarms = alarms * targets.counts[:, None, None]
        size = targets.indices.shape[-1]
        return {
            "positive_bag_loss": self.alpha * ops.sum(lost) / boxes,
            "negative_bag_loss": (1.0 - self.alpha) * ops.sum(alarms) / (boxes * size),
        }

    def _bags(self, codes: Array, scores: Array, bags: AnchorBags, anchors: Array) -> Array:
        """How likely it is that some anchor of each bag finds its box, `[B, N]`."""
        truth, indices = bags.truth, bags.indices
        batch, count, size = ops.shape(indices)
        flat = ops.reshape(indices, (batch, count * size))
        predicted = ops.reshape(
            ops.take_along_axis(codes, flat[..., None], axis=1), (batch, count, size, 4)
        )
        own_anchors = ops.take(anchors, indices, axis=0)
        # Padding has no size, whose logarithm would be infinite.
        real = truth.valid[..., None, None]
        boxes = ops.where(real, truth.boxes[:, :, None], own_anchors)
        box_loss = ops.sum(self._smooth(predicted - self.coder.encode(boxes, own_anchors)), axis=-1)
        of_class = ops.take_along_axis(
            ops.transpose(scores, (0, 2, 1)), ops.cast(truth.classes, "int32")[..., None], axis=1
        )
        both = ops.take_along_axis(of_class, indices, axis=2) * ops.exp(-self.box_weight * box_loss)
        rarity = 1.0 / ops.maximum(1.0 - both, _TINY)
        return ops.sum(rarity * both, axis=-1) / ops.sum(rarity, axis=-1)

    def _smooth(self, difference: Array) -> Array:
        size = ops.abs(difference)
        square = 0.5 * ops.square(difference) / self.delta
        return ops.where(size < self.delta, square, size - 0.5 * self.delta)

    def _near(self, boxes: Array, truth: GroundTruth) -> Array:
        """How likely an anchor has an object of a class, from its predicted box, `[B, A, C]`."""
        overlap = pairwise_iou(truth.boxes, boxes)  # [B, N, A]
        best = ops.maximum(ops.max(overlap, axis=-1, keepdims=True), self.iou_threshold + _TINY)
        spread = ops.maximum(best - self.iou_threshold, _TINY)
        likely = ops.clip((overlap - self.iou_threshold) / spread, 0.0, 1.0)
        likely = likely * ops.cast(truth.valid, "float32")[..., None]
        batch, count, anchors = ops.shape(likely)
        classes = ops.cast(truth.classes, "int32")
        images = ops.arange(batch, dtype="int32")[:, None]
        groups = ops.reshape(images * self.num_classes + classes, (batch * count,))
        most = ops.segment_max(
            ops.reshape(likely, (batch * count, anchors)), groups, batch * self.num_classes
        )
        # A class without a box has no maximum.
        most = ops.reshape(ops.maximum(most, 0.0), (batch, self.num_classes, anchors))
        return ops.transpose(most, (0, 2, 1))
