"""A training that starts from a classifier of Keras: what can be seen without loading Keras."""

from __future__ import annotations

from collections.abc import Iterator

from detectune.config import schema
from detectune.config.application_names import APPLICATIONS
from detectune.config.architectures import chosen
from detectune.config.checkpoint_paths import IMAGENET
from detectune.config.feature_extractors import (
    FEATURE_EXTRACTORS,
    IMAGENET_EXTRACTORS,
    REGION_FEATURE_EXTRACTORS,
)
from detectune.config.own_network import network_block
from detectune.config.problems import Problem
from detectune.files import open_regular

_FIELD = "train_config.fine_tune_checkpoint"
# HDF5, and the zip that a .keras file is.
_STARTS = (b"\x89HDF\r\n\x1a\n", b"PK\x03\x04")


def keras_start_problems(config: schema.TrainEvalPipelineConfig) -> Iterator[Problem]:
    """Weights of a classifier give the backbone and nothing else, and not every one.

    Args:
        config: whose `fine_tune_checkpoint` is "imagenet" or a file of Keras.
    """
    train = config.train_config
    name = train.fine_tune_checkpoint
    kind = train.fine_tune_checkpoint_type or "detection" * train.from_detection_checkpoint
    if kind not in ("", "classification"):
        yield Problem(
            "error",
            f"{_FIELD}_type" if train.fine_tune_checkpoint_type else _FIELD,
            f'the type is "{kind}", and {name} holds weights of a classifier.',
            "Those of Keras give the backbone and nothing else.",
            'Write fine_tune_checkpoint_type: "classification".',
        )
    if name == IMAGENET:
        yield from _published(config.model)


def _published(model: schema.DetectionModel) -> Iterator[Problem]:
    """Keras publishes weights of the network, if its type says which one that is."""
    architecture = chosen(model)
    if architecture is None or architecture.extractors is None:
        return
    type_, block = architecture.feature_extractor, network_block(model)
    if block is not None and block.name not in APPLICATIONS:
        yield Problem(
            "error",
            _FIELD,
            f'"{IMAGENET}" stands for weights that Keras publishes, and it has none of '
            f"{block.name or block.saved}.",
            "Networks of keras.applications have such weights; a .keras file holds its own.",
            "Remove the line, or name a checkpoint or a file of this network.",
        )
        return
    today = architecture.extractors.keras_name(type_)
    if today not in (*FEATURE_EXTRACTORS, *REGION_FEATURE_EXTRACTORS):
        return
    if today not in IMAGENET_EXTRACTORS:
        yield Problem(
            "error",
            _FIELD,
            f'"{IMAGENET}" stands for weights that Keras publishes, and it has no network like '
            f"that of {type_}.",
            f"Allowed with it: {', '.join(IMAGENET_EXTRACTORS)}.",
            "Take an archive of `detectune zoo list --classification`; or put a network of Keras "
            'under the detector, with type: "ssd_fpn_keras" and backbone { name: "ResNet50" }.',
        )
        return
    width = getattr(architecture.message.feature_extractor, "depth_multiplier", 1.0)
    if width != 1:
        yield Problem(
            "error",
            _FIELD,
            f'it is "{IMAGENET}", and depth_multiplier is {width:g}.',
            "The layers of Keras's network are those of depth_multiplier: 1.",
            "Write depth_multiplier: 1.0 in feature_extractor, or name other weights.",
        )


def keras_file_problems(name: str, field: str) -> Iterator[Problem]:
    """An error if the file `name`, which is there, does not begin like one of Keras."""
    try:
        with open_regular(name) as file:
            start = file.read(8)
    except OSError as error:
        found = f"{name}: {error.strerror or error}."
    else:
        if start.startswith(_STARTS):
            return
        found = f"{name} is {'neither HDF5 nor a .keras file' if start else 'empty'}."
    yield Problem(
        "error",
        field,
        found,
        "Weights of Keras are one file: .keras, .weights.h5 or .h5.",
        "Copy or download it again.",
    )
