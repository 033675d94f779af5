"""Non-maximum suppression: of boxes that cover the same object, keep the best.

    scores [B, A, C] ─► pairs (box, class), best first ─► blocks of `block_size` pairs
         block ─► suppressed by what earlier blocks kept?  ─► suppressed inside the block? ─► kept

Everything is batched and has static shapes, and only the best pairs are ever compared: a block
of candidates is taken from the top of the scores, and another one only while an image still lacks
boxes. The answer is that of the greedy algorithm on all pairs; most images need one block.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from keras import ops

from detectune.boxes.convert import area, clip
from detectune.boxes.iou import pairwise_iou
from detectune.structures import Array

# The score of a pair that has been looked at.
_GONE = -1e30


class Kept(NamedTuple):
    """The pairs that survived, best first, padded to `K` per image."""

    boxes: Array
    """`[B, K, 4]` float32 yxyx, clipped to the window."""
    scores: Array
    """`[B, K]` float32; 0 in padding."""
    classes: Array
    """`[B, K]` int32."""
    indices: Array
    """`[B, K]` int32, which of the `A` boxes."""
    valid: Array
    """`[B, K]` bool."""


@dataclass(frozen=True)
class NonMaxSuppression:
    """Class by class greedy suppression, then the best of all classes.

    Args:
        score_threshold: pairs that do not score more are dropped.
        iou_threshold: a box that overlaps a better one of its class by more is dropped.
        max_per_class: kept per class and image.
        max_detections: kept per image.
        class_agnostic: every box stands for its best class only, and boxes of all classes compete.
        drop_empty: whether boxes outside the window are dropped; else they stay, as empty boxes.
        block_size: pairs compared at a time; changes the time taken, not the answer.
    """

    score_threshold: float = 0.0
    iou_threshold: float = 0.6
    max_per_class: int = 100
    max_detections: int = 100
    class_agnostic: bool = False
    drop_empty: bool = True
    block_size: int = 512

    def __call__(self, boxes: Array, scores: Array, windows: Array | None = None) -> Kept:
        """The best `max_detections` pairs of every image.

        Args:
            boxes: `[B, A, 4]` float32 yxyx, not clipped; or `[B, A, C, 4]`, a box for each class.
            scores: `[B, A, C]` float32, without background.
            windows: `[B, 4]` yxyx; kept boxes are clipped to it, and those left empty dropped.
                None keeps boxes as they are.
        """
        num_classes = scores.shape[-1]
        batch, count = ops.shape(scores)[0], scores.shape[1]
        if self.class_agnostic:
            best_class = ops.cast(ops.argmax(scores, axis=-1), "int32")
            if len(boxes.shape) == 4:
                boxes = ops.take_along_axis(boxes, best_class[..., None, None], axis=2)[:, :, 0]
            # Parity: `max_per_class` does not count here, and boxes outside the window take up
            # rows that nobody fills.
            uncapped = replace(self, max_per_class=self.max_detections)
            kept = uncapped._greedy(boxes, ops.max(scores, axis=-1), None, num_classes=1)
            kept = best_of(self.max_detections, inside(kept, windows, self.drop_empty))
            classes = ops.take_along_axis(best_class, kept.indices, axis=1)
            return kept._replace(classes=ops.where(kept.valid, classes, 0))
        # How many boxes there are says whose they are, so it is known where the batch size is not.
        per_pair = len(boxes.shape) == 4
        boxes = ops.reshape(boxes, (batch, count * (num_classes if per_pair else 1), 4))
        pairs = ops.reshape(scores, (batch, count * num_classes))
        return self._greedy(boxes, pairs, windows, num_classes)

    def _greedy(self, boxes: Array, pairs: Array, windows: Array | None, num_classes: int) -> Kept:
        """Take blocks of the best `pairs` `[B, A·C]` until every image has its detections."""
        size = min(self.block_size, pairs.shape[1])
        boxes, pairs = ops.cast(boxes, "float32"), ops.cast(pairs, "float32")
        batch = ops.shape(pairs)[0]
        block_count = -(-pairs.shape[1] // size)
        # Boxes that the window will drop still suppress others, so there is room for them too.
        room = self.max_detections * (1 if windows is None or not self.drop_empty else 2)
        found = ops.zeros((batch, num_classes), "int32")

        def unfinished(done: Array, kept: Kept, pairs: Array, found: Array) -> Array:
            count = ops.sum(ops.cast(inside(kept, windows, self.drop_empty).valid, "int32"), axis=1)
            left = ops.max(pairs, axis=1) > self.score_threshold
            missing = ops.logical_and(left, count < self.max_detections)
            # Parity: boxes that the window drops count for their class.
            open_class = ops.any(found < self.max_per_class, axis=1)
            missing = ops.logical_and(missing, open_class)
            return ops.logical_and(done < block_count, ops.any(missing))

        def take_block(done: Array, kept: Kept, pairs: Array, found: Array):
            block, pairs = self._next_block(boxes, pairs, size, num_classes)
            block, found = self._suppress(block, kept, found, num_classes)
            return done + 1, best_of(room, kept, block), pairs, found

        start = (ops.zeros((), "int32"), _empty(batch, room), pairs, found)
        _, kept, _, _ = ops.while_loop(unfinished, take_block, start)
        return best_of(self.max_detections, inside(kept, windows, self.drop_empty))

    def _next_block(
        self, boxes: Array, pairs: Array, size: int, num_classes: int
    ) -> tuple[Kept, Array]:
        """The best `size` pairs of each image, and `pairs` with those crossed out."""
        scores, order = ops.top_k(pairs, size)
        order = ops.cast(order, "int32")
        last = scores[:, -1:]
        # Crossing out by rank: everything above the last score, and ties up to the last index.
        taken = ops.logical_or(
            pairs > last,
            ops.logical_and(
                pairs == last,
                ops.arange(pairs.shape[1], dtype="int32")[None] <= order[:, -1:],
            ),
        )
        pairs = ops.where(taken, _GONE, pairs)
        indices = order // num_classes
        kept_indices = order if boxes.shape[1] == pairs.shape[1] else indices
        block = Kept(
            boxes=ops.take_along_axis(boxes, kept_indices[..., None], axis=1),
            scores=scores,
            classes=order % num_classes,
            indices=indices,
            valid=scores > self.score_threshold,
        )
        return block, pairs

    def _suppress(
        self, block: Kept, kept: Kept, found: Array, num_classes: int
    ) -> tuple[Kept, Array]:
        """`block` with `valid` only where greedy suppression keeps the pair."""
        rival = _overlaps(block, kept, self.iou_threshold)
        by_earlier = ops.any(ops.logical_and(rival, kept.valid[:, None, :]), axis=2)
        candidates = ops.logical_and(block.valid, ops.logical_not(by_earlier))
        better = ops.tril(ops.ones((block.scores.shape[1],) * 2, "bool"), k=-1)[None]
        beats = ops.logical_and(_overlaps(block, block, self.iou_threshold), better)
        survivors = _fixed_point(candidates, ops.cast(beats, "float32"))
        return self._cap_classes(block, survivors, found, better, num_classes)

    def _cap_classes(
        self, block: Kept, survivors: Array, found: Array, better: Array, num_classes: int
    ) -> tuple[Kept, Array]:
        """Drop survivors beyond `max_per_class`; `found` `[B, C]` counts them over the blocks."""
        rank = self._rank_in_class(block, survivors, better, num_classes)
        rank = rank + ops.take_along_axis(found, block.classes, axis=1)
        survivors = ops.logical_and(survivors, rank < self.max_per_class)
        one_hot = ops.cast(block.classes[..., None] == ops.arange(num_classes), "int32")
        found = found + ops.sum(one_hot * ops.cast(survivors, "int32")[..., None], axis=1)
        return block._replace(valid=survivors), found

    @staticmethod
    def _rank_in_class(block: Kept, survivors: Array, better: Array, num_classes: int) -> Array:
        """`[B, N]` int32: how many better survivors of its class each pair has in the block."""
        if num_classes == 1:
            flags = ops.cast(survivors, "int32")
            return ops.cumsum(flags, axis=1) - flags
        same = block.classes[:, :, None] == block.classes[:, None, :]
        ahead = ops.cast(ops.logical_and(same, better), "float32")
        return ops.cast(ops.squeeze(ahead @ _column(survivors), -1), "int32")


def inside(block: Kept, windows: Array | None, drop_empty: bool = True) -> Kept:
    """`block` clipped to `windows` `[B, 4]`, without the boxes that leaves empty."""
    if windows is None:
        return block
    clipped = clip(block.boxes, windows[:, None, :])
    if not drop_empty:
        return block._replace(boxes=clipped)
    return block._replace(boxes=clipped, valid=ops.logical_and(block.valid, area(clipped) > 0.0))


def _overlaps(these: Kept, those: Kept, iou_threshold: float) -> Array:
    """`[B, N, M]` bool: same class, and overlap above the threshold."""
    same_class = these.classes[:, :, None] == those.classes[:, None, :]
    return ops.logical_and(same_class, pairwise_iou(these.boxes, those.boxes) > iou_threshold)


def _fixed_point(candidates: Array, beats: Array) -> Array:
    """`[B, N]` bool: the greedy survivors, where `beats[b, i, j]` = 1 if j suppresses i.

    A pair survives if no survivor beats it. Starting from all candidates, each round settles at
    least one more pair for good, and most images settle within a few rounds.
    """

    def changed(before: Array, after: Array) -> Array:
        return ops.any(ops.not_equal(before, after))

    def next_round(before: Array, after: Array) -> tuple[Array, Array]:
        beaten = ops.squeeze(beats @ _column(after), -1) > 0.0
        return after, ops.logical_and(candidates, ops.logical_not(beaten))

    nobody = ops.zeros_like(candidates)
    _, survivors = ops.while_loop(changed, next_round, next_round(nobody, candidates))
    return survivors


def _column(flags: Array) -> Array:
    return ops.cast(flags, "float32")[..., None]


def _empty(batch: Array, size: int) -> Kept:
    return Kept(
        boxes=ops.zeros((batch, size, 4), "float32"),
        scores=ops.zeros((batch, size), "float32"),
        classes=ops.zeros((batch, size), "int32"),
        indices=ops.zeros((batch, size), "int32"),
        valid=ops.zeros((batch, size), "bool"),
    )


def best_of(count: int, *groups: Kept) -> Kept:
    """The best `count` valid pairs of all `groups`, best first."""
    together = Kept(*(ops.concatenate(part, axis=1) for part in zip(*groups, strict=True)))
    scores, order = ops.top_k(ops.where(together.valid, together.scores, _GONE), count)
    order, valid = ops.cast(order, "int32"), scores > _GONE
    return Kept(
        boxes=_gather(together.boxes, order) * _column(valid),
        scores=ops.where(valid, scores, 0.0),
        classes=ops.where(valid, ops.take_along_axis(together.classes, order, axis=1), 0),
        indices=ops.where(valid, ops.take_along_axis(together.indices, order, axis=1), 0),
        valid=valid,
    )


def _gather(boxes: Array, order: Array) -> Array:
    return ops.take_along_axis(boxes, order[..., None], axis=1)
