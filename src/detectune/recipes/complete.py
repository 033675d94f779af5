"""`config complete`: a fragment of a config, filled up from a model of the zoo.

    fragment of a tutorial ─► where does it belong? ─► + what it leaves out, from the model ─► check

What the fragment says stays as it is. A field of a choice (a oneof) that the fragment has made is
not taken from the model, nor is a list of which the fragment has a part.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from google.protobuf import text_format
from google.protobuf.message import Message

from detectune.config import schema
from detectune.config.architectures import architecture_name
from detectune.config.check import check_message
from detectune.config.descriptors import FieldDescriptor, is_repeated, value_of
from detectune.config.free_anchor import free_anchor_place
from detectune.config.load import parse_message
from detectune.config.protobuf_text import message_from
from detectune.config.save import config_text
from detectune.config.text_file import read_config_text
from detectune.errors import ConfigError, three_part
from detectune.files import write_text
from detectune.recipes.templates import template

# Where a fragment may have been cut out of a config, from the whole to its parts.
_PLACES = ("{}", "model {{ {} }}", "model {{ {architecture} {{ {} }} }}", "train_config {{ {} }}")
# FreeAnchor looks for itself, and has a loss of its own.
_OF_OTHER_MATCHERS = ("matcher", "similarity_calculator", "loss")
# A model of the zoo has no data of the user's.
_DATA = frozenset({"train_input_reader", "eval_input_reader"})


class CompletedConfig(NamedTuple):
    """A config that was filled up."""

    config: schema.TrainEvalPipelineConfig
    taken: tuple[str, ...]
    """What was taken from the model, or changed, a sentence each."""
    problems: tuple[str, ...]
    """What `config check` finds in the result, a sentence each."""


def complete_config(
    fragment: str | os.PathLike[str], base: str, output: str | os.PathLike[str], *,
    force: bool = False,
) -> CompletedConfig:  # fmt: skip
    """Fill up the config in the file `fragment` from the model `base`, and write it to `output`.

    Args:
        fragment: a whole config, or what stands in `model { }`, in its architecture, or in
            `train_config { }`.
        base: the name of a model that `config new` knows.
        output: the config to write.
        force: overwrite `output`.

    Raises:
        ConfigError: an unknown model, a fragment that is no text of a config, another architecture
            than that of the model, or a file that would be overwritten.
        WriteError: the file cannot be written.
    """
    if os.path.exists(output) and (not force or os.path.isdir(output)):
        raise ConfigError(
            three_part(
                f"-o {output}: it exists.",
                "`config complete` writes a new file.",
                "Choose another name, or add --force to overwrite a file.",
            )
        )
    zoo = template(base)
    config = _read(fragment, architecture_name(zoo.model))
    _check_architecture(config, zoo, fragment, base)
    taken = [f"{path}: taken from {base}" for path in _fill(config, zoo, "", _kept_out(config))]
    taken += _changed(config)
    reasons = "".join(f"# {line}\n" for line in taken)
    write_text(output, f"{reasons}\n{config_text(config)}")
    problems = [one.shown() for one in check_message(config, check_files=False)]
    return CompletedConfig(config, tuple(taken), tuple(problems))


def _read(
    fragment: str | os.PathLike[str], architecture: str
) -> schema.TrainEvalPipelineConfig:  # fmt: skip
    """The fragment in its place in a config."""
    text = read_config_text(fragment)
    for place in _PLACES:
        # The text keeps its lines; what stands around it is on the same ones.
        wrapped = place.format(f"{text}\n", architecture=architecture)
        try:
            return message_from(wrapped, schema.TrainEvalPipelineConfig())
        except text_format.ParseError:
            continue
    # The errors of the text as a whole config say most.
    return parse_message(text, schema.TrainEvalPipelineConfig(), str(Path(fragment)))


def _check_architecture(
    config: schema.TrainEvalPipelineConfig,
    zoo: schema.TrainEvalPipelineConfig,
    fragment: str | os.PathLike[str],
    base: str,
) -> None:
    ours, theirs = architecture_name(config.model), architecture_name(zoo.model)
    if ours in ("", theirs):
        return
    raise ConfigError(
        three_part(
            f"{fragment}: its model is {ours}, and that of {base} is {theirs}.",
            "What is missing in a model can come from one of the same architecture only.",
            f"Name a model of the architecture {ours} with --base.",
        )
    )


def _kept_out(config: schema.TrainEvalPipelineConfig) -> frozenset[str]:
    """Paths of what the fragment makes superfluous, or only the user knows."""
    if config.model.HasField("ssd") and free_anchor_place(config.model.ssd):
        return _DATA | {f"model.ssd.{name}" for name in _OF_OTHER_MATCHERS}
    return _DATA


def _fill(ours: Message, theirs: Message, path: str, kept_out: frozenset[str]) -> Iterator[str]:
    """Give `ours` what only `theirs` has; the paths of what was taken."""
    for field, value in theirs.ListFields():
        place = f"{path}.{field.name}" if path else field.name
        if place in kept_out or _is_decided(ours, field):
            continue
        if is_repeated(field):
            if not value_of(ours, field):
                ours.MergeFrom(_only(theirs, field))
                yield place
        elif field.message_type is None or not ours.HasField(field.name):
            if not ours.HasField(field.name):
                ours.MergeFrom(_only(theirs, field))
                yield place
        else:
            yield from _fill(value_of(ours, field), value, place, kept_out)


def _only(message: Message, field: FieldDescriptor) -> Message:
    """A message of the same type with this field alone."""
    found = type(message)()
    value = value_of(message, field)
    if is_repeated(field):
        value_of(found, field).extend(value)
    elif field.message_type is not None:
        value_of(found, field).CopyFrom(value)
    else:
        setattr(found, field.name, value)
    return found


def _is_decided(ours: Message, field: FieldDescriptor) -> bool:
    """Whether `ours` has chosen another field of the same oneof."""
    group = field.containing_oneof
    chosen = ours.WhichOneof(group.name) if group is not None else None
    return chosen is not None and chosen != field.name


def _changed(config: schema.TrainEvalPipelineConfig) -> list[str]:
    """What had to become otherwise for the parts to go together."""
    ssd = config.model.ssd
    if not (config.model.HasField("ssd") and free_anchor_place(ssd)):
        return []
    if not ssd.add_background_class:
        return []
    ssd.add_background_class = False
    return ["model.ssd.add_background_class: false, as FreeAnchor has no background"]


def next_steps(config: schema.TrainEvalPipelineConfig, output: str) -> list[str]:
    """The command that comes next; SOURCE stands for data of the user."""
    run = f"training/{Path(output).stem}"
    has_data = config.train_input_reader.ListFields()
    data = "" if has_data else " --set train_input_reader.source=SOURCE"
    return [f"next: detectune train {shlex.quote(output)} --model-dir {shlex.quote(run)}{data}"]
