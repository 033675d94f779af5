"""Learning-rate schedules: a step number → a learning rate.

    rate ▲      ____________
         │     /  hold      ╲ cosine
         │ ___/              ╲____
         └──────────────────────────► step
           warm-up

Each is a Keras `LearningRateSchedule` in `keras.ops`, so it runs inside a compiled training step on
every backend; `float(schedule(step))` is the plain number. `step` counts optimizer updates from 0.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import keras

from detectune.config import schema
from detectune.errors import ConfigError, three_part
from detectune.structures import Array

# Keras's signatures say that its operations may return None.
ops: Any = keras.ops


class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that Keras can write down: its settings are the arguments of its constructor."""

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self._settings = settings

    def get_config(self) -> dict[str, Any]:
        return dict(self._settings)


class Constant(Schedule):
    """The same rate at every step."""

    def __init__(self, rate: float) -> None:
        super().__init__(rate=rate)
        self.rate = rate

    def __call__(self, step: Array) -> Array:
        return ops.full_like(ops.cast(step, "float32"), self.rate)


class ExponentialWithBurnIn(Schedule):
    """`rate · factor^(steps / decay_steps)`, after `burn_in_steps` at `burn_in_rate`.

    The decay counts from the end of the burn-in. `staircase` decays in whole multiples of
    `decay_steps`. The rate never falls below `min_rate`, not even in the burn-in.
    """

    def __init__(
        self,
        rate: float,
        decay_steps: int,
        factor: float,
        *,
        staircase: bool = True,
        burn_in_rate: float = 0.0,
        burn_in_steps: int = 0,
        min_rate: float = 0.0,
    ) -> None:
        super().__init__(
            rate=rate,
            decay_steps=decay_steps,
            factor=factor,
            staircase=staircase,
            burn_in_rate=burn_in_rate,
            burn_in_steps=burn_in_steps,
            min_rate=min_rate,
        )
        self.rate, self.decay_steps, self.factor = rate, decay_steps, factor
        self.staircase, self.min_rate = staircase, min_rate
        self.burn_in_steps = burn_in_steps
        # Parity: a burn-in rate of 0 means the base rate, TFOD utils/learning_schedules.py.
        self.burn_in_rate = burn_in_rate or rate

    def __call__(self, step: Array) -> Array:
        step = ops.cast(step, "float32")
        periods = (step - self.burn_in_steps) / self.decay_steps
        if self.staircase:
            periods = ops.floor(periods)
        decayed = self.rate * ops.power(self.factor, periods)
        rate = ops.where(step < self.burn_in_steps, self.burn_in_rate, decayed)
        return ops.maximum(rate, self.min_rate)


class ManualSteps(Schedule):
    """`rates[i]` from step `boundaries[i - 1]` up to the next boundary.

    With `warmup` the rate runs on a straight line from `rates[0]` at step 0 to `rates[1]` at the
    first boundary.
    """

    def __init__(
        self, boundaries: Sequence[int], rates: Sequence[float], *, warmup: bool = False
    ) -> None:
        super().__init__(boundaries=list(boundaries), rates=list(rates), warmup=warmup)
        self.boundaries, self.rates = list(boundaries), list(rates)
        self.warmup = warmup and bool(self.boundaries)

    def __call__(self, step: Array) -> Array:
        step = ops.cast(step, "float32")
        rate = ops.full_like(step, self.rates[0])
        if self.warmup:
            rate = rate + step * ((self.rates[1] - self.rates[0]) / self.boundaries[0])
        for boundary, after in zip(self.boundaries, self.rates[1:], strict=True):
            rate = ops.where(step >= boundary, after, rate)
        return rate


class CosineWithWarmup(Schedule):
    """A linear warm-up, `hold_steps` at `rate`, half a cosine down to 0 at `total_steps`.

    Source: Loshchilov and Hutter, "SGDR", 2016, equation 5 without restarts.
    """

    def __init__(
        self,
        rate: float,
        total_steps: int,
        *,
        warmup_rate: float = 0.0,
        warmup_steps: int = 0,
        hold_steps: int = 0,
    ) -> None:
        super().__init__(
            rate=rate,
            total_steps=total_steps,
            warmup_rate=warmup_rate,
            warmup_steps=warmup_steps,
            hold_steps=hold_steps,
        )
        self.rate, self.total_steps = rate, total_steps
        self.warmup_rate, self.warmup_steps = warmup_rate, warmup_steps
        self.hold_steps = hold_steps

    def __call__(self, step: Array) -> Array:
        step = ops.cast(step, "float32")
        decay_start = self.warmup_steps + self.hold_steps
        progress = (step - decay_start) / max(1, self.total_steps - decay_start)
        rate = 0.5 * self.rate * (1 + ops.cos(math.pi * progress))
        if self.hold_steps:
            rate = ops.where(step > decay_start, rate, self.rate)
        if self.warmup_steps:
            slope = (self.rate - self.warmup_rate) / self.warmup_steps
            rate = ops.where(step < self.warmup_steps, slope * step + self.warmup_rate, rate)
        # Parity: 0 beyond the last step, TFOD utils/learning_schedules.py.
        return ops.where(step > self.total_steps, 0.0, rate)


class InverseTimeDecay(Schedule):
    """`schedule(step) / (1 + decay · step)`."""

    def __init__(self, schedule: Schedule, decay: float) -> None:
        super().__init__(schedule=schedule, decay=decay)
        self.schedule, self.decay = schedule, decay

    def __call__(self, step: Array) -> Array:
        return self.schedule(step) / (1 + self.decay * ops.cast(step, "float32"))


def build_schedule(config: schema.LearningRate) -> Schedule:
    """The schedule that a `learning_rate { … }` message describes.

    Raises:
        ConfigError: no schedule is chosen, or its numbers contradict each other.
    """
    kind = config.WhichOneof("learning_rate")
    if kind is None:
        raise _error(
            "learning_rate: no schedule is chosen.",
            f"One of {', '.join(_BUILDERS)} is needed.",
            "Write one, as in `cosine_decay_learning_rate { learning_rate_base: 0.01 … }`.",
        )
    return _BUILDERS[kind](getattr(config, kind))


def _constant(config: schema.ConstantLearningRate) -> Schedule:
    return Constant(config.learning_rate)


def _exponential(config: schema.ExponentialDecayLearningRate) -> Schedule:
    if config.decay_steps < 1:
        raise _error(
            "exponential_decay_learning_rate.decay_steps: 0.",
            "At least 1 is needed: the rate is multiplied by decay_factor every decay_steps.",
            "Set decay_steps, or use constant_learning_rate.",
        )
    return ExponentialWithBurnIn(
        config.initial_learning_rate,
        config.decay_steps,
        config.decay_factor,
        staircase=config.staircase,
        burn_in_rate=config.burnin_learning_rate,
        burn_in_steps=config.burnin_steps,
        min_rate=config.min_learning_rate,
    )


def _manual_step(config: schema.ManualStepLearningRate) -> Schedule:
    steps = [entry.step for entry in config.schedule]
    first_allowed = 1 if config.warmup else 0
    rising = all(after > before for before, after in itertools.pairwise(steps))
    if not rising or (steps and steps[0] < first_allowed):
        raise _error(
            f"manual_step_learning_rate.schedule: the steps are {steps}.",
            f"Each step must be larger than the one before it, the first at least {first_allowed}.",
            "Put the entries of `schedule` in order and remove duplicates.",
        )
    rates = [config.initial_learning_rate, *(entry.learning_rate for entry in config.schedule)]
    return ManualSteps(steps, rates, warmup=config.warmup)


def _cosine(config: schema.CosineDecayLearningRate) -> Schedule:
    if config.total_steps < config.warmup_steps:
        raise _error(
            f"cosine_decay_learning_rate: total_steps {config.total_steps} is smaller than "
            f"warmup_steps {config.warmup_steps}.",
            "The warm-up is a part of the total (warmup_steps is 10000 when it is not written).",
            "Make warmup_steps about a tenth of total_steps.",
        )
    if config.warmup_steps and config.learning_rate_base < config.warmup_learning_rate:
        raise _error(
            f"cosine_decay_learning_rate: warmup_learning_rate {config.warmup_learning_rate:g} is "
            f"larger than learning_rate_base {config.learning_rate_base:g}.",
            "A warm-up rises from warmup_learning_rate to learning_rate_base.",
            "Lower warmup_learning_rate, to about a third of learning_rate_base.",
        )
    return CosineWithWarmup(
        config.learning_rate_base,
        config.total_steps,
        warmup_rate=config.warmup_learning_rate,
        warmup_steps=config.warmup_steps,
        hold_steps=config.hold_base_rate_steps,
    )


_BUILDERS = {
    "constant_learning_rate": _constant,
    "exponential_decay_learning_rate": _exponential,
    "manual_step_learning_rate": _manual_step,
    "cosine_decay_learning_rate": _cosine,
}


def _error(found: str, allowed: str, next_step: str) -> ConfigError:
    return ConfigError(three_part(found, allowed, next_step))
