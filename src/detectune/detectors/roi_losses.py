"""What the second stage of a detector minimizes, and over which proposals.

Source: Girshick 2015 (Fast R-CNN), section 2.3.
Parity: meta_architectures/faster_rcnn_meta_arch.py, _loss_box_classifier.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from keras import ops

from detectune.losses.classification import ClassificationLoss
from detectune.losses.hard_mining import HardExampleMiner
from detectune.losses.labelled import labelled_images
from detectune.losses.localization import SmoothL1Loss
from detectune.structures import AnchorTargets, Array, GroundTruth, Proposals
from detectune.targets.anchor_targets import Assigner
from detectune.targets.samplers import BalancedSampler, first_indices


class RoIPredictions(NamedTuple):
    """What the second stage says about every proposal, before decoding."""

    box_codes: Array
    """`[B, P, K, 4]` float32, relative to the proposals; `K` is 1 or the number of classes."""
    class_logits: Array
    """`[B, P, C + 1]` float32, the background in column 0."""
    proposals: Proposals
    features: Array
    """`[B·P, h, w, D]`: what the heads saw; `[B, H, W, D]` in R-FCN."""


@dataclass(frozen=True)
class RoILosses:
    """The losses of the second stage, and which proposals they are summed over.

    Args:
        assigner: targets of proposals, with the background in column 0.
        sampler: which proposals are learned from.
        classification: loss of class logits.
        miner: chooses the proposals with the greatest losses instead; None takes the sampled.
        localization_weight, classification_weight, mask_weight: of the sums.
    """

    assigner: Assigner
    sampler: BalancedSampler
    classification: ClassificationLoss
    miner: HardExampleMiner | None = None
    localization_weight: float = 1.0
    classification_weight: float = 1.0
    mask_weight: float = 1.0

    def sample(self, proposals: Proposals, truth: GroundTruth, preference: Array) -> Proposals:
        """The proposals that the second stage learns from, in their order, padded.

        Args:
            preference: `[B, P]` float32, 0–1: random numbers.
        """
        if self.miner is not None:
            return proposals
        targets = self.assigner(proposals.boxes, truth)
        candidates = ops.logical_and(proposals.valid, targets.class_weights > 0.0)
        chosen = self.sampler(candidates, targets.matches >= 0, preference)
        size = min(self.sampler.size or chosen.shape[1], chosen.shape[1])
        indices, valid = first_indices(chosen, size)
        boxes = ops.take_along_axis(proposals.boxes, indices[..., None], axis=1)
        return Proposals(boxes * ops.cast(valid, "float32")[..., None], valid)

    def __call__(self, out: RoIPredictions, truth: GroundTruth) -> dict[str, Array]:
        """Scalars "localization_loss" and "classification_loss"."""
        boxes, valid = out.proposals.boxes, ops.cast(out.proposals.valid, "float32")
        targets = self.assigner(boxes, truth, out)
        codes = self.matched_codes(out.box_codes, targets, truth)
        box_losses = SmoothL1Loss()(codes, targets.box_codes, targets.box_weights)
        class_losses = self.classification(
            out.class_logits, targets.class_targets, targets.class_weights
        )
        count = ops.maximum(ops.sum(valid, axis=1, keepdims=True), 1.0)
        share = valid / (count * labelled_images(truth))
        box_losses, class_losses = box_losses * share, class_losses * share
        if self.miner is not None:
            decoded = ops.stop_gradient(boxes)
            mined = self.miner(box_losses, class_losses, decoded, targets.matches)
            box_losses, class_losses = box_losses * mined, class_losses * mined
        return {
            "localization_loss": self.localization_weight * ops.sum(box_losses),
            "classification_loss": self.classification_weight * ops.sum(class_losses),
        }

    def matched_codes(self, codes: Array, targets: AnchorTargets, truth: GroundTruth) -> Array:
        """`[B, P, 4]`: of codes `[B, P, K, 4]` that of the class each proposal should have."""
        if codes.shape[2] == 1:
            return codes[:, :, 0]
        classes = matched_classes(targets, truth)
        return ops.take_along_axis(codes, classes[..., None, None], axis=2)[:, :, 0]


def matched_classes(targets: AnchorTargets, truth: GroundTruth) -> Array:
    """`[B, P]` int32: the class of the matched box; 0 where there is none."""
    rows = ops.maximum(targets.matches, 0)
    classes = ops.take_along_axis(ops.cast(truth.classes, "int32"), rows, axis=1)
    return ops.where(targets.matches >= 0, classes, 0)
