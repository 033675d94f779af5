"""The data of a run, opened and looked through before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from detectune.config import schema
from detectune.config.architectures import image_resizer
from detectune.config.label_map import LabelMap
from detectune.config.needs import evaluation_needs, training_needs
from detectune.data.check import check_source, refuse_damaged
from detectune.data.columns.base import check_columns
from detectune.data.padding import padded_to_one_size
from detectune.data.readers import open_reader
from detectune.data.resizers import Resizer, build_resizer
from detectune.data.sources.base import Source
from detectune.detectors.base import Detector
from detectune.errors import ConfigError, three_part
from detectune.training.console import RunConsole


@dataclass
class TrainingData:
    """What is read, and how."""

    label_map: LabelMap
    train: Source
    evaluate: Source | None
    resizer: Resizer
    """For images on their own: evaluation and examples."""
    train_resizer: Resizer
    """For training, where all images have one size."""


def open_data(
    config: schema.TrainEvalPipelineConfig,
    detector: Detector,
    console: RunConsole,
    own: LabelMap | None,
) -> TrainingData:
    """The sources; `own` is the label map of a resumed run, for a config whose own is gone."""
    needs = training_needs(config)
    reader = _without_lost_label_map(config.train_input_reader, own)
    train = open_reader(reader, "train_input_reader", own, columns=needs.columns)
    refuse_damaged(train)
    check_columns(train, needs)
    label_map = train.label_map
    evaluate = None
    if config.eval_input_reader:
        reader = _without_lost_label_map(config.eval_input_reader[0], own)
        needs = evaluation_needs(config)
        evaluate = open_reader(reader, "eval_input_reader", label_map, columns=needs.columns)
        check_source(evaluate)
        check_columns(evaluate, needs)
    else:
        console.say("no eval_input_reader: training goes without evaluations")
    if label_map.num_classes > detector.num_classes:
        raise ConfigError(
            three_part(
                f"model: num_classes is {detector.num_classes}, but the label map has ids up to "
                f"{label_map.num_classes}.",
                "num_classes is at least the highest id of the label map.",
                f"Set num_classes: {label_map.num_classes}.",
            )
        )
    for source in (train, *([evaluate] if evaluate else [])):
        console.say(source.describe())
        strays = source.stray_files()
        if strays:
            name, reason = strays[0]
            more = f", and {len(strays) - 1} more files" if len(strays) > 1 else ""
            console.say(f"left out: {name}: {reason}{more}; see `detectune data inspect`")
    resizer = build_resizer(image_resizer(config.model), detector.pad_value)
    one_size = padded_to_one_size(resizer, train, config.train_config.data_augmentation_options)
    return TrainingData(label_map, train, evaluate, resizer, one_size)


def _without_lost_label_map(reader: schema.InputReader, own: LabelMap | None) -> schema.InputReader:
    """`reader`, or a copy without its label_map_path if that is gone and `own` can stand in."""
    if own is None or Path(reader.label_map_path).is_file():
        return reader
    copy = schema.InputReader()
    copy.CopyFrom(reader)
    copy.ClearField("label_map_path")
    return copy
