"""Batch size, steps and learning rate for a data set, with the reasons."""

from __future__ import annotations

from typing import NamedTuple

from detectune.config.doubts import GOOD_RATE_PER_IMAGE

_LEAST_IMAGES_SEEN = 4800
"""600 steps of batch 8: what a fine-tune of 160 images needed to converge."""
_HIGHEST_RATE = 0.08
"""The zoo's own, for a batch of 128."""
_MOST_STEPS = 50_000
"""The zoo's own, for COCO's 118,000 images."""


class TrainingPlan(NamedTuple):
    """How long and how fast to train."""

    batch_size: int
    num_steps: int
    learning_rate: float
    """The highest one, after the warm-up; a cosine brings it down to 0."""
    warmup_learning_rate: float
    warmup_steps: int
    reasons: tuple[str, ...]
    """Why, one sentence each."""


def plan_training(
    num_images: int,
    batch_size: int | None = None,
    num_steps: int | None = None,
    largest_batch: int = 16,
) -> TrainingPlan:
    """A plan for fine-tuning a zoo detector on `num_images` training images with momentum.

    Args:
        batch_size: the user's; None to choose.
        num_steps: the user's; None to choose.
        largest_batch: of the model; a batch that is chosen is not larger.
    """
    batch, why_batch = _batch(num_images, batch_size, largest_batch)
    steps, why_steps = _steps(num_images, batch, num_steps)
    rate = min(GOOD_RATE_PER_IMAGE * batch, _HIGHEST_RATE)
    warm_up = max(1, min(steps // 6, 1000))
    reasons = (
        why_batch,
        why_steps,
        f"Learning rate {rate:g}: {GOOD_RATE_PER_IMAGE:g} for each image of a batch, at most "
        f"{_HIGHEST_RATE:g}, the zoo's for a batch of 128.",
        f"Warm-up {warm_up} steps from {rate / 4:g}: the fresh class head settles first.",
    )
    return TrainingPlan(batch, steps, rate, rate / 4, warm_up, reasons)


def _batch(num_images: int, wanted: int | None, largest: int) -> tuple[int, str]:
    if wanted:
        return wanted, f"Batch size {wanted}: as you said."
    usual = 16 if num_images >= 2000 else min(8, max(num_images, 1))
    batch = min(usual, largest)
    why = f"for {num_images:,} images" if batch == usual else "this model takes much memory"
    return batch, f"Batch size {batch}: {why}; --batch-size says otherwise."


def _steps(num_images: int, batch: int, wanted: int | None) -> tuple[int, str]:
    if wanted:
        epochs = wanted * batch / max(num_images, 1)
        return wanted, f"{wanted:,} steps: as you said; each image is seen {epochs:.0f} times."
    # Each of the first 1000 images 30 times, further ones 15 times: large sets repeat themselves.
    seen = 30 * min(num_images, 1000) + 15 * max(0, num_images - 1000)
    steps = max(_LEAST_IMAGES_SEEN, seen) / batch
    rounded = min(_MOST_STEPS, max(100, round(steps / 100) * 100))
    epochs = rounded * batch / max(num_images, 1)
    return rounded, f"{rounded:,} steps: each of {num_images:,} images is seen {epochs:.0f} times."
