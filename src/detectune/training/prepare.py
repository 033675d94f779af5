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

from detectune.config import schema
from detectune.config.architectures import architecture_of
from detectune.config.check import check_message
from detectune.config.conflicts import conflicts
from detectune.config.label_map import LabelMap
from detectune.config.metrics import mask_conflicts
from detectune.config.problems import errors
from detectune.config.report import report_fields
from detectune.errors import ConfigError, three_part
from detectune.training.console import RunConsole
from detectune.training.sources import RunSources, open_sources, run_streams
from detectune.training.stages.base import Stage, stages_of


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


def prepare(
    config: schema.TrainEvalPipelineConfig,
    model_dir: str | os.PathLike[str],
    *,
    resume: bool = False,
    console: RunConsole | None = None,
) -> PreparedRun:
    """A training as `config` says, of which config, folder and data have been checked.

    Args:
        resume: go on from `checkpoints/last` in `model_dir` if there is one.
        console: where progress is shown; standard error if None.

    Raises:
        ConfigError: a field is refused, a stage unknown, or `model_dir` holds another run.
        DataError: the data cannot be read.
    """
    started, console, path = time.monotonic(), console or RunConsole(), Path(model_dir)
    _report_problems(config, console)
    stages = stages_of(config)
    for stage in stages:
        stage.check(config)
    resumes = _check_folder(path, resume)
    own = _label_map_of(path, config) if resumes else None
    console.phase("reading the data")
    requests = run_streams(config)
    for stage in stages:
        requests |= stage.streams(config)
    data = open_sources(config, requests, console, own)
    return PreparedRun(path, config, stages, data, resumes, console, started)


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


def _check_folder(path: Path, resume: bool) -> bool:
    """Whether there is a run to go on with at `path`."""
    if path.exists() and not path.is_dir():
        raise ConfigError(
            three_part(
                f"{path}: --model-dir is a file.",
                "It is a folder, new or with a run to resume.",
                "Choose another path.",
            )
        )
    # Without a pointer a checkpoint was never completed, though its weights may be there.
    there = (path / "checkpoints" / "last" / "checkpoint").is_file()
    if there and not resume:
        raise ConfigError(
            three_part(
                f"{path}: there is a run here already.",
                "A new run needs a folder of its own; nothing is overwritten.",
                "Add --resume to go on with it, or choose another --model-dir.",
            )
        )
    return there


def _label_map_of(path: Path, config: schema.TrainEvalPipelineConfig) -> LabelMap:
    """The classes of the run at `path`."""
    # It loads Keras, which a run that goes on has needed before.
    from detectune.checkpoints.run_directory import Run

    return Run(path, config).label_map()
