"""What is looked at before anything is computed: config, folder, data.

    config ─► stages ─► run directory ─► streams opened and checked

Nothing here loads Keras or TensorFlow for a new run, so that a wrong path is said within a second
or two; and nothing is written.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from detectune.config import schema
from detectune.config.application_names import STORED
from detectune.config.architectures import architecture_of
from detectune.config.check import check_message
from detectune.config.conflicts import conflicts
from detectune.config.label_map import LabelMap
from detectune.config.metrics import mask_conflicts
from detectune.config.own_network import with_given_network
from detectune.config.problems import errors
from detectune.config.report import report_fields
from detectune.errors import ConfigError, three_part
from detectune.files import usable_path
from detectune.training.console import RunConsole
from detectune.training.run_lock import run_lock
from detectune.training.sources import RunSources, open_sources, run_streams
from detectune.training.stages.base import Stage, stages_of

if TYPE_CHECKING:
    import keras

_FILES = ("pipeline.config", STORED, "label_map.pbtxt", "metrics.jsonl", "report.html")
_FOLDERS = ("checkpoints", "checkpoints/last", "checkpoints/best", "train", "eval")


@dataclass(frozen=True)
class PreparedRun:
    """A training of which config, folder and data are sound."""

    path: Path
    config: schema.TrainEvalPipelineConfig
    stages: list[Stage]
    data: RunSources
    resumes: bool
    """Whether the folder holds a run to go on with."""
    console: RunConsole
    started: float
    """In seconds of `time.monotonic`."""
    keep_checkpoints: int | None = None
    """How many of the newest checkpoints stay; None for what the run says, or one."""
    backbone: keras.Model | None = None
    """The network to put under the detector; None for the one that the config names."""


def prepare(
    config: schema.TrainEvalPipelineConfig,
    model_dir: str | os.PathLike[str],
    *,
    resume: bool = False,
    keep_checkpoints: int | None = None,
    console: RunConsole | None = None,
    backbone: keras.Model | None = None,
) -> PreparedRun:
    """A training as `config` says, of which config, folder and data have been checked.

    Args:
        resume: go on from `checkpoints/last` in `model_dir` if there is one.
        keep_checkpoints: how many of the newest stay in `checkpoints/last`; None for as many as
            before, of a run that goes on, or one.
        console: where progress is shown; standard error if None.
        backbone: a network to put under the detector, see `build_detector`.

    Raises:
        ConfigError: a field is refused, a stage unknown, or `model_dir` holds another run.
        DataError: the data cannot be read.
    """
    started, console = time.monotonic(), console or RunConsole()
    path = usable_path(model_dir, "--model-dir")
    if backbone is not None:
        config = with_given_network(config)
    _check_kept(keep_checkpoints)
    _report_problems(config, console)
    stages = stages_of(config)
    for stage in stages:
        stage.check(config)
    resumes = _check_folder(path, resume, console)
    own = _label_map_of(path, config) if resumes else None
    console.phase("reading the data")
    requests = run_streams(config)
    for stage in stages:
        requests |= stage.streams(config)
    data = open_sources(config, requests, console, own)
    return PreparedRun(
        path, config, stages, data, resumes, console, started, keep_checkpoints, backbone
    )


def with_feature_cache(
    config: schema.TrainEvalPipelineConfig,
) -> schema.TrainEvalPipelineConfig:
    """`config`, with a feature cache as it is by default if it has none."""
    changed = schema.TrainEvalPipelineConfig()
    changed.CopyFrom(config)
    changed.train_config.feature_cache.SetInParent()
    return changed


def _check_kept(count: int | None) -> None:
    if count is not None and count < 1:
        raise ConfigError(
            three_part(
                f"keep_checkpoints: {count}.",
                "At least the newest checkpoint is kept: a training goes on from it.",
                "Give 1 or more.",
            )
        )


def _report_problems(config: schema.TrainEvalPipelineConfig, console: RunConsole) -> None:
    """Print warnings and what is ignored; stop at what is refused.

    Errors of `config check` that a training may do without, such as data for evaluations that are
    missing, are no errors here.
    """
    wrong = errors([*report_fields(config), *mask_conflicts(config)])
    wrong = wrong or errors(conflicts(config))
    if wrong:
        raise ConfigError("\n".join(problem.message for problem in wrong))
    architecture_of(config.model)
    for problem in check_message(config, check_files=False):
        if problem.severity != "error":
            console.say(problem.shown())


def _check_folder(path: Path, resume: bool, console: RunConsole) -> bool:
    """Whether there is a run to go on with at `path`."""
    if path.exists() and not path.is_dir():
        raise ConfigError(
            three_part(
                f"{path}: --model-dir is a file.",
                "It is a folder, new or with a run to resume.",
                "Choose another path.",
            )
        )
    if path.exists():
        _check_places(path)
        with run_lock(path, console):
            pass  # whoever trains here is named before the data are read
    there = holds_run(path)
    if resume and not there:
        console.say(f"{path}: there is no run to go on with; a new one begins")
    if there and not resume:
        raise ConfigError(
            three_part(
                f"{path}: there is a run here already.",
                "A new run needs a folder of its own; nothing is overwritten.",
                "Add --resume to go on with it, or choose another --model-dir.",
            )
        )
    return there


def _check_places(path: Path) -> None:
    """See that files stand where a run has files, and folders where it has folders."""
    kinds = dict.fromkeys(_FILES, ("file", Path.is_file))
    kinds |= dict.fromkeys(_FOLDERS, ("folder", Path.is_dir))
    for name, (kind, fits) in kinds.items():
        place = path / name
        if os.path.lexists(place) and not fits(place):
            raise ConfigError(
                three_part(
                    f"{place}: it is no {kind}.",
                    f"A training writes a {kind} of this name.",
                    "Move it away, or choose another --model-dir.",
                )
            )


def holds_run(path: Path) -> bool:
    """Whether a run got as far as its first complete checkpoint in the folder `path`."""
    # Without a pointer a checkpoint was never completed, though its weights may be there.
    return os.path.lexists(path / "checkpoints" / "last" / "checkpoint")


def check_unchanged(prepared: PreparedRun) -> None:
    """See that nobody has trained in the folder since it was looked at.

    Raises:
        ConfigError: a run has appeared there, or is gone.
    """
    if holds_run(prepared.path) == prepared.resumes:
        return
    what = "the run that was here is gone" if prepared.resumes else "a run has appeared here"
    raise ConfigError(
        three_part(
            f"{prepared.path}: {what} while the data were read.",
            "A run directory takes one training at a time; nothing was changed.",
            "Start the command again, with --resume to go on with the run, or choose another "
            "--model-dir.",
        )
    )


def _label_map_of(path: Path, config: schema.TrainEvalPipelineConfig) -> LabelMap:
    """The classes of the run at `path`."""
    # It loads Keras, which a run that goes on has needed before.
    from detectune.checkpoints.run_directory import Run

    return Run(path, config).label_map()
