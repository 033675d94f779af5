"""The loss of a single-shot detector: two sums over anchors, weighted and normalized.

targets ─► sampler? (which anchors count) ─► losses per anchor ─► negative weights? or miner?
        ─► sums ─► weights ─► divided by the number of matches?
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from keras import ops

from detectune.boxes.coders import BoxCoder
from detectune.losses.classification import ClassificationLoss
from detectune.losses.hard_mining import HardExampleMiner
from detectune.losses.localization import LocalizationLoss
from detectune.losses.negative_weights import NegativeWeights
from detectune.structures import AnchorTargets, Array, Predictions


class Sampler(Protocol):
    """What the loss expects of a sampler, see `targets.samplers`."""

    def __call__(self, candidates: Array, positive: Array, preference: Array) -> Array:
        """`[B, A]` bool."""
        ...


class DenseLoss(Protocol):
    """What a single-shot detector expects of its loss."""

    names: ClassVar[tuple[str, ...]]
    """The keys of what it returns."""

    @property
    def sampler(self) -> Sampler | None:
        """What chooses at random which anchors count, if anything does."""
        ...

    def __call__(
        self, out: Predictions, targets: Any, anchors: Array, preference: Array | None = None
    ) -> dict[str, Array]:
        """Scalars by name.

        Args:
            targets: what the assigner made that goes with this loss.
            anchors: `[A, 4]` yxyx, what the codes are relative to.
            preference: `[B, A]` float32, 0–1, random numbers for the sampler if there is one.
        """
        ...


@dataclass(frozen=True)
class AnchorLoss:
    """Classification and localization loss over all anchors of a batch.

    Args:
        classification, localization: unreduced losses.
        coder: decodes boxes for the miner, and for a localization loss on boxes.
        classification_weight, localization_weight: of the two sums.
        normalize_by_matches: divide by the number of matched anchors in the batch.
        normalize_by_code_size: divide the localization loss by the length of a box code.
        sampler: chooses at random which anchors count; None counts all.
        miner: chooses the anchors with the greatest losses among them; None takes all.
        negative_weights: weighs anchors without an object; None weighs them as the targets do.
    """

    names: ClassVar[tuple[str, str]] = ("classification_loss", "localization_loss")

    classification: ClassificationLoss
    localization: LocalizationLoss
    coder: BoxCoder
    classification_weight: float = 1.0
    localization_weight: float = 1.0
    normalize_by_matches: bool = True
    normalize_by_code_size: bool = False
    sampler: Sampler | None = None
    miner: HardExampleMiner | None = None
    negative_weights: NegativeWeights | None = None

    def __call__(
        self,
        out: Predictions,
        targets: AnchorTargets,
        anchors: Array,
        preference: Array | None = None,
    ) -> dict[str, Array]:
        """Scalars "classification_loss" and "localization_loss".

        Args:
            anchors: `[A, 4]` yxyx, what the codes are relative to.
            preference: `[B, A]` float32, 0–1, random numbers for the sampler if there is one.
        """
        if self.sampler is not None:
            targets = self._sampled(self.sampler, targets, preference)
        box_losses = self._localization(out, targets, anchors)
        class_losses = self.classification(
            ops.cast(out.class_logits, "float32"), targets.class_targets, targets.class_weights
        )
        if self.negative_weights is not None:
            class_losses = class_losses * self.negative_weights(targets.matches)
        if self.miner is not None:
            boxes = self.coder.decode(ops.cast(out.box_codes, "float32"), anchors)
            chosen = self.miner(box_losses, class_losses, boxes, targets.matches)
            box_losses, class_losses = box_losses * chosen, class_losses * chosen
        return self._sums(box_losses, class_losses, targets)

    def _sampled(
        self, sampler: Sampler, targets: AnchorTargets, preference: Array
    ) -> AnchorTargets:
        """`targets` with the weights of what is not chosen set to 0."""
        chosen = sampler(targets.class_weights > 0.0, targets.matches >= 0, preference)
        chosen = ops.cast(chosen, "float32")
        return targets._replace(
            box_weights=targets.box_weights * chosen, class_weights=targets.class_weights * chosen
        )

    def _localization(self, out: Predictions, targets: AnchorTargets, anchors: Array) -> Array:
        """Losses `[B, A]`."""
        codes, wanted = ops.cast(out.box_codes, "float32"), targets.box_codes
        if self.localization.on_boxes:
            codes, wanted = (self.coder.decode(these, anchors) for these in (codes, wanted))
        return self.localization(codes, wanted, targets.box_weights)

    def _sums(
        self, box_losses: Array, class_losses: Array, targets: AnchorTargets
    ) -> dict[str, Array]:
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
