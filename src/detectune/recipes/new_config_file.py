"""`write_new_config`: looks at the data, plans the training, writes the config."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from detectune.config import schema
from detectune.config.checkpoint_paths import (
    IMAGENET,
    checkpoint_prefix,
    is_keras_file,
    is_keras_start,
)
from detectune.config.label_map import LabelMap, label_map_text, read_label_map
from detectune.errors import ConfigError, DataError, three_part
from detectune.files import unused_path, write_text
from detectune.recipes.base import recipe_of
from detectune.recipes.machine import Machine, this_machine
from detectune.recipes.new_config import (
    NO_CHECKPOINT,
    archive_to_download,
    default_checkpoint,
    new_config,
    new_config_text,
    norm_reason,
)
from detectune.recipes.own_backbone import default_start, model_and_backbone, put_under
from detectune.recipes.rcnn import (
    PROPOSALS,
    RcnnWishes,
    check_wishes,
    is_rcnn,
    new_rcnn_config,
    rcnn_reasons,
)
from detectune.recipes.templates import template
from detectune.recipes.training_plan import TrainingPlan, plan_training
from detectune.wording import one_line

_AT_RANDOM = (
    "No checkpoint: all weights begin at random, and batch norms learn their statistics "
    "(batch_norm_trainable: true). That takes many thousands of images; a checkpoint of the zoo "
    "takes some hundred."
)


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
    backbone: str = "",
    batch_size: int | None = None,
    num_steps: int | None = None,
    force: bool = False,
    machine: Machine | None = None,
    said_by: str = "as you said",
    adjust: Callable[[schema.TrainEvalPipelineConfig], Iterable[str]] | None = None,
) -> NewConfig:
    """Write a pipeline.config that fine-tunes a model of the zoo on your data.

    The classes come from the data; batch size, steps and learning rate are chosen for the data and
    the machine. `detectune config new` does the same.

    Args:
        model: its name in the zoo, such as `ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8`; with a
            `backbone` also what stands on it: `ssd_fpn_keras`, `ssd_bifpn_keras`,
            `ssd_extras_keras`, `faster_rcnn_fpn_keras`; or `rcnn_keras` for R-CNN, on MobileNetV2
            without a `backbone`.
        train, evaluation: images with annotations, as SOURCE: a folder or file whose format is
            recognised, or named as `coco:PATH`, `voc:PATH`, `yolo:PATH`, `csv:PATH`,
            `tfrecord:PATTERN`.
        output: the config; without `label_map_path` a label map is written beside it.
        checkpoint: what to start from: the prefix of a checkpoint, or a folder that holds one (an
            unpacked archive, a run directory); by default where `detectune zoo download` puts the
            one of `model`. "imagenet" for the weights that Keras publishes for the network, as by
            default with a `backbone`, or a file of Keras; "none" for random ones.
        backbone: another network under the model: a name of `keras.applications`, such as
            `ConvNeXtTiny`, "InceptionV4", or a .keras file.
        batch_size, num_steps: by default chosen; with steps the network of an R-CNN is fine-tuned
            on crops, without it stays as it is.
        force: overwrite `output`.
        machine: where the training will run; this one if None.
        said_by: who chose `batch_size` and `num_steps`, for the reasons.
        adjust: changes the config before it is written, and says what it changed.

    Raises:
        ConfigError: an unknown model, a checkpoint that is not there, or a file that would be
            overwritten.
        DataError: the data cannot be read, or have no box to learn from.
    """
    _check_names(train, evaluation, os.fspath(output), checkpoint, label_map_path, backbone)
    if is_rcnn(model):
        wishes = RcnnWishes(model, backbone, checkpoint, num_steps, batch_size)
        return _write_rcnn(wishes, train, evaluation, Path(output), label_map_path, force)
    named, (model, backbone) = model, model_and_backbone(model, backbone)
    zoo = template(model)  # an unknown model is said before the data are read
    if backbone:
        zoo.model.CopyFrom(put_under(zoo.model, backbone))
    output = Path(output)
    _not_there(output, force)
    checkpoint = _found(checkpoint)
    label_map, num_images = _classes(train, evaluation, label_map_path)
    plan = _plan(zoo, num_images, batch_size, num_steps, machine or this_machine(), said_by)
    own_label_map = (
        "" if label_map_path else str(output.with_name(f"{output.stem}.label_map.pbtxt"))
    )
    config = new_config(
        model,
        num_classes=label_map.num_classes,
        plan=plan,
        train=train,
        evaluation=evaluation,
        label_map_path=label_map_path or own_label_map,
        checkpoint=checkpoint,
        backbone=backbone,
    )
    adjusted = tuple(adjust(config)) if adjust is not None else ()
    reasons = (*_reasons(config, label_map, plan, checkpoint), *adjusted)
    written = [f"wrote {output}"]
    if own_label_map:
        write_text(own_label_map, label_map_text(label_map))
        written.insert(0, f"wrote {own_label_map}: the classes of {train}")
    title = f"{named} on {backbone}" if backbone else model
    if backbone:
        reasons = (f"Anchors and heads are those of {model}.", *reasons)
    write_text(output, new_config_text(config, [f"{title} for {train}", *reasons]))
    start = checkpoint or (default_start(backbone) or NO_CHECKPOINT if backbone else "")
    return NewConfig(config, reasons, tuple(written), _next_steps(model, start, output))


def _write_rcnn(
    wishes: RcnnWishes,
    train: str,
    evaluation: str,
    output: Path,
    label_map_path: str,
    force: bool,
) -> NewConfig:
    """`write_new_config` for R-CNN, which has no template and no plan of steps."""
    check_wishes(wishes)
    _not_there(output, force)
    wishes = wishes._replace(checkpoint=_found(wishes.checkpoint))
    label_map, num_images = _classes(train, evaluation, label_map_path)
    labels = label_map_path or str(output.with_name(f"{output.stem}.label_map.pbtxt"))
    config = new_rcnn_config(
        wishes,
        num_classes=label_map.num_classes,
        train=train,
        evaluation=evaluation,
        label_map_path=labels,
    )
    classes = f"num_classes {label_map.num_classes}: {_names(label_map)}."
    reasons = (classes, *rcnn_reasons(config, num_images))
    written = [f"wrote {output}"]
    if not label_map_path:
        write_text(labels, label_map_text(label_map))
        written.insert(0, f"wrote {labels}: the classes of {train}")
    title = f"{wishes.model} on {wishes.backbone}" if wishes.backbone else wishes.model
    write_text(output, new_config_text(config, [f"{title} for {train}", *reasons]))
    run = unused_path(f"training/{output.stem}")
    steps = [
        f"next: detectune data proposals {shlex.quote(source)} --count {PROPOSALS}"
        for source in dict.fromkeys((train, evaluation))
        if not _has_proposals(source)
    ]
    steps.append(f"next: detectune train {shlex.quote(str(output))} --model-dir {shlex.quote(run)}")
    return NewConfig(config, reasons, tuple(written), tuple(steps))


def _has_proposals(source: str) -> bool:
    """Whether the first image of `source` has proposals."""
    from detectune.data.sources.recognise import open_source  # slow

    return open_source(source, columns=("proposals",)).unrepaired(0).proposals is not None


def _check_names(
    train: str, evaluation: str, output: str, checkpoint: str, label_map_path: str, backbone: str
) -> None:
    """Refuse names of files that a config cannot hold."""
    for option, path in (
        ("--train", train),
        ("--eval", evaluation),
        ("-o", output),
        ("--checkpoint", checkpoint),
        ("--label-map", label_map_path),
        ("--backbone", backbone),
    ):
        _can_be_written(option, path)


def _reasons(
    config: schema.TrainEvalPipelineConfig,
    label_map: LabelMap,
    plan: TrainingPlan,
    checkpoint: str,
) -> tuple[str, ...]:
    """Where the numbers of the config come from."""
    classes = f"num_classes {label_map.num_classes}: {_names(label_map)}."
    start = _AT_RANDOM if checkpoint == NO_CHECKPOINT else norm_reason(config)
    return (classes, *plan.reasons, *filter(None, [start]))


def _can_be_written(option: str, path: str) -> None:
    """Refuse a path that a config cannot name: its bytes are no text, or it has control characters.

    Raises:
        ConfigError: `path` is such a one.
    """
    if path.isprintable():
        return
    raise ConfigError(
        three_part(
            f"{option} {one_line(path)}: the name has characters that are no text.",
            "A config is UTF-8 text, and names files in it.",
            "Rename the file or folder, with letters, digits and the like.",
        )
    )


def _not_there(output: Path, force: bool) -> None:
    if os.path.exists(output) and (not force or os.path.isdir(output)):
        raise ConfigError(
            three_part(
                f"-o {output}: this {'folder' if os.path.isdir(output) else 'file'} exists.",
                "`config new` writes a new file.",
                "Choose another name, or add --force to overwrite a file.",
            )
        )


def _classes(train: str, evaluation: str, label_map_path: str) -> tuple[LabelMap, int]:
    """The classes, and how many images there are to learn from."""
    from detectune.data.sources.recognise import open_source  # slow

    label_map = read_label_map(label_map_path) if label_map_path else None
    source = open_source(train, label_map, split="train")
    classes = label_map or source.label_map
    if not len(classes):
        raise DataError(
            three_part(
                f"--train {train}: "
                + (
                    "its only image has no box."
                    if len(source) == 1
                    else f"none of its {len(source):,} images has a box."
                ),
                "The classes of a new config come from the boxes of the training data.",
                f"Look at it with `detectune data inspect {shlex.quote(train)}`, or give the "
                "classes with --label-map.",
            )
        )
    open_source(evaluation, classes, split="val")  # it has to be readable, too
    return classes, len(source)


def _plan(
    zoo: schema.TrainEvalPipelineConfig,
    num_images: int,
    batch_size: int | None,
    num_steps: int | None,
    machine: Machine,
    said_by: str,
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
        said_by=said_by,
    )


def _names(label_map: LabelMap) -> str:
    shown = ", ".join(label_map.names[:8])
    more = len(label_map) - 8
    return f"{shown} and {more} more" if more > 0 else shown


def _next_steps(model: str, checkpoint: str, output: Path) -> tuple[str, ...]:
    start = checkpoint or default_checkpoint(model)
    there = (
        checkpoint == NO_CHECKPOINT or is_keras_start(checkpoint) or bool(checkpoint_prefix(start))
    )
    download = [] if there else [f"next: detectune zoo download {archive_to_download(model)}"]
    run = unused_path(f"training/{output.stem}")
    train = f"next: detectune train {shlex.quote(str(output))} --model-dir {shlex.quote(run)}"
    return (*download, train)


def _found(checkpoint: str) -> str:
    """The prefix of the checkpoint that `checkpoint` stands for; empty and `NO_CHECKPOINT` stay."""
    if checkpoint in ("", NO_CHECKPOINT, IMAGENET):
        return checkpoint
    if is_keras_file(checkpoint) and os.path.isfile(checkpoint):
        return checkpoint
    prefix = checkpoint_prefix(checkpoint)
    if not prefix:
        raise ConfigError(
            three_part(
                f"--checkpoint {checkpoint}: there is no checkpoint.",
                "A checkpoint is named by its prefix, such as .../checkpoint/ckpt-0, or by the "
                'folder that holds it; "imagenet" or a .keras, .weights.h5 or .h5 file are weights '
                'of a classifier, and "none" begins with random ones.',
                "Check the path, or leave --checkpoint out: then what comes next says which one of "
                "the zoo to fetch.",
            )
        )
    return prefix
