"""The state of training on disk: what `--resume` needs to go on as if nothing had happened."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from detectune.detectors.base import Detector
from detectune.errors import CheckpointError, three_part
from detectune.files import atomic_path


@dataclass
class Progress:
    """Where a run stands."""

    step: int = 0
    best_metric: float = -1.0
    best_step: int = 0
    evaluations_without_gain: int = 0
    best_metrics: dict[str, float] = field(default_factory=dict)
    best_per_category: dict[str, dict[str, float]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    """What was said when the run began, by title."""
    seconds: float = 0.0
    """From the start of the command, over all its resumptions."""


def snapshot(detector: Detector) -> list[np.ndarray]:
    """Copies of all variables of `detector`, dropout seeds included."""
    return [np.asarray(variable).copy() for variable in _network_variables(detector)]


def reinstate(detector: Detector, values: list[np.ndarray]) -> None:
    """Give `detector` the variables that `snapshot` copied."""
    for variable, value in zip(_network_variables(detector), values, strict=True):
        variable.assign(value)


def write_state(path: Path, detector: Detector, values: list[np.ndarray], at: Progress) -> None:
    """Write the network's `values`, the optimizer's variables and `at` to `path`, atomically.

    Raises:
        WriteError: the disk is full, or may not be written to.
    """
    arrays: dict[str, Any] = {f"network/{index}": value for index, value in enumerate(values)}
    optimizer = _optimizer(detector)
    for index, variable in enumerate(_optimizer_variables(optimizer)):
        arrays[f"optimizer/{index}"] = np.asarray(variable)
    arrays["optimizer/0"] = arrays["optimizer/0"] // (optimizer.gradient_accumulation_steps or 1)
    arrays["progress"] = np.frombuffer(json.dumps(at.__dict__).encode(), np.uint8)
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)


def read_state(path: Path, detector: Detector) -> Progress:
    """Give `detector` and its optimizer the variables in `path`; where the run stood.

    Raises:
        CheckpointError: the file is damaged, or belongs to another model or optimizer.
    """
    optimizer = _optimizer(detector)
    network, own = _network_variables(detector), _optimizer_variables(optimizer)
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            values = [arrays[f"network/{index}"] for index in range(len(network))]
            slots = [arrays[f"optimizer/{index}"] for index in range(len(own))]
            progress = Progress(**json.loads(arrays["progress"].tobytes()))
            extra = len(arrays.files) - len(values) - len(slots) - 1
    except FileNotFoundError as error:
        raise _unreadable(path, "the file is missing") from error
    except KeyError as error:
        raise _unreadable(path, "it was written by another model or optimizer") from error
    except (OSError, EOFError, ValueError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise _unreadable(path, f"the file is damaged ({error})") from error
    slots[0] = slots[0] * (optimizer.gradient_accumulation_steps or 1)
    pairs = [*zip(network, values, strict=True), *zip(own, slots, strict=True)]
    differing = [v.path for v, value in pairs if tuple(v.shape) != value.shape]
    if extra or differing:
        raise _unreadable(path, "it was written by another model or optimizer")
    for variable, value in pairs:
        variable.assign(value)
    return progress


def _network_variables(detector: Detector) -> list[keras.Variable]:
    own = {id(v) for tracker in detector.metrics for v in tracker.variables}
    optimizer = getattr(detector, "optimizer", None)
    own |= {id(v) for v in optimizer.variables} if optimizer is not None else set()
    return [variable for variable in detector.variables if id(variable) not in own]


def _optimizer(detector: Detector) -> keras.optimizers.Optimizer:
    optimizer = detector.optimizer
    if not optimizer.built:
        optimizer.build(detector.trainable_variables)
    return optimizer


def _optimizer_variables(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """Its variables after a whole step, first the number of calls, whatever the parts of a batch.

    A run may go on with more parts than it began with. What is summed up over parts is 0.
    """
    sums = {id(v) for v in getattr(optimizer, "_accumulated_gradients", []) if v is not None}
    variables = [v for v in optimizer.variables if id(v) not in sums]
    assert variables[0] is optimizer._iterations
    return variables


def _unreadable(path: os.PathLike, reason: str) -> CheckpointError:
    return CheckpointError(
        three_part(
            f"{path}: training cannot go on from here: {reason}.",
            "Resuming needs the pipeline.config with which the run began.",
            "Use that config, or start anew in another --model-dir.",
        )
    )
