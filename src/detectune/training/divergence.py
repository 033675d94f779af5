"""A loss that is not finite: what the likelier cause is, and what to do about it.

Pure functions of what was seen on the way; `StopAtNonFinite` collects it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detectune.data.sources.record import Record
from detectune.errors import three_part
from detectune.wording import one_line

# A box that counts a hundred times as much as others makes steps a hundred times as long.
_LARGE_WEIGHT = 100.0
# The loss before it broke, against the least before.
_RISE = 3.0
_SHOWN = 8


@dataclass(frozen=True)
class Divergence:
    """What was seen until a loss was not finite."""

    step: int
    """The step whose loss is not finite, counted from 1."""
    names: Sequence[str]
    """The losses that are not finite."""
    images: Sequence[Record]
    """Of the batch."""
    losses: Sequence[tuple[int, float]]
    """(step, total loss) of the steps before, those of this call of `fit`."""
    learning_rate: float
    clips: bool
    """Whether gradients are clipped."""
    untouched_norms: bool = False
    """Whether most batch norms are frozen with the statistics they were made with."""
    micro_batch: int = 8
    """Images whose statistics a batch norm learns at a time; 0 if none learns any."""
    saved_step: int | None = None
    """The checkpoint that `--resume` would go on from."""


@dataclass(frozen=True)
class Cause:
    """Why a loss may have broken, and what mends it."""

    what: str
    advice: str


def divergence_message(seen: Divergence) -> str:
    """The three parts of the error."""
    images = ", ".join(one_line(record.file_name) for record in seen.images)
    first, *others = likely_causes(seen)
    also = "".join(f" It may also be that {cause.what}." for cause in others[:1])
    return three_part(
        f"step {seen.step}: {', '.join(seen.names)} is not finite. "
        f"The images of this batch: {images}.",
        f"Every loss must stay finite. The likeliest cause: {first.what}.{also}",
        f"{first.advice} {_how_to_go_on(seen)}",
    )


def likely_causes(seen: Divergence) -> list[Cause]:
    """What explains it, the likeliest first; never empty."""
    found = (_bad_weights(seen), _untouched_norms(seen), _start(seen), _rate(seen), _few(seen))
    return [cause for cause in found if cause is not None]


def _bad_weights(seen: Divergence) -> Cause | None:
    wrong = [
        f"{one_line(record.file_name)} ({_shown(record.weights)})"
        for record in seen.images
        if not np.isfinite(record.weights).all() or np.abs(record.weights).max(initial=0) > 100
    ]
    if not wrong:
        return None
    return Cause(
        f"the weights of boxes in the data, in {', '.join(wrong[:_SHOWN])}",
        "Correct the weights: a box counts once, with 1.",
    )


def _shown(weights: np.ndarray) -> str:
    odd = [w for w in weights.tolist() if not np.isfinite(w) or abs(w) > _LARGE_WEIGHT]
    return ", ".join(f"{weight:g}" for weight in odd[:3])


def _untouched_norms(seen: Divergence) -> Cause | None:
    if not seen.untouched_norms:
        return None
    return Cause(
        "batch norms are frozen (batch_norm_trainable: false) with the statistics they were made "
        "with, because no checkpoint was restored, so that signals grow from layer to layer",
        "Name a fine_tune_checkpoint, or set batch_norm_trainable: true in feature_extractor.",
    )


def _start(seen: Divergence) -> Cause | None:
    if seen.step > 1:
        return None
    return Cause(
        "the weights it began with or these pictures; the learning rate had changed nothing yet",
        "Look at these images with `detectune data inspect SOURCE`, and at fine_tune_checkpoint.",
    )


def _rate(seen: Divergence) -> Cause | None:
    if seen.step == 1:
        return None
    trend = ""
    before = [(step, loss) for step, loss in seen.losses if np.isfinite(loss)]
    if before:
        low_step, low = min(before, key=lambda pair: pair[1])
        last_step, last = before[-1]
        if last > _RISE * max(low, 1e-6):
            trend = f": the loss rose from {low:.3g} (step {low_step}) to {last:.3g} ({last_step})"
    rate = seen.learning_rate
    clip = "" if seen.clips else ", and set gradient_clipping_by_norm: 10"
    return Cause(
        f"the learning rate, {rate:.3g} at this step{trend}",
        f"Lower the learning rate to about {rate / 10:.1g} or lengthen its warm-up{clip}.",
    )


def _few(seen: Divergence) -> Cause | None:
    if not 0 < seen.micro_batch <= 2:
        return None
    count = "one image" if seen.micro_batch == 1 else "two images"
    return Cause(
        f"batch norms learn the statistics of {count} at a time, which jump",
        "Take larger batches, or set batch_norm_trainable: false with a fine_tune_checkpoint.",
    )


def _how_to_go_on(seen: Divergence) -> str:
    if seen.saved_step is None:
        return "Then start again; nothing had been saved yet."
    return (
        f"Then start again in another --model-dir, or go on from step {seen.saved_step}, whose "
        "checkpoint is sound, with --resume and the changed config."
    )
