"""The state of training on disk: what `--resume` needs to go on as if nothing had happened."""

from __future__ import annotations

import json
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from detectune.checkpoints.soundness import refuse_unsound
from detectune.detectors.base import Detector
from detectune.errors import CheckpointError, three_part
from detectune.files import atomic_path
from detectune.training.weights import array_of, network_variables
from detectune.wording import one_line

# What reading a damaged archive of arrays raises.
_DAMAGES = (
    OSError, EOFError, ValueError, TypeError, AttributeError, IndexError, ArithmeticError,
    RuntimeError, MemoryError, SyntaxError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


@dataclass
class Progress:
    """Where a run stands."""

    step: int = 0
    """Steps done, of all stages together: checkpoints and lines of the log are named after it."""
    stage: int = 0
    """How many stages were left behind; the next one is under way, or done as far as it goes."""
    stage_step: int = 0
    """Steps done in that stage."""
    best_metric: float = -1.0
    best_step: int = 0
    evaluations_without_gain: int = 0
    best_metrics: dict[str, float] = field(default_factory=dict)
    best_per_category: dict[str, dict[str, float]] = field(default_factory=dict)
    best_details: dict[str, Any] = field(default_factory=dict)
    """Curves, confusion and threshold of the best evaluation, see `evaluation.details`."""
    notes: dict[str, str] = field(default_factory=dict)
    """What was said when the run began, by title."""
    findings: dict[str, str] = field(default_factory=dict)
    """What explains that mAP is near 0, and what to do about it; empty if it is not."""
    warnings: dict[str, str] = field(default_factory=dict)
    """What went wrong with losses that the training adds → when it was seen last, and advice."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Stream and file name of each image that could not be read → why."""
    keep_checkpoints: int = 1
    """How many of the newest checkpoints stay; the command may change it."""
    seconds: float = 0.0
    """From the start of the command, over all its resumptions."""

    def advance(self) -> None:
        """Count a step of the stage that is under way."""
        self.step += 1
        self.stage_step += 1

    def next_stage(self) -> None:
        """Leave the stage that is under way behind."""
        self.stage += 1
        self.stage_step = self.evaluations_without_gain = 0


def _progress_from(text: bytes) -> Progress:
    """The progress that `write_state` wrote; runs of earlier versions had one stage."""
    fields = json.loads(text)
    progress = Progress(**{"stage_step": fields["step"], **fields})
    for name, default in vars(Progress()).items():
        value = getattr(progress, name)
        kinds = (int, float) if isinstance(default, float) else type(default)
        if not isinstance(value, kinds) or (isinstance(default, int) and value < 0):
            raise ValueError(f"{name} is {str(value)[:40]!r}")
    return progress


def write_state(path: Path, detector: Detector, values: list[np.ndarray], at: Progress) -> None:
    """Write the network's `values`, the optimizer's variables and `at` to `path`, atomically.

    Raises:
        WriteError: the disk is full, or may not be written to.
    """
    arrays: dict[str, Any] = {f"network/{index}": value for index, value in enumerate(values)}
    optimizer = _optimizer(detector)
    for index, variable in enumerate(_optimizer_variables(optimizer)):
        arrays[f"optimizer/{index}"] = array_of(variable)
    if optimizer is not None:
        arrays["optimizer/0"] //= _accumulation_steps(optimizer)
    arrays["progress"] = np.frombuffer(json.dumps(at.__dict__).encode(), np.uint8)
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)


def read_progress(path: Path) -> Progress:
    """Where the run stood whose state is at `path`.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    with _state_at(path) as arrays:
        progress = _progress_from(arrays["progress"].tobytes())
        if path.name != f"state-{progress.step}.npz":
            raise ValueError(f"it is the state of step {progress.step}")
        return progress


def read_state(path: Path, detector: Detector) -> Progress:
    """Give `detector` and its optimizer the variables in `path`; where the run stood.

    Raises:
        CheckpointError: the file is damaged, or belongs to another model or optimizer.
    """
    optimizer = _optimizer(detector)
    network, own = network_variables(detector), _optimizer_variables(optimizer)
    with _state_at(path) as arrays:
        values = [arrays[f"network/{index}"] for index in range(len(network))]
        slots = [arrays[f"optimizer/{index}"] for index in range(len(own))]
        progress = _progress_from(arrays["progress"].tobytes())
        extra = len(arrays.files) - len(values) - len(slots) - 1
    if optimizer is not None:
        slots[0] = slots[0] * _accumulation_steps(optimizer)
    pairs = [*zip(network, values, strict=True), *zip(own, slots, strict=True)]
    differing = [
        variable.path
        for variable, value in pairs
        if tuple(variable.shape) != value.shape or value.dtype.kind not in "biuf"
    ]
    if extra or differing:
        raise _unreadable(path, "it was written by another model or optimizer")
    refuse_unsound(
        os.fspath(path),
        ((variable.path, value) for variable, value in pairs),
        "Start anew in another --model-dir, with a lower learning rate if this run diverged.",
    )
    for variable, value in pairs:
        variable.assign(value)
    return progress


@contextmanager
def _state_at(path: Path) -> Iterator[Any]:
    """The arrays in `path`; what goes wrong in reading them is a `CheckpointError`."""
    try:
        if not path.is_file():
            found = "something that is no file stands there" if path.exists() else ""
            raise FileNotFoundError(found or "the file is missing")
        with zipfile.ZipFile(path) as archive:
            # Before an array is made as large as a damaged header says.
            broken = archive.testzip()
        if broken is not None:
            raise zipfile.BadZipFile(f"{broken} differs from its checksum")
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            yield arrays
    except FileNotFoundError as error:
        raise _unreadable(path, str(error)) from error
    except KeyError as error:
        raise _unreadable(path, "it was written by another model or optimizer") from error
    except CheckpointError:
        raise
    except _DAMAGES as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise _unreadable(path, f"the file is damaged ({one_line(reason)[:200]})") from error


def _optimizer(detector: Detector) -> Any:
    """The optimizer of `detector`, built; None in a stage without one."""
    optimizer = getattr(detector, "optimizer", None)
    if optimizer is not None and not optimizer.built:
        optimizer.build(detector.trainable_variables)
    return optimizer


def _optimizer_variables(optimizer: Any) -> list[Any]:
    """Its variables after a whole step, first the number of calls, whatever the accumulation.

    A run may go on with more micro-batches per step than it began with. The sums over them are 0
    after a whole step.
    """
    if optimizer is None:
        return []
    sums = {id(v) for v in getattr(optimizer, "_accumulated_gradients", []) if v is not None}
    variables = [v for v in optimizer.variables if id(v) not in sums]
    assert variables[0] is optimizer._iterations
    return variables


def _accumulation_steps(optimizer: Any) -> int:
    return optimizer.gradient_accumulation_steps or 1


def _unreadable(path: os.PathLike[str], reason: str) -> CheckpointError:
    return CheckpointError(
        three_part(
            f"{path}: training cannot go on from here: {reason}.",
            "Resuming needs the pipeline.config with which the run began.",
            "Use that config, or start anew in another --model-dir.",
        )
    )
