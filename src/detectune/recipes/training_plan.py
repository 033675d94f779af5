"""Batch size, steps and learning rate for a data set and a machine, with the reasons."""

from __future__ import annotations

from typing import NamedTuple

from detectune.config.warnings import GOOD_RATE_PER_IMAGE
from detectune.recipes.machine import Machine
from detectune.recipes.memory import Footprint
from detectune.wording import plural

_LEAST_IMAGES_SEEN = 4800
"""600 steps of batch 8: what a fine-tune of 160 images needed to converge."""
_HIGHEST_RATE = 0.08
"""The zoo's own, for a batch of 128."""
_MOST_STEPS = 50_000
"""The zoo's own, for COCO's 118,000 images."""
_USABLE_MEMORY = 0.8
"""The rest is for reading the data, evaluation, and other programs."""


class Shipped(NamedTuple):
    """How the zoo trained a model."""

    batch_size: int
    learning_rate: float
    """The highest, for that batch."""
    clipping: float = 0.0
    """`gradient_clipping_by_norm`; 0 for none."""


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
    accumulation: int = 1
    """`gradient_accumulation_steps`."""
    clipping: float = 0.0
    """`gradient_clipping_by_norm`; 0 for none."""

    @property
    def images_at_once(self) -> int:
        """How many images are in memory together."""
        return self.batch_size // self.accumulation


def plan_training(
    num_images: int,
    batch_size: int | None = None,
    num_steps: int | None = None,
    largest_batch: int = 16,
    *,
    shipped: Shipped | None = None,
    footprint: Footprint | None = None,
    machine: Machine | None = None,
    said_by: str = "as you said",
) -> TrainingPlan:
    """A plan for fine-tuning a zoo detector on `num_images` training images with momentum.

    Args:
        batch_size: the user's; None to choose.
        num_steps: the user's; None to choose.
        largest_batch: of the model; a batch that is chosen is not larger.
        shipped: the learning rate follows the zoo's; None for a rate that went well with SSDs.
        footprint: memory that the model takes; None if it is not known.
        machine: where the training will run; None if it is not known.
        said_by: who chose `batch_size` and `num_steps`, for the reasons.
    """
    batch, why_batch = _batch(num_images, batch_size, largest_batch, said_by)
    accumulation, why_accumulation = _accumulation(batch, footprint, machine)
    steps, why_steps = _steps(num_images, batch, num_steps, said_by)
    rate, why_rate = _rate(batch, shipped)
    warm_up = max(1, min(steps // 6, 1000))
    reasons = (
        why_batch,
        *why_accumulation,
        why_steps,
        why_rate,
        f"Warm-up {plural(warm_up, 'step')} from {rate / 4:g}: the fresh class head settles first.",
    )
    clipping = shipped.clipping if shipped else 0.0
    return TrainingPlan(batch, steps, rate, rate / 4, warm_up, reasons, accumulation, clipping)


def _batch(num_images: int, wanted: int | None, largest: int, said_by: str) -> tuple[int, str]:
    if wanted:
        return wanted, f"Batch size {wanted}: {said_by}."
    usual = 16 if num_images >= 2000 else min(8, max(num_images, 1))
    batch = min(usual, largest)
    why = f"for {plural(num_images, 'image')}" if batch == usual else "this model takes much memory"
    return batch, f"Batch size {batch}: {why}; --batch-size says otherwise."


def _accumulation(
    batch: int, footprint: Footprint | None, machine: Machine | None
) -> tuple[int, list[str]]:
    """In how many accumulation steps a batch fits into the memory, and why."""
    if footprint is None or machine is None or machine.memory_gb is None:
        return 1, []
    usable = machine.memory_gb * _USABLE_MEMORY
    at_once = max(footprint.images_within(usable), 1)
    accumulation = next(n for n in range(1, batch + 1) if batch % n == 0 and batch // n <= at_once)
    size = batch // accumulation
    needed = footprint.gb(size)
    if needed > usable:
        warning = (
            f"Memory: one image takes about {needed:.1f} GB, and there is {machine.describe()}. "
            "Choose a smaller model or input, or another machine."
        )
        return accumulation, [warning]
    if accumulation == 1:
        return 1, [
            f"Memory: about {needed:.1f} GB for {plural(batch, 'image')}; {machine.describe()}."
        ]
    return accumulation, [
        f"gradient_accumulation_steps {accumulation}: {plural(batch, 'image')} would take about "
        f"{footprint.gb(batch):.1f} GB, {size} at a time take {needed:.1f}; {machine.describe()}."
    ]


def _rate(batch: int, shipped: Shipped | None) -> tuple[float, str]:
    if shipped is None:
        rate = min(GOOD_RATE_PER_IMAGE * batch, _HIGHEST_RATE)
        return rate, (
            f"Learning rate {rate:g}: {GOOD_RATE_PER_IMAGE:g} for each image of a batch, at most "
            f"{_HIGHEST_RATE:g}, the zoo's for a batch of 128."
        )
    rate = shipped.learning_rate * min(batch / shipped.batch_size, 1.0)
    return rate, (
        f"Learning rate {rate:g}: the zoo's {shipped.learning_rate:g} for a batch of "
        f"{shipped.batch_size}, in proportion to the batch."
    )


def _steps(num_images: int, batch: int, wanted: int | None, said_by: str) -> tuple[int, str]:
    if wanted:
        epochs = wanted * batch / max(num_images, 1)
        steps, times = plural(wanted, "step"), _times(epochs)
        return wanted, f"{steps}: {said_by}; each image is seen {times}."
    # Each of the first 1000 images 30 times, further ones 15 times: large sets repeat themselves.
    seen = 30 * min(num_images, 1000) + 15 * max(0, num_images - 1000)
    steps = max(_LEAST_IMAGES_SEEN, seen) / batch
    rounded = min(_MOST_STEPS, max(100, round(steps / 100) * 100))
    epochs = rounded * batch / max(num_images, 1)
    images = "the image" if num_images == 1 else f"each of {plural(num_images, 'image')}"
    return rounded, f"{plural(rounded, 'step')}: {images} is seen {_times(epochs)}."


def _times(epochs: float) -> str:
    """`1 time`, `30 times`, `0.2 times`."""
    return plural(round(epochs), "time") if epochs >= 1 else f"{epochs:.1g} times"
