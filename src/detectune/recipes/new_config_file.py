"""`write_new_config`: looks at the data, plans the training, writes the config."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from detectune.config import schema
from detectune.config.label_map import LabelMap, label_map_text, read_label_map
from detectune.errors import ConfigError, three_part
from detectune.files import write_text
from detectune.recipes.base import recipe_of
from detectune.recipes.machine import Machine, this_machine
from detectune.recipes.new_config import (
    archive_to_download,
    default_checkpoint,
    new_config,
    new_config_text,
    norm_reason,
)
from detectune.recipes.templates import template
from detectune.recipes.training_plan import TrainingPlan, plan_training


class NewConfig(NamedTuple):
    """A config that was written, and why it is as it is."""

    config: schema.TrainEvalPipelineConfig
    reasons: tuple[str, ...]
    """Where its numbers come from, one sentence each; they stand in the file, too."""
    written: tuple[str, ...]
    """The files that were written, one sentence each."""
    next_steps: tuple[str, ...]
    """The commands that come next."""


def write_new_config(
    model: str,
    train: str,
    evaluation: str,
    output: str | os.PathLike[str],
    *,
    checkpoint: str = "",
    label_map_path: str = "",
    batch_size: int | None = None,
    num_steps: int | None = None,
    force: bool = False,
    machine: Machine | None = None,
) -> NewConfig:
    """Write a pipeline.config that fine-tunes a model of the zoo on your data.

    The classes come from the data; batch size, steps and learning rate are chosen for the data and
    the machine. `detectune config new` does the same.

    Args:
        model: its name in the zoo, such as `ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8`.
        train, evaluation: images with annotations, as SOURCE: a folder or file whose format is
            recognised, or named as `coco:PATH`, `voc:PATH`, `yolo:PATH`, `csv:PATH`,
            `tfrecord:PATTERN`.
        output: the config; without `label_map_path` a label map is written beside it.
        checkpoint: the detector to start from; by default where `detectune zoo download` puts the
            one of `model`.
        batch_size, num_steps: by default chosen.
        force: overwrite `output`.
        machine: where the training will run; this one if None.

    Raises:
        ConfigError: an unknown model, or a file that would be overwritten.
        DataError: the data cannot be read.
    """
    zoo = template(model)  # an unknown model is said before the data are read
    output = Path(output)
    _not_there(output, force)
    label_map, num_images = _classes(train, evaluation, label_map_path)
    plan = _plan(zoo, num_images, batch_size, num_steps, machine or this_machine())
    written: list[str] = []
    if not label_map_path:
        label_map_path = str(output.with_name(f"{output.stem}.label_map.pbtxt"))
        written.append(f"wrote {label_map_path}: the classes of {train}")
    config = new_config(
        model,
        num_classes=label_map.num_classes,
        plan=plan,
        train=train,
        evaluation=evaluation,
        label_map_path=label_map_path,
        checkpoint=checkpoint,
    )
    classes = f"num_classes {label_map.num_classes}: {_names(label_map)}."
    reasons = (classes, *plan.reasons, *filter(None, [norm_reason(config)]))
    if written:
        write_text(label_map_path, label_map_text(label_map))
    write_text(output, new_config_text(config, [f"{model} for {train}", *reasons]))
    written.append(f"wrote {output}")
    return NewConfig(config, reasons, tuple(written), _next_steps(model, checkpoint, output))


def _not_there(output: Path, force: bool) -> None:
    if output.exists() and (not force or output.is_dir()):
        raise ConfigError(
            three_part(
                f"-o {output}: this {'folder' if output.is_dir() else 'file'} exists.",
                "`config new` writes a new file.",
                "Choose another name, or add --force to overwrite a file.",
            )
        )


def _classes(train: str, evaluation: str, label_map_path: str) -> tuple[LabelMap, int]:
    """The classes, and how many images there are to learn from."""
    from detectune.data.sources.recognise import open_source  # slow

    label_map = read_label_map(label_map_path) if label_map_path else None
    source = open_source(train, label_map, split="train")
    open_source(
        evaluation, label_map or source.label_map, split="val"
    )  # it has to be readable, too
    return label_map or source.label_map, len(source)


def _plan(
    zoo: schema.TrainEvalPipelineConfig,
    num_images: int,
    batch_size: int | None,
    num_steps: int | None,
    machine: Machine,
) -> TrainingPlan:
    recipe = recipe_of(zoo.model)
    return plan_training(
        num_images,
        batch_size,
        num_steps,
        recipe.largest_batch,
        shipped=recipe.shipped(zoo.train_config),
        footprint=recipe.footprint,
        machine=machine,
    )


def _names(label_map: LabelMap) -> str:
    shown = ", ".join(label_map.names[:8])
    more = len(label_map) - 8
    return f"{shown} and {more} more" if more > 0 else shown


def _next_steps(model: str, checkpoint: str, output: Path) -> tuple[str, ...]:
    start = checkpoint or default_checkpoint(model)
    there = os.path.exists(f"{start}.index") or os.path.isdir(start)
    download = [] if there else [f"next: detectune zoo download {archive_to_download(model)}"]
    return (*download, f"next: detectune train {output} --model-dir training/{output.stem}")
