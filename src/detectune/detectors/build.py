"""`model { ... }` of a pipeline.config → a detector."""

from __future__ import annotations

from detectune.config import schema
from detectune.detectors.base import Detector
from detectune.errors import ConfigError, three_part
from detectune.registry import detectors


def build_detector(config: schema.DetectionModel) -> Detector:
    """The detector that `config` describes, with fresh weights.

    Raises:
        ConfigError: an architecture or a part of it is unknown, or not supported.
    """
    kind = config.WhichOneof("model")
    if kind is None or kind not in detectors:
        raise ConfigError(
            three_part(
                f"model: {kind + ' is not supported yet' if kind else 'no architecture is set'}.",
                f"Offered: {', '.join(detectors)}.",
                "Set one of these in `model { ... }`.",
            )
        )
    return detectors[kind](getattr(config, kind))
