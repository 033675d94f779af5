"""Optimizers: `optimizer { … }` → a Keras optimizer with schedule, clipping and averaged weights.

The averages (EMA) of the weights live inside the optimizer, where Keras keeps them:
`keras.callbacks.SwapEMAWeights` evaluates with them, and `optimizer.finalize_variable_values`
writes them into the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from detectune.config import schema
from detectune.errors import ConfigError, three_part
from detectune.structures import Array
from detectune.training.schedules import InverseTimeDecay, build_schedule

# Keras's signatures say that its operations may return None.
ops: Any = keras.ops


def average_decay(updates: Array, final_decay: float) -> Array:
    """How much of the old average is kept after `updates` earlier updates.

    `min(final_decay, (1 + updates) / (10 + updates))`, and 0 the first time: early on the average
    follows the weights closely, so that a run of some hundred steps is not evaluated with the
    weights it started from.

    Parity: the decay of `tf.train.ExponentialMovingAverage(num_updates=…)`, and of the wrapper in
    TFOD builders/optimizer_builder.py.
    """
    updates = ops.cast(updates, "float32")
    growing = ops.minimum(final_decay, (1 + updates) / (10 + updates))
    return ops.where(updates > 0, growing, 0.0)


class _CountsSteps(keras.optimizers.Optimizer):
    """Counts steps, not the micro-batches of which a step may accumulate the gradients.

    Keras's own learning rates and averages move on with every micro-batch. Its constant EMA
    momentum is replaced by `average_decay`.
    """

    iterations: Any
    gradient_accumulation_steps: int | None
    _iterations: Any
    _learning_rate: Any
    use_ema: bool
    ema_momentum: float
    _model_variables_moving_average: list[Any]

    def _get_current_learning_rate(self) -> Array:
        if isinstance(self._learning_rate, keras.optimizers.schedules.LearningRateSchedule):
            return self._learning_rate(self.iterations)
        return super()._get_current_learning_rate()

    def _update_model_variables_moving_average(self, trainable_variables: Sequence[Any]) -> None:
        if not self.use_ema:
            return
        # Keras calls this before it counts the update, so `iterations` are the earlier ones.
        kept = average_decay(self.iterations, self.ema_momentum)
        micro_batches = self.gradient_accumulation_steps
        if micro_batches:
            kept = ops.where((self._iterations + 1) % micro_batches == 0, kept, 1.0)
        averages = self._model_variables_moving_average
        for variable, average in zip(trainable_variables, averages, strict=True):
            if average is not None:
                weight = ops.cast(kept, average.dtype)
                average.assign(weight * average + (1 - weight) * variable)


class Momentum(_CountsSteps, keras.optimizers.SGD):
    """Stochastic gradient descent with momentum: `v ← m·v − rate·g`, `w ← w + v`."""


class Adam(_CountsSteps, keras.optimizers.Adam):
    """Adam, with ε outside the square root."""


class RMSProp(_CountsSteps, keras.optimizers.RMSprop):
    """RMSProp, with ε inside the square root and momentum on the scaled gradient."""


class Tf1RMSProp(RMSProp):
    """RMSProp whose memory of squared gradients begins with ones.

    Parity: `tf.compat.v1.train.RMSPropOptimizer`. The first steps are smaller for it.
    """

    _velocities: list[Any]

    def build(self, variables: Sequence[Any]) -> None:
        was_built = self.built
        super().build(variables)
        if not was_built:
            for velocity in self._velocities:
                velocity.assign(ops.ones(velocity.shape, velocity.dtype))


def build_optimizer(
    config: schema.Optimizer,
    *,
    gradient_clipping_by_norm: float = 0.0,
    tf1: bool = False,
    accumulation_steps: int = 1,
) -> keras.optimizers.Optimizer:
    """The optimizer that an `optimizer { … }` message describes.

    Args:
        tf1: the config was written for TensorFlow 1.
        gradient_clipping_by_norm: largest norm of all gradients together; 0 does not clip.
            Parity: one norm over all variables, TFOD model_lib_v2.py.
        accumulation_steps: micro-batches that make a step, which takes the mean of their gradients.

    Raises:
        ConfigError: no optimizer or no learning rate is chosen.
    """
    kind = config.WhichOneof("optimizer")
    if kind is None:
        raise ConfigError(
            three_part(
                "train_config.optimizer: no optimizer is chosen.",
                f"One of {', '.join(_BUILDERS)} is needed.",
                "Write one, as in `momentum_optimizer { learning_rate { … } }`.",
            )
        )
    options: dict[str, Any] = {}
    if gradient_clipping_by_norm > 0:
        options["global_clipnorm"] = gradient_clipping_by_norm
    if accumulation_steps > 1:
        options["gradient_accumulation_steps"] = accumulation_steps
    if config.use_moving_average:
        options.update(use_ema=True, ema_momentum=config.moving_average_decay)
    build = _tf1_rms_prop if tf1 and kind == "rms_prop_optimizer" else _BUILDERS[kind]
    return build(getattr(config, kind), options)


def _momentum(config: schema.MomentumOptimizer, options: dict) -> keras.optimizers.Optimizer:
    schedule: Any = build_schedule(config.learning_rate)
    return Momentum(schedule, momentum=config.momentum_optimizer_value, **options)


def _adam(config: schema.AdamOptimizer, options: dict) -> keras.optimizers.Optimizer:
    schedule: Any = build_schedule(config.learning_rate)
    return Adam(schedule, epsilon=config.epsilon, **options)


def _rms_prop(config: schema.RMSPropOptimizer, options: dict) -> keras.optimizers.Optimizer:
    # Parity: TFOD builders/optimizer_builder.py hands `decay` to Keras, where it is the
    # inverse-time decay of the learning rate, and not the memory of the squared gradients, which
    # stays at Keras's 0.9. With the default of 0.9 the rate halves within two steps:
    # write `decay: 0` for a rate that only follows its schedule.
    schedule: Any = InverseTimeDecay(build_schedule(config.learning_rate), config.decay)
    return RMSProp(
        schedule,
        rho=0.9,
        momentum=config.momentum_optimizer_value,
        epsilon=config.epsilon,
        **options,
    )


def _tf1_rms_prop(config: schema.RMSPropOptimizer, options: dict) -> keras.optimizers.Optimizer:
    """Parity: in TensorFlow 1 `decay` is the memory of the squared gradients."""
    schedule: Any = build_schedule(config.learning_rate)
    return Tf1RMSProp(
        schedule,
        rho=config.decay,
        momentum=config.momentum_optimizer_value,
        epsilon=config.epsilon,
        **options,
    )


_BUILDERS = {
    "momentum_optimizer": _momentum,
    "adam_optimizer": _adam,
    "rms_prop_optimizer": _rms_prop,
}
