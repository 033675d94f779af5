"""Soft suppression: boxes that overlap a better one lose score instead of their place.

    scores [B, A, C] ─► the best `pool` boxes of every class
         ─► `max_per_class` times: take the best, lower the scores of what overlaps it
         ─► the best of all classes

A box outside the pool can only matter if the last box taken scores less than it; then, and only
then, all is done again with all boxes. The answer is that of the greedy algorithm on all of them.

Source: Bodla et al. 2017 (Soft-NMS), equation 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from keras import ops

from detectune.boxes.iou import pairwise_iou
from detectune.boxes.nms import Kept, best_of, inside
from detectune.structures import Array

# The score of a box that has been taken.
_GONE = -1e30


# Scores of the candidates; indices and scores of what was taken.
_State = tuple[Array, Array, Array]


class _Taken(NamedTuple):
    """Boxes taken so far, in order: `[B, C, P]` each."""

    indices: Array
    scores: Array


@dataclass(frozen=True)
class SoftNonMaxSuppression:
    """Class by class soft suppression, then the best of all classes.

    Args:
        sigma: the score of a box of overlap `o` with a taken one falls by `exp(−o² / (2 · sigma))`.
        score_threshold: a box whose score falls to this is dropped.
        iou_threshold: a box that overlaps a taken one by more is dropped.
        max_per_class: kept per class and image.
        max_detections: kept per image.
        pool: boxes of each class looked at first; changes the time taken, not the answer.
    """

    sigma: float
    score_threshold: float = 0.0
    iou_threshold: float = 1.0
    max_per_class: int = 100
    max_detections: int = 100
    pool: int = 400

    def __call__(self, boxes: Array, scores: Array, windows: Array | None = None) -> Kept:
        """The best `max_detections` pairs of every image; see `NonMaxSuppression`.

        Scores are the lowered ones.
        """
        batch, count, num_classes = ops.shape(scores)[0], scores.shape[1], scores.shape[2]
        scores = ops.transpose(ops.cast(scores, "float32"), (0, 2, 1))
        per_class = boxes if len(boxes.shape) == 4 else boxes[:, :, None]
        per_class = ops.transpose(ops.cast(per_class, "float32"), (0, 2, 1, 3))
        per_class = ops.broadcast_to(per_class, (batch, num_classes, count, 4))
        taken = self._take(per_class, scores)
        chosen = ops.take_along_axis(per_class, taken.indices[..., None], axis=2)
        classes = ops.arange(num_classes, dtype="int32")[None, :, None]
        pairs = Kept(
            boxes=ops.reshape(chosen, (batch, -1, 4)),
            scores=ops.reshape(taken.scores, (batch, -1)),
            classes=ops.reshape(ops.broadcast_to(classes, ops.shape(taken.indices)), (batch, -1)),
            indices=ops.reshape(taken.indices, (batch, -1)),
            valid=ops.reshape(taken.scores, (batch, -1)) > self.score_threshold,
        )
        return best_of(self.max_detections, inside(pairs, windows))

    def _take(self, boxes: Array, scores: Array) -> _Taken:
        """The boxes of every class from `[B, C, A, 4]` and scores `[B, C, A]`."""
        count = scores.shape[2]
        if count <= self.pool:
            return self._greedy(boxes, scores, count)
        quick = self._greedy(boxes, scores, self.pool)
        outside = ops.top_k(scores, self.pool + 1)[0][..., -1]
        # What stands outside the pool cannot have been better than the last box taken.
        sure = quick.scores[..., -1] >= ops.maximum(outside, self.score_threshold)
        sure = ops.logical_or(sure, outside <= self.score_threshold)
        return ops.cond(ops.all(sure), lambda: quick, lambda: self._greedy(boxes, scores, count))

    def _greedy(self, boxes: Array, scores: Array, pool: int) -> _Taken:
        scores, order = ops.top_k(scores, pool)
        order = ops.cast(order, "int32")
        boxes = ops.take_along_axis(boxes, order[..., None], axis=2)
        ranks = ops.arange(pool, dtype="int32")
        steps = ops.arange(self.max_per_class, dtype="int32")

        def take_best(step: Array, state: _State) -> _State:
            scores, indices, found = state
            place = ops.cast(ops.argmax(scores, axis=-1), "int32")[..., None]
            score = ops.max(scores, axis=-1, keepdims=True)
            box = ops.take_along_axis(boxes, place[..., None], axis=2)
            lowered = scores * self._weights(pairwise_iou(box, boxes)[:, :, 0])
            lowered = ops.where(lowered > self.score_threshold, lowered, _GONE)
            scores = ops.where(ranks == place, _GONE, ops.where(scores > _GONE, lowered, _GONE))
            index = ops.take_along_axis(order, place, axis=2)
            here = ops.logical_and(steps == step, score > self.score_threshold)
            return scores, ops.where(here, index, indices), ops.where(here, score, found)

        shape = (*ops.shape(scores)[:2], self.max_per_class)
        start = (scores, ops.zeros(shape, "int32"), ops.full(shape, _GONE, "float32"))
        _, indices, found = ops.fori_loop(0, self.max_per_class, take_best, start)
        return _Taken(indices, found)

    def _weights(self, overlap: Array) -> Array:
        """Factors `[B, C, A]` on the scores of boxes that overlap a taken one."""
        weight = ops.exp(-ops.square(overlap) / (2.0 * self.sigma))
        return ops.where(overlap > self.iou_threshold, 0.0, weight)
