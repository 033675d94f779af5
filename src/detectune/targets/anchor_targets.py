"""Ground truth → what the network should say at every anchor.

boxes [B, N, 4] ─► similarity [B, N, A] ─► matcher ─► matches [B, A]
                                              ├─► box codes and weights of the matched box
                                              └─► one-hot class and weight, or background
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from keras import ops

from detectune.boxes.coders import BoxCoder
from detectune.structures import AnchorTargets, Array, GroundTruth
from detectune.targets.matchers import IGNORED, UNMATCHED, Matcher
from detectune.targets.similarities import IouSimilarity, Similarity

# The similarity of padding to anything.
_NOTHING = -1e30


class Assigner(Protocol):
    """What a detector expects of the part that says what its network should say."""

    def __call__(
        self, anchors: Array, truth: GroundTruth, predictions: Any = None
    ) -> AnchorTargets:
        """Targets of anchors `[A, 4]`, or `[B, A, 4]` of each image, for `truth`, in one unit.

        Images that are not labelled match nothing and are ignored.

        Args:
            predictions: what the network said about the anchors, for assigners that choose by it.
        """
        ...


@dataclass(frozen=True)
class AnchorAssigner:
    """Targets for every anchor of every image.

    Args:
        matcher: decides which box an anchor should find.
        coder: turns a box into the code to predict.
        num_classes: without background.
        similarity: how well a box fits an anchor.
        background_column: whether the class targets have a column 0 for the background, before
            those of the classes.
        background_as_zeros: background is all zeros, else a one in column 0, be it a column of its
            own or that of the first class.
        negative_weight: class weight of anchors that match nothing.

    Parity: core/target_assigner.py.
    """

    matcher: Matcher
    coder: BoxCoder
    num_classes: int
    similarity: Similarity = field(default_factory=IouSimilarity)
    background_column: bool = True
    background_as_zeros: bool = True
    negative_weight: float = 1.0

    def __call__(
        self, anchors: Array, truth: GroundTruth, predictions: Any = None
    ) -> AnchorTargets:
        """See `Assigner`; what the network said does not matter here."""
        del predictions
        similarity = self.similarity(truth.boxes, anchors)
        if self.similarity.signed:
            similarity = ops.where(truth.valid[..., None], similarity, _NOTHING)
        # Parity: boxes of weight 0 may match an anchor (and silence it) but not claim one.
        matches = self.matcher(similarity, ops.logical_and(truth.valid, truth.weights > 0.0))
        rows = ops.maximum(matches, 0)
        real = ops.take_along_axis(truth.valid, rows, axis=1)
        matches = ops.where(ops.logical_or(matches < 0, real), matches, UNMATCHED)
        if truth.labelled is not None:
            matches = ops.where(ops.cast(truth.labelled, "bool")[:, None], matches, IGNORED)
        matched = matches >= 0
        weights = ops.take_along_axis(ops.cast(truth.weights, "float32"), rows, axis=1)
        boxes = ops.take_along_axis(truth.boxes, rows[..., None], axis=1)
        codes = self.coder.encode(boxes, ops.convert_to_tensor(anchors, "float32"))
        return AnchorTargets(
            box_codes=ops.where(matched[..., None], codes, 0.0),
            box_weights=ops.where(matched, weights, 0.0),
            class_targets=self._classes(truth.classes, rows, matched),
            class_weights=ops.where(
                matched, weights, ops.where(matches == UNMATCHED, self.negative_weight, 0.0)
            ),
            matches=matches,
        )

    def _classes(self, classes: Array, rows: Array, matched: Array) -> Array:
        """One-hot class targets `[B, A, C]` or `[B, A, C + 1]`."""
        first = 1 if self.background_column else 0
        column = ops.take_along_axis(ops.cast(classes, "int32"), rows, axis=1) + first
        nothing = -1 if self.background_as_zeros else 0
        return ops.one_hot(ops.where(matched, column, nothing), self.num_classes + first)
