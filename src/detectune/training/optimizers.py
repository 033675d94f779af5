"""Optimizers: `optimizer { … }` → a Keras optimizer with schedule, clipping and averaged weights.

The averages (EMA) of the weights live inside the optimizer, where Keras keeps them;
`training.weights.use_averages` writes them into the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras

from detectune.config import schema
from detectune.errors import ConfigError, three_part
from detectune.structures import Array
from detectune.training.schedules import InverseTimeDecay, build_schedule
from detectune.training.weights import array_of

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


class Pace(NamedTuple):
    """How a variable differs from the others of its optimizer."""

    factor: float = 1.0
    """On its learning rate."""
    first_step: int = 0
    """The step from which on it trains."""
    apart: bool = False
    """Whether its gradient is clipped apart from those of the network: it is none of it."""


class TrainingOptimizer(keras.optimizers.Optimizer):
    """Counts steps, not the micro-batches of which a step may accumulate the gradients.

    Keras's own learning rates and averages move on with every micro-batch. Its constant EMA
    momentum is replaced by `average_decay`.

    It is built for all variables that will ever train, and given gradients of those that train now:
    slots of the others stay as they began, and have their places in every checkpoint.
    """

    iterations: Any
    gradient_accumulation_steps: int | None
    _iterations: Any
    _learning_rate: Any
    built: bool
    use_ema: bool
    ema_momentum: float
    _model_variables_moving_average: list[Any]
    _trainable_variables: list[Any]

    _paces: dict[Any, Pace]

    def set_paces(self, paces: Mapping[int, Pace]) -> None:
        """Let variables learn at a pace of their own; `id` of a variable → its pace.

        The optimizer has to be built.
        """
        self._paces = {
            self._var_key(variable): paces[id(variable)]
            for variable in self._trainable_variables
            if paces.get(id(variable), Pace()) != Pace()
        }

    def _backend_apply_gradients(self, grads: Any, trainable_variables: Any) -> None:
        flags = [self._pace(variable).apart for variable in trainable_variables]
        object.__setattr__(self, "_apart", flags)
        super()._backend_apply_gradients(grads, trainable_variables)

    def _clip_gradients(self, grads: list[Any]) -> list[Any]:
        apart: list[bool] = getattr(self, "_apart", [])
        if not any(apart):
            return super()._clip_gradients(grads)
        clipped = list(grads)
        for flag in (False, True):
            places = [index for index, one in enumerate(apart) if one is flag]
            own = super()._clip_gradients([grads[index] for index in places])
            for index, gradient in zip(places, own, strict=True):
                clipped[index] = gradient
        return clipped

    def begin_averages(self, variables: Sequence[Any]) -> None:
        """Let the averages of `variables`, which train from now on, begin with their values."""
        if not self.use_ema:
            return
        for variable in variables:
            average = self.average_of(variable)
            if average is not None:
                average.assign(array_of(variable))

    def finalize_variable_values(self, var_list: Any) -> None:
        """Nothing. Keras would end every call of `fit` by training on with the averages."""

    def average_of(self, variable: Any) -> Any:
        """The variable that holds the average of `variable`; None if there is none."""
        return self._model_variables_moving_average[self._get_variable_index(variable)]

    def update_step(self, gradient: Array, variable: Any, learning_rate: Array) -> None:
        pace = self._pace(variable)
        if pace.factor != 1.0:
            learning_rate = learning_rate * pace.factor
        super().update_step(gradient, variable, learning_rate)

    def _pace(self, variable: Any) -> Pace:
        return getattr(self, "_paces", {}).get(self._var_key(variable), Pace())

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        if trainable_variables is None and self.built:
            trainable_variables = self._trainable_variables
        super().apply(grads, trainable_variables)

    def stateless_apply(
        self, optimizer_variables: Any, grads: Any, trainable_variables: Any
    ) -> Any:
        """What JAX calls; Keras expects a gradient of every variable that there is a slot of."""
        built = self._trainable_variables
        self._set_trained([variable for variable in built if variable.trainable])
        try:
            return super().stateless_apply(optimizer_variables, grads, trainable_variables)
        finally:
            self._set_trained(built)

    def _set_trained(self, variables: list[Any]) -> None:
        # Keras would take what is in a list that is set as usual for variables of the optimizer.
        object.__setattr__(self, "_trainable_variables", variables)

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
        for variable in trainable_variables:
            average = self.average_of(variable)
            if average is not None and variable.trainable:
                weight = ops.cast(kept, average.dtype)
                average.assign(weight * average + (1 - weight) * variable)


class Momentum(TrainingOptimizer, keras.optimizers.SGD):
    """Stochastic gradient descent with momentum: `v ← m·v − rate·g`, `w ← w + v`."""


class Adam(TrainingOptimizer, keras.optimizers.Adam):
    """Adam, with ε outside the square root.

    Its moments begin with 0, which Keras makes up for by the number of steps since the first. A
    variable that trains from a later step on counts from there: else its first steps would be three
    times as long as the learning rate says.
    """

    beta_1: float
    beta_2: float

    def update_step(self, gradient: Array, variable: Any, learning_rate: Array) -> None:
        first = self._pace(variable).first_step
        if first:
            own = self._correction(self.iterations + 1 - first)
            learning_rate = learning_rate * own / self._correction(self.iterations + 1)
        super().update_step(gradient, variable, learning_rate)

    def _correction(self, steps: Array) -> Array:
        """What makes up for moments that began with 0, so many steps ago."""
        steps = ops.cast(ops.maximum(steps, 1), "float32")
        return ops.sqrt(1 - ops.power(self.beta_2, steps)) / (1 - ops.power(self.beta_1, steps))


class RMSProp(TrainingOptimizer, keras.optimizers.RMSprop):
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
) -> TrainingOptimizer:
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


def _momentum(config: schema.MomentumOptimizer, options: dict) -> TrainingOptimizer:
    schedule: Any = build_schedule(config.learning_rate)
    return Momentum(schedule, momentum=config.momentum_optimizer_value, **options)


def _adam(config: schema.AdamOptimizer, options: dict) -> TrainingOptimizer:
    schedule: Any = build_schedule(config.learning_rate)
    return Adam(schedule, epsilon=config.epsilon, **options)


def _rms_prop(config: schema.RMSPropOptimizer, options: dict) -> TrainingOptimizer:
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


def _tf1_rms_prop(config: schema.RMSPropOptimizer, options: dict) -> TrainingOptimizer:
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
