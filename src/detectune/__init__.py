"""detectune fine-tunes pre-trained object detectors, on Keras 3.

The public names below are imported when they are first used, so `import detectune` is instant.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOMES = {
    "load_config": "detectune.config.load",
    "write_new_config": "detectune.recipes.new_config_file",
    "build_detector": "detectune.detectors.build",
    "restore": "detectune.checkpoints.restore",
    "train": "detectune.training.train",
    "evaluate": "detectune.inference.evaluate_run",
    "Predictor": "detectune.inference.predictor",
    "export": "detectune.exporters.export",
    "PaddedDetections": "detectune.structures",
    "GroundTruth": "detectune.structures",
    "Predictions": "detectune.structures",
    "DetectuneError": "detectune.errors",
    "ConfigError": "detectune.errors",
    "DataError": "detectune.errors",
    "CheckpointError": "detectune.errors",
    "ExportError": "detectune.errors",
}

__version__ = "0.1.0"
__all__ = ["__version__", *_HOMES]

if TYPE_CHECKING:
    from detectune.checkpoints.restore import restore
    from detectune.config.load import load_config
    from detectune.detectors.build import build_detector
    from detectune.errors import (
        CheckpointError,
        ConfigError,
        DataError,
        DetectuneError,
        ExportError,
    )
    from detectune.exporters.export import export
    from detectune.inference.evaluate_run import evaluate
    from detectune.inference.predictor import Predictor
    from detectune.recipes.new_config_file import write_new_config
    from detectune.structures import GroundTruth, PaddedDetections, Predictions
    from detectune.training.train import train


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'detectune' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
