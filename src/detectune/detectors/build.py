"""`model { ... }` of a pipeline.config → a detector."""

from __future__ import annotations

import inspect

import keras

from detectune.config import schema
from detectune.config.architectures import Architecture, architecture_name, architecture_of
from detectune.config.own_network import with_network
from detectune.config.problems import Problem, errors, refuse
from detectune.config.report import report_fields
from detectune.detectors.base import Detector
from detectune.errors import ConfigError, three_part
from detectune.registry import detectors


def build_detector(
    config: schema.DetectionModel, *, backbone: keras.Model | None = None
) -> Detector:
    """The detector that `config` describes, with fresh weights.

    Args:
        backbone: any functional Keras model of images `[B, H, W, 3]`, which takes the place of the
            network that `config` names. Its weights, and which of its layers are frozen, are kept;
            its classifier is left out. A copy is used: the model stays as it is. How images are
            normalized: `feature_extractor { backbone { preprocessing } }`.

    Raises:
        ConfigError: an architecture or a part of it is unknown, or not supported, a number is out
            of its range, or choices exclude each other; or no backbone can be made of the model.
        CheckpointError: a file with a network is missing or damaged.
    """
    if backbone is not None:
        config = with_network(config)
    architecture, kind = architecture_of(config), architecture_name(config)
    if kind not in detectors:
        raise ConfigError(
            three_part(
                f"model: {kind} is not supported yet.",
                f"Offered: {', '.join(detectors)}.",
                "Set one of these in `model { ... }`.",
            )
        )
    refuse(_wrong_fields(architecture))
    refuse(architecture.conflicts())
    return _built(kind, architecture, backbone)


def _built(kind: str, architecture: Architecture, backbone: keras.Model | None) -> Detector:
    build = detectors[kind]
    if backbone is None:
        return build(architecture.message)
    if "network" not in inspect.signature(build).parameters:
        raise ConfigError(
            three_part(
                f"{architecture.path}: it takes no network from outside.",
                "backbone= is for ssd, faster_rcnn and fast_rcnn.",
                "Leave backbone= out, or let the detector's builder take an argument `network`.",
            )
        )
    return build(architecture.message, network=backbone)


def _wrong_fields(architecture: Architecture) -> list[Problem]:
    """Errors of single fields. Types of feature extractors are known better where they are built:
    some may have been registered while the program runs."""
    found = errors(report_fields(architecture.message, architecture.path))
    return [one for one in found if one.field != f"{architecture.path}.feature_extractor.type"]
