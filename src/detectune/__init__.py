"""detectune fine-tunes pre-trained object detectors, on Keras 3.

The public names below are imported when they are first used, so `import detectune` is instant.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOMES = {
    # What is called, in the order of a day's work.
    "load_config": "detectune.config.load",
    "write_new_config": "detectune.recipes.new_config_file",
    "build_detector": "detectune.detectors.build",
    "load_detector": "detectune.inference.load_detector",
    "restore": "detectune.checkpoints.restore",
    "train": "detectune.training.train",
    "evaluate": "detectune.inference.evaluate_run",
    "Predictor": "detectune.inference.predictor",
    "export": "detectune.exporters.export",
    "extract_features": "detectune.features.extract",
    "fit_classifier": "detectune.features.fit",
    # What it gives back.
    "NewConfig": "detectune.recipes.new_config_file",
    "Detector": "detectune.detectors.base",
    "RestoreReport": "detectune.checkpoints.restore",
    "Run": "detectune.checkpoints.run_directory",
    "ImageDetections": "detectune.inference.results",
    "Exported": "detectune.exporters.export",
    "Features": "detectune.features.feature_file",
    "ImageClassifier": "detectune.features.image_classifier",
    # What a detector takes and gives.
    "Inputs": "detectune.structures",
    "GroundTruth": "detectune.structures",
    "Predictions": "detectune.structures",
    "PaddedDetections": "detectune.structures",
    # What is raised.
    "DetectuneError": "detectune.errors",
    "ConfigError": "detectune.errors",
    "DataError": "detectune.errors",
    "PredictionError": "detectune.errors",
    "CheckpointError": "detectune.errors",
    "ZooError": "detectune.errors",
    "WriteError": "detectune.errors",
    "TrainingError": "detectune.errors",
    "ExportError": "detectune.errors",
}

__version__ = "0.1.0"

# Written out, not made from _HOMES: type checkers read it. A test compares the two.
__all__ = [
    "CheckpointError",
    "ConfigError",
    "DataError",
    "Detector",
    "DetectuneError",
    "ExportError",
    "Exported",
    "Features",
    "GroundTruth",
    "ImageClassifier",
    "ImageDetections",
    "Inputs",
    "NewConfig",
    "PaddedDetections",
    "PredictionError",
    "Predictions",
    "Predictor",
    "RestoreReport",
    "Run",
    "TrainingError",
    "WriteError",
    "ZooError",
    "__version__",
    "build_detector",
    "evaluate",
    "export",
    "extract_features",
    "fit_classifier",
    "load_config",
    "load_detector",
    "restore",
    "train",
    "write_new_config",
]

if TYPE_CHECKING:
    from detectune.checkpoints.restore import RestoreReport, restore
    from detectune.checkpoints.run_directory import Run
    from detectune.config.load import load_config
    from detectune.detectors.base import Detector
    from detectune.detectors.build import build_detector
    from detectune.errors import (
        CheckpointError,
        ConfigError,
        DataError,
        DetectuneError,
        ExportError,
        PredictionError,
        TrainingError,
        WriteError,
        ZooError,
    )
    from detectune.exporters.export import Exported, export
    from detectune.features.extract import extract_features
    from detectune.features.feature_file import Features
    from detectune.features.fit import fit_classifier
    from detectune.features.image_classifier import ImageClassifier
    from detectune.inference.evaluate_run import evaluate
    from detectune.inference.load_detector import load_detector
    from detectune.inference.predictor import Predictor
    from detectune.inference.results import ImageDetections
    from detectune.recipes.new_config_file import NewConfig, write_new_config
    from detectune.structures import GroundTruth, Inputs, PaddedDetections, Predictions
    from detectune.training.train import train


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'detectune' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
