"""The data of a run, opened and looked through before a network is built.

A run reads several streams, each under a name: "train" and, with an `eval_input_reader`,
"evaluate"; a stage may ask for more. Here is what reads no pixels and needs no TensorFlow, so that
a wrong path is said at once; `training/streams.py` makes batches.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from detectune.config import schema
from detectune.config.architectures import num_classes
from detectune.config.class_numbers import ONE_LABEL_MAP, other_numbers
from detectune.config.domain_adaptation import TARGET_EVAL_READER, TARGET_READER
from detectune.config.label_map import LabelMap
from detectune.config.needs import BOXES_ONLY, Needs
from detectune.config.reading import evaluation_needs, training_needs
from detectune.data.check import check_source, refuse_damaged
from detectune.data.columns.base import check_columns
from detectune.data.defects import UNUSED
from detectune.data.readers import open_reader
from detectune.data.shared_images import Overlap, adapted_overlap, overlap, target_overlap
from detectune.data.sources.base import Source
from detectune.data.sources.record import repair
from detectune.data.sources.unlabelled import Unlabelled
from detectune.errors import ConfigError, DataError, three_part
from detectune.training.console import RunConsole
from detectune.wording import one_line

_MOST_SAID = 20
TRAIN, EVALUATE = "train", "evaluate"
TARGET = "target"
"""Unlabelled images of another domain, see `training/domain_adaptation.py`."""
EVALUATE_SOURCE = "evaluate source"
"""What is measured beside, where "evaluate" is of another domain than "train"."""


@dataclass(frozen=True)
class StreamRequest:
    """What a stream is read from."""

    reader: schema.InputReader
    field: str
    """Name of the reader in the config, for errors."""
    needs: Needs = BOXES_ONLY
    """What every image must have beside boxes."""
    trains: bool = False
    """Whether batches are made for training: all images have one size, and what is repaired while
    reading is reported when the batches are made."""
    labelled: bool = True
    """Whether annotations are read."""


@dataclass(frozen=True)
class RunSources:
    """The opened data of a run."""

    label_map: LabelMap
    requests: Mapping[str, StreamRequest]
    sources: Mapping[str, Source]


def run_streams(config: schema.TrainEvalPipelineConfig) -> dict[str, StreamRequest]:
    """The streams of every run: "train", and "evaluate" where the config has data for it.

    With annotated images of a target domain "evaluate" reads these, and what the config evaluates
    otherwise is measured beside.
    """
    reader = config.train_input_reader
    needs = training_needs(config)
    requests = {TRAIN: StreamRequest(reader, "train_input_reader", needs, trains=True)}
    if config.eval_input_reader:
        requests[EVALUATE] = StreamRequest(
            config.eval_input_reader[0], "eval_input_reader", evaluation_needs(config)
        )
    adaptation = config.train_config.domain_adaptation
    if adaptation.HasField("target_eval_input_reader"):
        if EVALUATE in requests:
            requests[EVALUATE_SOURCE] = requests[EVALUATE]
        requests[EVALUATE] = StreamRequest(
            adaptation.target_eval_input_reader,
            TARGET_EVAL_READER,
            evaluation_needs(config),
        )
    return requests


def target_stream(config: schema.TrainEvalPipelineConfig) -> dict[str, StreamRequest]:
    """The stream of unlabelled images that `domain_adaptation` asks for, if it is there."""
    train = config.train_config
    if not train.HasField("domain_adaptation"):
        return {}
    request = StreamRequest(
        train.domain_adaptation.target_input_reader,
        TARGET_READER,
        Needs(training_needs(config).inputs),
        trains=True,
        labelled=False,
    )
    return {TARGET: request}


def open_sources(
    config: schema.TrainEvalPipelineConfig,
    requests: Mapping[str, StreamRequest],
    console: RunConsole,
    own: LabelMap | None = None,
) -> RunSources:
    """Every stream of `requests` opened and checked, "train" first: its classes are those of all.

    Args:
        own: the label map of a resumed run, for a config whose own is gone.

    Raises:
        ConfigError: a reader names no data, or `num_classes` is too small for the label map.
        DataError: data are missing, damaged for the most part, lack what the detector reads, or
            there is no object to learn from.
    """
    train = _opened(requests[TRAIN], own, own)
    _check_objects(train)
    _check_num_classes(config.model, train.label_map)
    sources = {TRAIN: train}
    for name, request in requests.items():
        if name != TRAIN:
            sources[name] = _opened(request, train.label_map, own)
    if EVALUATE not in sources:
        console.say("no eval_input_reader: training goes without evaluations")
    for source in sources.values():
        _describe(source, console)
    _say_what_spoils(sources, console)
    if EVALUATE in sources and not has_objects(sources[EVALUATE]):
        console.say(
            f"{sources[EVALUATE].name}: no image has a box, so that no mAP can be measured; "
            "the newest checkpoint will count as the best"
        )
    return RunSources(train.label_map, requests, sources)


def open_stream(
    request: StreamRequest, label_map: LabelMap | None = None, own: LabelMap | None = None
) -> Source:
    """The images of a stream, with what is annotated in them where that is read.

    Args:
        label_map: used if the reader has none of its own.
        own: the label map of a resumed run, for a config whose own is gone.

    Raises:
        ConfigError: the reader names no data, or asks for what cannot be read here.
        DataError: the data are missing, or cannot be read.
    """
    columns = request.needs.columns
    if request.labelled:
        reader = _without_lost_label_map(request.reader, own)
        return open_reader(reader, request.field, label_map, columns=columns)
    reader = schema.InputReader()
    reader.CopyFrom(request.reader)
    for unread in ("label_map_path", "load_instance_masks"):
        reader.ClearField(unread)
    return Unlabelled(open_reader(reader, request.field, columns=columns))


def _opened(request: StreamRequest, label_map: LabelMap | None, own: LabelMap | None) -> Source:
    source = open_stream(request, label_map, own)
    if request.trains:
        refuse_damaged(source)
    else:
        check_source(source)
    check_columns(source, request.needs)
    return source


def _check_objects(source: Source) -> None:
    """Refuse training data in which there is nothing to learn."""
    if has_objects(source, learned=True):
        return
    count = len(source)
    marked = " but regions of many (crowd, group of) and boxes of weight 0" * has_objects(source)
    raise DataError(
        three_part(
            f"{source.name}: in {count} image{'s' * (count != 1)} there is no object{marked}.",
            "A training needs at least one box; images without any may stand beside those with.",
            f"`detectune data inspect {shlex.quote(source.name)}` shows what is read of the "
            "annotations.",
        )
    )


def has_objects(source: Source, *, learned: bool = False) -> bool:
    """Whether there is a box, or one that counts in the loss. Stops at the first."""
    records = (repair(source.annotation(index)) for index in range(len(source)))
    return any(
        np.any(~(record.is_crowd | record.group_of) & (record.weights > 0))
        if learned
        else len(record.class_ids)
        for record in records
    )


def _check_num_classes(model: schema.DetectionModel, label_map: LabelMap) -> None:
    there = num_classes(model)
    if label_map.num_classes > there:
        raise ConfigError(
            three_part(
                f"model: num_classes is {there}, but the label map has ids up to "
                f"{label_map.num_classes}.",
                "num_classes is at least the highest id of the label map.",
                f"Set num_classes: {label_map.num_classes}.",
            )
        )


def _describe(source: Source, console: RunConsole) -> None:
    console.say(source.describe())
    damaged = list(source.survey.damaged.values())
    for name, reason in damaged[:_MOST_SAID]:
        console.say(f"left out: {one_line(name)}: {one_line(reason)}")
    if len(damaged) > _MOST_SAID:
        console.say(f"left out: {len(damaged) - _MOST_SAID} more images")
    strays = [defect for defect in source.defects if defect.kind == UNUSED]
    if strays:
        _, name, reason = strays[0]
        more = f", and {len(strays) - 1} more files" if len(strays) > 1 else ""
        look = f"`detectune data inspect {shlex.quote(source.name)}`"
        console.say(f"left out: {name}: {reason}{more}; see {look}")


def _say_what_spoils(sources: Mapping[str, Source], console: RunConsole) -> None:
    """Say why numbers of an evaluation would mean nothing: its classes are numbered in another way,
    or its images are trained on; or why there is nothing to adapt to."""
    for name in (EVALUATE, EVALUATE_SOURCE):
        if name in sources:
            different = other_numbers(sources[TRAIN].label_map, sources[name].label_map)
            if different:
                console.say(f"warning: {different}. {ONE_LABEL_MAP}")
            _say_overlap(overlap(sources[TRAIN], sources[name]), console)
    if TARGET in sources:
        _say_overlap(target_overlap(sources[TRAIN], sources[TARGET]), console)
        if EVALUATE in sources:
            _say_overlap(adapted_overlap(sources[TARGET], sources[EVALUATE]), console)


def _say_overlap(shared: Overlap | None, console: RunConsole) -> None:
    if shared is not None:
        console.say(f"warning: {shared.found}. {shared.advice}")


def _without_lost_label_map(reader: schema.InputReader, own: LabelMap | None) -> schema.InputReader:
    """`reader`, or a copy without its label_map_path if that is gone and `own` can stand in."""
    if own is None or os.path.isfile(reader.label_map_path):
        return reader
    copy = schema.InputReader()
    copy.CopyFrom(reader)
    copy.ClearField("label_map_path")
    return copy
