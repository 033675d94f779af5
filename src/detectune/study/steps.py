"""How many steps a training takes: as the config says, as an option says, or as time allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from detectune.config import schema
from detectune.errors import TrainingError, three_part
from detectune.wording import plural

TRIAL_STEPS = 20
"""Of the short training that measures how fast longer ones go."""
_COSINE = ("total_steps", "warmup_steps", "hold_base_rate_steps")


def with_steps(train: schema.TrainConfig, steps: int) -> None:
    """Let `train` take `steps` steps, its schedule in proportion: it ends as it did before."""
    before = train.num_steps
    train.num_steps = steps
    if before in (0, steps):
        return
    optimizer = train.optimizer.WhichOneof("optimizer")
    if optimizer is None:
        return
    rate = getattr(train.optimizer, optimizer).learning_rate
    kind = rate.WhichOneof("learning_rate")
    factor = steps / before
    if kind == "cosine_decay_learning_rate":
        for field in _COSINE:
            _scale(rate.cosine_decay_learning_rate, field, factor)
    elif kind == "exponential_decay_learning_rate":
        for field in ("decay_steps", "burnin_steps"):
            _scale(rate.exponential_decay_learning_rate, field, factor)
    elif kind == "manual_step_learning_rate":
        for entry in rate.manual_step_learning_rate.schedule:
            _scale(entry, "step", factor)
    for entry in train.unfreeze_at_step:
        _scale(entry, "step", factor)


def _scale(message: Any, field: str, factor: float) -> None:
    """Multiply `field`, which may have its default; 0 stays 0, and nothing else becomes 0."""
    value = getattr(message, field)
    if value:
        setattr(message, field, min(max(1, round(value * factor)), 2**32 - 1))


def steps_within(
    minutes: float,
    train: schema.TrainConfig,
    rows: Sequence[Mapping[str, Any]],
    seconds: float,
) -> int:
    """How many steps fit into `minutes`, by what a trial of `TRIAL_STEPS` took.

    Args:
        train: of the config; how often it evaluates counts.
        rows: of the metrics.jsonl of the trial.
        seconds: that the trial took in all, with its one evaluation.

    Raises:
        TrainingError: there is no time for a single step.
    """
    trained = [row for row in rows if row["kind"] == "train"]
    measured = [row for row in rows if row["kind"] == "eval"]
    step = train.batch_size / float(trained[-1]["images_per_sec"])
    evaluation = max(float(measured[-1]["time"]) - float(trained[-1]["time"]), 0.0)
    start = max(seconds - evaluation - len(trained) * step, 0.0)
    left = minutes * 60 - start
    if train.evaluate_every_steps:
        steps = int(left / (step + evaluation / train.evaluate_every_steps))
    else:
        steps = int((left - 5 * evaluation) / step)  # as often as a training does by itself
    if steps >= 1:
        return steps
    raise TrainingError(
        three_part(
            f"--minutes {minutes:g}: building the network and reading the data take {start:.0f} s "
            f"here, an evaluation {evaluation:.0f} s, a step {step:.1f} s.",
            "There must be time for at least one step.",
            f"Give each training {plural(max(1, int((start + 6 * evaluation) / 60) + 1), 'minute')}"
            " or more, or lower train_config.batch_size.",
        )
    )
