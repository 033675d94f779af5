"""`model { ... }` of a pipeline.config → a detector."""

from __future__ import annotations

from detectune.config import schema
from detectune.config.architectures import Architecture, architecture_name, architecture_of
from detectune.config.problems import Problem, errors, refuse
from detectune.config.report import report_fields
from detectune.detectors.base import Detector
from detectune.errors import ConfigError, three_part
from detectune.registry import detectors


def build_detector(config: schema.DetectionModel) -> Detector:
    """The detector that `config` describes, with fresh weights.

    Raises:
        ConfigError: an architecture or a part of it is unknown, or not supported, a number is out
            of its range, or choices exclude each other.
    """
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
    return detectors[kind](architecture.message)


def _wrong_fields(architecture: Architecture) -> list[Problem]:
    """Errors of single fields. Types of feature extractors are known better where they are built:
    some may have been registered while the program runs."""
    found = errors(report_fields(architecture.message, architecture.path))
    return [one for one in found if one.field != f"{architecture.path}.feature_extractor.type"]
