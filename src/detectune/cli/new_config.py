"""`detectune config new`: looks at the data, plans the training, writes the config."""

from __future__ import annotations

import os
from pathlib import Path

from detectune.config.label_map import LabelMap, label_map_text, read_label_map
from detectune.config.machine import Machine, this_machine
from detectune.config.memory import footprint
from detectune.config.new import (
    archive_to_download,
    default_checkpoint,
    new_config,
    new_config_text,
    shipped_norm_reason,
)
from detectune.config.plan import plan_training
from detectune.config.templates import largest_batch, shipped, template
from detectune.errors import ConfigError, three_part
from detectune.files import write_text


def write_new_config(
    output: Path,
    *,
    model: str,
    train: str,
    evaluation: str,
    checkpoint: str = "",
    label_map_path: str = "",
    batch_size: int | None = None,
    steps: int | None = None,
    force: bool = False,
    machine: Machine | None = None,
) -> list[str]:
    """Write the config, and a label map beside it if none was given; what to tell the user.

    Args:
        machine: where the training will run; this one if None.

    Raises:
        ConfigError: an unknown model, or a file that would be overwritten.
        DataError: the data cannot be read.
    """
    template(model)  # an unknown model is said before the data are read
    _not_there(output, force)
    label_map = read_label_map(label_map_path) if label_map_path else None
    from detectune.data.sources.recognise import open_source  # slow

    source = open_source(train, label_map)
    open_source(evaluation, label_map or source.label_map)  # it has to be readable, too
    label_map = label_map or source.label_map
    plan = plan_training(
        len(source),
        batch_size,
        steps,
        largest_batch(model),
        shipped=shipped(model),
        footprint=footprint(template(model).model),
        machine=machine or this_machine(),
    )
    said = []
    if not label_map_path:
        label_map_path = str(output.with_name(f"{output.stem}.label_map.pbtxt"))
        said.append(f"wrote {label_map_path}: the classes of {train}")
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
    reasons = [classes, *plan.reasons, *filter(None, [shipped_norm_reason(config)])]
    if said:
        write_text(label_map_path, label_map_text(label_map))
    write_text(output, new_config_text(config, [f"{model} for {train}", *reasons]))
    return [*reasons, *said, f"wrote {output}", *_next_steps(model, checkpoint, output)]


def _not_there(output: Path, force: bool) -> None:
    if output.exists() and (not force or output.is_dir()):
        raise ConfigError(
            three_part(
                f"-o {output}: this {'folder' if output.is_dir() else 'file'} exists.",
                "`config new` writes a new file.",
                "Choose another name, or add --force to overwrite a file.",
            )
        )


def _names(label_map: LabelMap) -> str:
    shown = ", ".join(label_map.names[:8])
    more = len(label_map) - 8
    return f"{shown} and {more} more" if more > 0 else shown


def _next_steps(model: str, checkpoint: str, output: Path) -> list[str]:
    start = checkpoint or default_checkpoint(model)
    there = os.path.exists(f"{start}.index") or os.path.isdir(start)
    download = [] if there else [f"next: detectune zoo download {archive_to_download(model)}"]
    return [*download, f"next: detectune train {output} --model-dir training/{output.stem}"]
