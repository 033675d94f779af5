"""The files that a config names: are they there, and do they fit each other?

Relative paths start at the working directory, as in the original.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from pathlib import Path

from detectune.config import schema
from detectune.config.architectures import chosen
from detectune.config.checkpoint_paths import (
    IMAGENET,
    SAVED_MODEL_ADVICE,
    checkpoint_prefix,
    download_command,
    is_keras_file,
    is_keras_start,
    is_saved_model,
)
from detectune.config.class_numbers import other_numbers, renumbered
from detectune.config.domain_adaptation import TARGET_READER, target_readers
from detectune.config.file_patterns import matching_files
from detectune.config.keras_start import keras_file_problems, keras_start_problems
from detectune.config.label_map import LabelMap, read_label_map
from detectune.config.look_alikes import look_alikes, shown_name
from detectune.config.problems import Problem, from_error
from detectune.config.ranges import MOST_CLASSES
from detectune.errors import ConfigError, DataError
from detectune.files import near_path
from detectune.wording import plural

_PLACEHOLDER = "PATH_TO_BE_CONFIGURED"
_REMOTE = re.compile(r"[a-z][a-z0-9+]+://")
# The format of a data set before its path. A single letter would be a drive of Windows.
_FORMAT = re.compile(r"\A[a-z]{2,}:")
_SHARDS = re.compile(r"-of-(\d{1,9})|@(\d{1,9})")


def file_problems(config: schema.TrainEvalPipelineConfig) -> list[Problem]:
    """An error for each file that `config` names and that is missing or does not fit."""
    problems = [*_of_the_model(config.model), *_checkpoint(config)]
    readers = [("train_input_reader", config.train_input_reader)]
    readers += [(f"eval_input_reader[{i}]", r) for i, r in enumerate(config.eval_input_reader)]
    readers += target_readers(config)
    for path, reader in readers:
        if path != TARGET_READER:  # where no class is read
            problems += _label_map(config, reader, path)
        for index, pattern in enumerate(reader.tf_record_input_reader.input_path):
            problems += _records(pattern, f"{path}.tf_record_input_reader.input_path[{index}]")
        problems += _source(reader.source, f"{path}.source")
        if reader.image_list_path and not os.path.isfile(reader.image_list_path):
            problems += _absent(reader.image_list_path, f"{path}.image_list_path", "list of images")
    return problems


def _of_the_model(model: schema.DetectionModel) -> Iterator[Problem]:
    architecture = chosen(model)
    if architecture is None:
        return
    for field, name in architecture.named_files().items():
        if not name or name == IMAGENET or _REMOTE.match(name):
            continue
        if is_keras_file(name):
            yield from _file_of_keras(name, field)
        elif not os.path.exists(name):
            yield from _absent(name, field, "file")


def _label_map(
    config: schema.TrainEvalPipelineConfig, reader: schema.InputReader, path: str
) -> Iterator[Problem]:
    name = reader.label_map_path
    if not name:
        return
    field = f"{path}.label_map_path"
    if _REMOTE.match(name):
        found, allowed = f"{name} is not on this machine.", "A label map is read from the disk."
        yield Problem("error", field, found, allowed, "Copy it and write the path of the copy.")
        return
    if not os.path.exists(name) or os.path.isdir(name):
        found = f"{name} is a folder." if os.path.isdir(name) else ""
        yield from _absent(name, field, "label map", found)
        return
    try:
        label_map = read_label_map(name)
    except ConfigError as error:
        yield from_error(error, field)
        return
    if path == "train_input_reader" or name != config.train_input_reader.label_map_path:
        for names in look_alikes(label_map.names):
            yield names.problem(field)
    yield from _class_count(config, label_map, name, path)
    if path != "train_input_reader":
        yield from _numbered_alike(config.train_input_reader.label_map_path, label_map, field)


def _numbered_alike(trained: str, label_map: LabelMap, field: str) -> Iterator[Problem]:
    """The label map `trained`, if it can be read, numbers the classes as `label_map` does."""
    try:
        different = other_numbers(read_label_map(trained), label_map) if trained else ""
    except ConfigError:
        return  # said at the reader that names it
    if different:
        yield renumbered(field, different)


def _class_count(
    config: schema.TrainEvalPipelineConfig, label_map: LabelMap, name: str, path: str
) -> Iterator[Problem]:
    architecture = chosen(config.model)
    if architecture is None or path != "train_input_reader":
        return
    count, needed = architecture.num_classes, label_map.num_classes
    if count == needed or count < 1:
        return
    highest = label_map.items[-1]
    classes = f"{plural(len(label_map), 'class')} up to id {needed} ({highest.label})"
    yield Problem(
        "error" if count < needed else "warning",
        f"{architecture.path}.num_classes",
        f"num_classes is {count}, {name} has {classes}.",
        "num_classes is the highest id of the label map.",
        f"Write num_classes: {needed}."
        if needed <= MOST_CLASSES
        else "Number the classes of the label map 1, 2, 3, … without gaps.",
    )


def _records(pattern: str, field: str) -> Iterator[Problem]:
    if _REMOTE.match(pattern):
        return
    try:
        files = matching_files(pattern)
    except DataError as error:
        yield from_error(error, field)
        return
    if not files and _FORMAT.match(pattern):
        yield from _source(pattern, field)
        return
    if not files:
        yield from _absent(pattern, field, "TFRecord")
        return
    folders = [file for file in files if os.path.isdir(file)]
    empty = [file for file in files if os.path.isfile(file) and not os.path.getsize(file)]
    pipes = [file for file in files if file not in folders and not os.path.isfile(file)]
    for file in (*folders, *empty, *pipes):
        what = "a folder" if file in folders else "empty" if file in empty else "no file but a pipe"
        yield Problem(
            "error",
            field,
            f"{file} is {what}.",
            "TFRecord files are needed.",
            "`detectune data convert SOURCE DEST --to tfrecord` writes them; or name the folder in "
            "source instead.",
        )
    yield from _shards(pattern, files, field)


def _shards(pattern: str, files: list[str], field: str) -> Iterator[Problem]:
    match = _SHARDS.search(Path(files[0]).name)
    total = int(match[1] or match[2]) if match else 0
    if total > len(files) and any(mark in pattern for mark in "*?@"):
        yield Problem(
            "warning",
            field,
            f"{len(files)} of {total} shards are there.",
            "The names of the files say how many there should be.",
            "Look for the others, or training misses their images.",
        )


def _source(source: str, field: str) -> Iterator[Problem]:
    path = _FORMAT.sub("", source)
    try:
        there = not path or bool(matching_files(path))
    except DataError as error:
        yield from_error(error, field)
        return
    if not there:
        yield from _absent(path, field, "data set")


def _file_of_keras(name: str, field: str) -> Iterator[Problem]:
    if os.path.exists(name):
        yield from keras_file_problems(name, field)
        return
    advice = f'Check the path; "{IMAGENET}" stands for the weights that Keras publishes.'
    yield from _absent(name, field, "file of weights", advice=advice)


def _checkpoint(config: schema.TrainEvalPipelineConfig) -> Iterator[Problem]:
    name, field = config.train_config.fine_tune_checkpoint, "train_config.fine_tune_checkpoint"
    if not name or _REMOTE.match(name):
        return
    if is_keras_start(name):
        if name != IMAGENET:
            yield from _file_of_keras(name, field)
        yield from keras_start_problems(config)
        return
    prefix = checkpoint_prefix(name)
    if prefix:
        yield from _whole(prefix, field)
        if prefix != name and not os.path.isdir(name):
            yield Problem(
                "warning",
                field,
                f"{name} is a file of a checkpoint, not its prefix.",
                "The original takes the name without .index or .data-00000-of-00001 only.",
                f'Write fine_tune_checkpoint: "{prefix}".',
            )
        return
    if is_saved_model(name):
        found, (allowed, next_step) = f"{name} is a SavedModel.", SAVED_MODEL_ADVICE
        yield Problem("error", field, found, allowed, next_step)
        return
    if _PLACEHOLDER in name or not os.path.isdir(name):
        advice = f"`{download_command(name)}` fetches one; name it as .../checkpoint/ckpt-0."
        yield from _absent(name, field, "checkpoint", f"there is no {name}.index.", advice)
        return
    yield Problem(
        "error",
        field,
        f"the folder {name} has no checkpoint.",
        "A checkpoint is NAME.index with NAME.data-00000-of-00001.",
        "Name it without the endings, for example .../checkpoint/ckpt-0.",
    )


def _whole(prefix: str, field: str) -> Iterator[Problem]:
    """An .index file has its .data files beside it."""
    if not os.path.isfile(f"{prefix}.index") or glob.glob(f"{glob.escape(prefix)}.data-*"):
        return
    yield Problem(
        "error",
        field,
        f"{prefix}.index is there, but no {Path(prefix).name}.data file.",
        "A checkpoint is an .index file and its .data files, side by side.",
        "Copy the .data file too, or unpack the archive again.",
    )


def _absent(
    name: str, field: str, kind: str, found: str = "", advice: str = ""
) -> Iterator[Problem]:
    slashed = _with_slashes(name)
    if slashed != name:
        there = os.path.exists(slashed) or bool(checkpoint_prefix(slashed))
        yield Problem(
            "error",
            field,
            f"the path of the {kind} is {shown_name(name)}.",
            "A backslash in quotes starts an escape such as \\n or \\t, and separates no folders "
            "here.",
            f'Write "{slashed}", which is there.'
            if there
            else "Write the path with /, also on Windows.",
        )
        return
    if _PLACEHOLDER in name:
        found = f"the path of the {kind} has not been filled in."
        yield Problem("error", field, found, f"It is {name}.", advice or "Write your path.")
        return
    where = "" if os.path.isabs(name) else f"Relative paths start at {os.getcwd()}."
    near = near_path(name)
    advice = f'Did you mean "{near}"?' if near else advice or "Check the path."
    yield Problem("error", field, found or f"there is no {kind} {name}.", where, advice)


# What protobuf text makes of a backslash with the letter that followed it.
_ESCAPES = {7: "/a", 8: "/b", 9: "/t", 10: "/n", 11: "/v", 12: "/f", 13: "/r", 92: "/"}


def _with_slashes(name: str) -> str:
    """`name` as it was probably meant, if it was written with backslashes."""
    return name.translate(_ESCAPES).replace("//", "/") if _has_escapes(name) else name


def _has_escapes(name: str) -> bool:
    return any(ord(character) < 32 or character == "\\" for character in name)
