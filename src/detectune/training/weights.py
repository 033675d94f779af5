"""The weights of a model that is being trained, on whichever backend.

During `fit` JAX passes the weights, the optimizer's variables and the metrics from step to step in
a state of its own, and the variables of the model are empty. `settle` writes that state into the
variables; the next step begins with what they hold then. So a callback settles the model that it is
handed, then reads and changes its variables as on any backend. On TensorFlow and PyTorch training
changes the variables themselves.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from detectune.layers.batch_norm import FreezableBatchNormalization


def settle(model: keras.Model) -> None:
    """Let the variables of `model`, of its optimizer and of its metrics hold their newest values.

    Call it in a callback before anything reads or changes a variable; not after every step, for it
    ends what JAX computes ahead.
    """
    # Only models on JAX have it.
    write_back = getattr(model, "jax_state_sync", None)
    if write_back is not None:
        write_back()


def array_of(variable: Any) -> np.ndarray:
    """A copy of the value of `variable`, which training goes on without."""
    # Copied: on JAX and PyTorch the array may be the memory that the next step writes to.
    return np.asarray(variable).copy()


def network_variables(model: keras.Model) -> list[Any]:
    """All variables of `model` but those of its optimizer and metrics; dropout seeds included."""
    others = {id(v) for metric in model.metrics for v in metric.variables}
    optimizer = getattr(model, "optimizer", None)
    others |= {id(v) for v in optimizer.variables} if optimizer is not None else set()
    return [variable for variable in model.variables if id(variable) not in others]


def batch_norms(model: keras.Model) -> list[FreezableBatchNormalization]:
    """Its batch norms that have been built."""
    return [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, FreezableBatchNormalization) and layer.weights
    ]


def is_untouched(norm: FreezableBatchNormalization) -> bool:
    """Whether the statistics of `norm` are those it was made with; settle the model first."""
    mean, variance = array_of(norm.moving_mean), array_of(norm.moving_variance)
    return bool(np.all(mean == 0) and np.all(variance == 1))


def use_averages(model: keras.Model) -> None:
    """Give `model` the averages over steps that its optimizer keeps; settle `model` first."""
    optimizer: Any = model.optimizer
    averages = optimizer._model_variables_moving_average
    for variable in model.trainable_variables:
        # It may have averages of more: variables that train later.
        average = averages[optimizer._get_variable_index(variable)]
        # Copied: on JAX weight and average would share an array, which the next prediction deletes.
        variable.assign(array_of(average))


def snapshot(model: keras.Model) -> list[np.ndarray]:
    """Copies of the values of `network_variables`; settle `model` first."""
    return [array_of(variable) for variable in network_variables(model)]


def reinstate(model: keras.Model, values: list[np.ndarray]) -> None:
    """Give `model` the values that `snapshot` copied."""
    for variable, value in zip(network_variables(model), values, strict=True):
        variable.assign(value)
