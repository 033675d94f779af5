"""Learning-rate schedules whose numbers contradict each other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from detectune.config import schema
from detectune.config.problems import Problem


def schedule_conflicts(config: schema.Optimizer) -> Iterator[Problem]:
    """An error for each conflict in the learning rate of `train_config { optimizer { } }`."""
    kind = config.WhichOneof("optimizer")
    if kind is None:
        return
    path = f"train_config.optimizer.{kind}.learning_rate"
    yield from rate_conflicts(getattr(config, kind).learning_rate, path)


def rate_conflicts(rate: schema.LearningRate, path: str) -> Iterator[Problem]:
    """An error for each conflict in the learning rate at `path`."""
    schedule = rate.WhichOneof("learning_rate")
    path = f"{path}.{schedule}"
    if schedule == "manual_step_learning_rate":
        yield from _manual_step(rate.manual_step_learning_rate, path)
    elif schedule == "cosine_decay_learning_rate":
        yield from _cosine(rate.cosine_decay_learning_rate, path)


def _manual_step(config: schema.ManualStepLearningRate, path: str) -> Iterator[Problem]:
    steps = [entry.step for entry in config.schedule]
    first_allowed = 1 if config.warmup else 0
    rising = all(after > before for before, after in pairwise(steps))
    if not rising or (steps and steps[0] < first_allowed):
        shown = ", ".join(map(str, steps[:8])) + (", …" if len(steps) > 8 else "")
        yield Problem(
            "error",
            f"{path}.schedule",
            f"the steps are {shown}.",
            f"Each step must be larger than the one before it, the first at least {first_allowed}.",
            "Put the entries of `schedule` in order and remove duplicates.",
        )


def _cosine(config: schema.CosineDecayLearningRate, path: str) -> Iterator[Problem]:
    base, warm_up = config.learning_rate_base, config.warmup_learning_rate
    if config.warmup_steps and 0 <= base < warm_up:
        yield Problem(
            "error",
            f"{path}.warmup_learning_rate",
            f"warmup_learning_rate is {warm_up:g} and learning_rate_base is {base:g}.",
            "A warm-up rises from warmup_learning_rate to learning_rate_base.",
            f"Write warmup_learning_rate: {base / 3:.2g}, a third of learning_rate_base.",
        )
