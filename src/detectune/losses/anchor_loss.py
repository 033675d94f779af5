"""The loss of a single-shot detector: two sums over anchors, weighted and normalized."""

from __future__ import annotations

from dataclasses import dataclass

from keras import ops

from detectune.boxes.coders import BoxCoder
from detectune.losses.classification import ClassificationLoss
from detectune.losses.hard_mining import HardExampleMiner
from detectune.losses.localization import LocalizationLoss
from detectune.structures import AnchorTargets, Array, Predictions


@dataclass(frozen=True)
class AnchorLoss:
    """Classification and localization loss over all anchors of a batch.

    Args:
        classification, localization: unreduced losses.
        coder: decodes boxes for the miner.
        classification_weight, localization_weight: of the two sums.
        normalize_by_matches: divide by the number of matched anchors in the batch.
        normalize_by_code_size: divide the localization loss by the length of a box code.
        miner: chooses which anchors count; None counts all.
    """

    classification: ClassificationLoss
    localization: LocalizationLoss
    coder: BoxCoder
    classification_weight: float = 1.0
    localization_weight: float = 1.0
    normalize_by_matches: bool = True
    normalize_by_code_size: bool = False
    miner: HardExampleMiner | None = None

    def __call__(self, out: Predictions, targets: AnchorTargets) -> dict[str, Array]:
        """Scalars "classification_loss" and "localization_loss"."""
        codes = ops.cast(out.box_codes, "float32")
        logits = ops.cast(out.class_logits, "float32")
        box_losses = self.localization(codes, targets.box_codes, targets.box_weights)
        class_losses = self.classification(logits, targets.class_targets, targets.class_weights)
        if self.miner is not None:
            boxes = self.coder.decode(codes, out.anchors)
            chosen = self.miner(box_losses, class_losses, boxes, targets.matches)
            box_losses, class_losses = box_losses * chosen, class_losses * chosen
        normalizer = 1.0
        if self.normalize_by_matches:
            # Parity: the sum of box weights, which is the number of matches if all weigh 1.
            normalizer = ops.maximum(ops.sum(targets.box_weights), 1.0)
        code_size = self.coder.code_size if self.normalize_by_code_size else 1
        return {
            "classification_loss": ops.sum(class_losses) * self.classification_weight / normalizer,
            "localization_loss": (
                ops.sum(box_losses) * self.localization_weight / (normalizer * code_size)
            ),
        }
