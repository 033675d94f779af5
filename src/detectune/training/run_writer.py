"""What a run writes to its directory, in an order that a kill at any moment does not hurt.

    weights ─► state ─► pointer ─► older files removed ─► copied to best, if it is the best

The pointer (`checkpoints/last/checkpoint`) is what counts: before it is written, the earlier
checkpoint is the last one, whatever else lies there.
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

import numpy as np
from google.protobuf.message import Message

from detectune.checkpoints.files import point_to, remove_unfinished, write_checkpoint
from detectune.checkpoints.keys import variable_keys
from detectune.checkpoints.pointers import POINTER, is_checkpoint, latest_in, named_by
from detectune.checkpoints.run_directory import Run
from detectune.config import schema
from detectune.config.application_names import STORED
from detectune.config.label_map import LabelMap, read_label_map, write_label_map
from detectune.config.load import load_config
from detectune.config.save import write_config
from detectune.detectors.base import Detector
from detectune.errors import CheckpointError, DetectuneError, TrainingError, three_part
from detectune.files import copy_file, remove_leftovers, write_text
from detectune.training.state import Progress, read_progress, read_state, write_state
from detectune.training.weights import array_of, snapshot

_EXTENSIONS = (".data-00000-of-00001", ".index")
_OWN_FILES = r"pipeline\.config|backbone\.json|label_map\.pbtxt|metrics\.jsonl|report\.html"

_log = logging.getLogger("detectune")
_CHECKPOINT_FILES = r"checkpoint|state-\d+\.npz|ckpt-\d+\..*"


class RunWriter:
    """The files of one run directory."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def last_step(self) -> int | None:
        """The step of the last complete checkpoint; None if no run got that far here."""
        pointer = self.run.last / POINTER
        # Without a pointer a checkpoint was never completed, though its weights may be there.
        if not os.path.lexists(pointer):
            return None
        name, reason = ("", "it is a folder") if pointer.is_dir() else named_by(pointer)
        if (step := _step_of(name)) is not None and is_checkpoint(str(self.run.last / name)):
            return step
        complete = self._complete_steps()
        if not complete:
            raise CheckpointError(
                three_part(
                    f"{pointer}: {reason or f'{name} is not there'}, and no checkpoint beside it "
                    "has its state.",
                    "A training goes on from a checkpoint (ckpt-N.index, ckpt-N.data-…) and its "
                    "state (state-N.npz).",
                    f"Put them back into {self.run.last}, or start anew in another --model-dir.",
                )
            )
        _log.warning(
            "%s: %s; the newest checkpoint with its state, of step %d, is taken.",
            pointer, reason or f"{name} is not there", complete[-1],
        )  # fmt: skip
        return complete[-1]

    def _complete_steps(self) -> list[int]:
        """Steps of which weights and state are there, rising."""
        found = (_step_of(file.stem) for file in self.run.last.glob("ckpt-*.index"))
        return sorted(
            step
            for step in found
            if step is not None
            and is_checkpoint(str(self.run.last / f"ckpt-{step}"))
            and (self.run.last / f"state-{step}.npz").is_file()
        )

    def remove_leftovers(self) -> None:
        """Remove what killed writes left."""
        remove_leftovers(self.run.path, _OWN_FILES)
        for folder in (self.run.last, self.run.best):
            remove_leftovers(folder, _CHECKPOINT_FILES)
            remove_unfinished(folder)

    def write_config(self, config: schema.TrainEvalPipelineConfig) -> None:
        """Write the effective config; one with other contents is kept as `….earlier`."""
        path = self.run.path / "pipeline.config"
        if not _holds(path, config):
            write_config(config, path)

    def write_network(self, description: str) -> None:
        """Write what a network of the user's is; one that is there already stays."""
        path = self.run.path / STORED
        if not path.exists():
            write_text(path, description)

    def write_label_map(self, label_map: LabelMap) -> None:
        """Write the classes; a label map with others is kept as `….earlier`."""
        path = self.run.path / "label_map.pbtxt"
        if path.exists() and _same_classes(path, label_map):
            return
        if path.exists():
            _keep_earlier(path)
        write_label_map(label_map, path)

    def write_weights(self, detector: Detector, step: int) -> None:
        """Write the weights as they are to `checkpoints/last`; `commit` makes them count.

        Raises:
            TrainingError: a weight is not finite.
        """
        values = {row.key: array_of(row.variable) for row in variable_keys(detector)}
        broken = [key for key, value in values.items() if not np.isfinite(value).all()]
        if broken:
            saved = self.last_step()
            kept = f"; the checkpoint of step {saved} is sound" if saved is not None else ""
            statistics = all("moving_" in key for key in broken)
            what = "Statistics of batch norms overflow before weights do" if statistics else ""
            raise TrainingError(
                three_part(
                    f"step {step}: {len(broken)} of {len(values)} variables are not finite, "
                    f"{broken[0]} among them.",
                    f"Only finite weights are saved{kept}.",
                    f"{f'{what}: lower' if what else 'Lower'} the learning rate or lengthen its "
                    "warm-up, and start anew.",
                )
            )
        write_checkpoint(self.run.last / f"ckpt-{step}", values)

    def commit(self, detector: Detector, progress: Progress) -> None:
        """Complete `checkpoints/last`: the state of training, then the pointer to the new files."""
        folder, step = self.run.last, progress.step
        write_state(folder / f"state-{step}.npz", detector, snapshot(detector), progress)
        point_to(folder / f"ckpt-{step}")
        _remove_others(folder, step, keep=progress.keep_checkpoints)

    def keep_best(self, step: int) -> None:
        """Copy the last checkpoint, that of `step`, to `checkpoints/best`."""
        folder = self.run.best
        for extension in _EXTENSIONS:
            name = f"ckpt-{step}{extension}"
            copy_file(self.run.last / name, folder / name)
        point_to(folder / f"ckpt-{step}")
        _remove_others(folder, step)

    def progress_at(self, step: int) -> Progress:
        """Where the run stood at `step`, that of the last checkpoint.

        Raises:
            CheckpointError: the state is missing or damaged.
        """
        return read_progress(self.run.last / f"state-{step}.npz")

    def reinstate(self, detector: Detector, step: int, *, evaluates: bool) -> Progress:
        """Give `detector` the state of `step`; where the run stood.

        Raises:
            CheckpointError: the state is missing, damaged, or of another model or optimizer.
        """
        progress = read_state(self.run.last / f"state-{step}.npz", detector)
        # Killed between the last checkpoint and its copy: the copy is made now.
        best = progress.best_step if evaluates else step
        if best == step and latest_in(self.run.best) != str(self.run.best / f"ckpt-{step}"):
            self.keep_best(step)
        return progress


def _step_of(name: str) -> int | None:
    """The step that a checkpoint is named after; None if it has another name."""
    found = re.fullmatch(r"ckpt-(\d{1,15})", name, re.ASCII)
    return int(found[1]) if found else None


def _remove_others(folder: Path, step: int, keep: int = 1) -> None:
    """Remove the states of other steps, and checkpoints but for the newest `keep`.

    What is later than `step` was never completed.
    """
    found = {_step_of(file.stem) for file in folder.glob("ckpt-*.index")} | {step}
    newest = sorted(number for number in found if number is not None and number <= step)[-keep:]
    kept = {f"ckpt-{number}{extension}" for number in newest for extension in _EXTENSIONS}
    kept.add(f"state-{step}.npz")
    for file in folder.iterdir():
        if file.name.startswith(("ckpt-", "state-")) and file.name not in kept:
            file.unlink(missing_ok=True)
    remove_unfinished(folder)


def _holds(path: Path, config: Message) -> bool:
    """Whether `path` says the same as `config`; if it says something else, it is set aside."""
    if not path.exists():
        return False
    try:
        if load_config(path) == config:
            return True
    except DetectuneError:
        pass  # not a config at all: set aside like any other
    _keep_earlier(path)
    return False


def _same_classes(path: Path, label_map: LabelMap) -> bool:
    try:
        return read_label_map(path).items == label_map.items
    except DetectuneError:
        return False


def _keep_earlier(path: Path) -> None:
    copy_file(path, path.with_name(f"{path.name}.earlier"))
