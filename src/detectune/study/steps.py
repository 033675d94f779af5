"""How many steps a training takes: as the config says, as an option says, or as time allows."""

from __future__ import annotations

from typing import Any

from detectune.config import schema
from detectune.errors import TrainingError, three_part
from detectune.study.outcomes import Outcome

TRIAL_STEPS, TRIAL_EVALUATIONS = 20, 2
"""Of the short training that measures how fast longer ones go. The first evaluation compiles, so
the second one is what further ones take."""
_EVALUATIONS = 5  # of a training whose config does not say how often
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


def _scale(message: Any, field: str, factor: float) -> None:
    """Multiply `field`, which may have its default; 0 stays 0, and nothing else becomes 0."""
    value = getattr(message, field)
    if value:
        setattr(message, field, min(max(1, round(value * factor)), 2**32 - 1))


def steps_within(minutes: float, train: schema.TrainConfig, trial: Outcome) -> int:
    """How many steps fit into `minutes`.

    Args:
        train: of the config; how often it evaluates counts.
        trial: of a training of `TRIAL_STEPS` with `TRIAL_EVALUATIONS`.

    Raises:
        TrainingError: there is no time for a single step, or the training has no steps.
    """
    step, evaluation = trial.step_seconds, trial.evaluation_seconds
    if not step:
        raise _error(
            f"--minutes {minutes:g}: this training says no speed of its steps.",
            "A time is given to trainings that consist of steps.",
            "Leave the option out.",
        )
    start = max(trial.seconds - TRIAL_EVALUATIONS * evaluation - trial.steps * step, 0.0)
    left = minutes * 60 - start
    if train.evaluate_every_steps:
        steps = int(left / (step + evaluation / train.evaluate_every_steps))
    else:
        steps = int((left - _EVALUATIONS * evaluation) / step)
    if steps >= 1:
        return steps
    needed = int((start + (_EVALUATIONS + 1) * evaluation + step) / 60) + 1
    raise _error(
        f"--minutes {minutes:g}: building the network and reading the data take {start:.0f} s "
        f"here, an evaluation {evaluation:.0f} s, a step {step:.1f} s.",
        "There must be time for at least one step.",
        f"Write --minutes {needed} or more, or lower train_config.batch_size.",
    )


def _error(found: str, allowed: str, next_step: str) -> TrainingError:
    return TrainingError(three_part(found, allowed, next_step))
