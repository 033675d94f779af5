"""What is looked at before a study begins: config, data and checkpoints; nothing is written."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from detectune.config import schema
from detectune.config.checkpoint_paths import (
    IMAGENET,
    checkpoint_prefix,
    download_command,
    is_keras_file,
)
from detectune.config.conflicts import conflicts
from detectune.config.problems import errors
from detectune.data.image_list import image_names
from detectune.data.sources.base import Source
from detectune.errors import CheckpointError, ConfigError, DataError, three_part
from detectune.files import near_path
from detectune.study.cell_configs import curve_config, refuse_own_freezing, start_checkpoints
from detectune.study.grid import Curve, Grid, make_grid
from detectune.study.options import NONE, StudyOptions, check_counts
from detectune.study.steps import TRIAL_STEPS, with_steps
from detectune.study.subsets import class_sets, usable_images
from detectune.training.console import RunConsole
from detectune.training.prepare import prepare
from detectune.training.sources import EVALUATE, TRAIN, RunSources, has_objects
from detectune.wording import one_line, plural


@dataclass(frozen=True)
class CheckedStudy:
    """A study of which config, data and checkpoints are sound."""

    config: schema.TrainEvalPipelineConfig
    grid: Grid
    checkpoints: dict[str, str]
    names: list[str]
    """Of the images to choose from."""
    classes: list[frozenset[int]]
    """What is in each of them."""
    data: list[str]
    """A line for each data set."""


def check_study(
    config: schema.TrainEvalPipelineConfig,
    options: StudyOptions,
    folder: Path,
    console: RunConsole,
) -> CheckedStudy:
    """Look at everything that a study needs.

    Raises:
        ConfigError: the config or an option cannot be meant.
        DataError: data are missing, or nothing can be measured on those for evaluation.
        CheckpointError: the weights of a start are not there.
    """
    refuse_own_freezing(config)
    checkpoints = start_checkpoints(config, options.starts, options.checkpoints)
    check_checkpoints(checkpoints)
    curves = [Curve(start, word) for start in options.starts for word in (NONE, *options.freezing)]
    changed = [curve_config(config, curve, checkpoints) for curve in dict.fromkeys(curves)]
    for one in changed:
        _length(one, options)
        if wrong := errors(conflicts(one)):
            raise ConfigError("\n".join(problem.message for problem in wrong))
    # The last has the most: what a config without a checkpoint is told need not be said here.
    data = prepare(changed[-1], folder / "runs" / "check", console=console).data
    _check_evaluation(data)
    source = data.sources[TRAIN]
    usable = usable_images(source)
    if len(usable) < len(source):
        left = plural(len(source) - len(usable), "image")
        console.say(f"{left} cannot be read; chosen from are the other {len(usable):,}")
    all_names = image_names(source)
    grid = make_grid(options, check_counts(options.images, len(usable), source.name))
    return CheckedStudy(
        config,
        grid,
        checkpoints,
        [all_names[index] for index in usable],
        class_sets(source, usable),
        [f"trained on {source.describe()}", f"evaluated on {data.sources[EVALUATE].describe()}"],
    )


def _length(config: schema.TrainEvalPipelineConfig, options: StudyOptions) -> None:
    """Give a config that says nothing about its length one that is measured or given later."""
    if options.steps or options.minutes:
        with_steps(config.train_config, options.steps or TRIAL_STEPS)


def _check_evaluation(data: RunSources) -> None:
    source: Source | None = data.sources.get(EVALUATE)
    if source is None:
        raise ConfigError(
            three_part(
                "eval_input_reader: there is none.",
                "A study measures every training on the same images, with annotations.",
                'Add it, for example  eval_input_reader { source: "voc:images/test" }.',
            )
        )
    if not has_objects(source):
        raise DataError(
            three_part(
                f"{source.name}: in {plural(len(source), 'image')} for evaluation there is no box.",
                "A study measures every training on the same images, with annotations.",
                "Name data with boxes in eval_input_reader.",
            )
        )


def check_checkpoints(checkpoints: Mapping[str, str]) -> None:
    """See that the weights of each start are there.

    Raises:
        CheckpointError: they are not, or are of the wrong kind.
    """
    for start, path in checkpoints.items():
        if start == "detection" and (path == IMAGENET or is_keras_file(path)):
            raise CheckpointError(
                three_part(
                    f"--start detection: {one_line(path)} holds a classifier.",
                    "A detector starts from a run directory, an archive of the zoo, or a "
                    "checkpoint.",
                    "Name one with --detection-checkpoint, or write --start classification.",
                )
            )
        if path == IMAGENET or checkpoint_prefix(path):
            continue
        if is_keras_file(path) and os.path.isfile(path):
            continue
        raise _missing(start, path)


def _missing(start: str, path: str) -> CheckpointError:
    near = near_path(path)
    guess = f'Did you mean "{one_line(near)}"? ' if near else ""
    fetch = f"`{download_command(path)}` fetches one of the zoo. " if start == "detection" else ""
    return CheckpointError(
        three_part(
            f"--start {start}: there is no checkpoint {one_line(path)}.",
            "It is the prefix of a checkpoint (…/ckpt-0), a folder that holds one, or, for a "
            "classifier, a .keras or .h5 file, or imagenet.",
            f"{guess}{fetch}Correct the path, or leave {start} out of --start.",
        )
    )


def tell(lines: Iterable[str], console: RunConsole) -> None:
    """Say every one of `lines`."""
    for line in lines:
        console.say(line)
