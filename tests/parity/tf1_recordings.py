"""Models of TensorFlow 1 as they were recorded, rebuilt from an old checkpoint."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
from shared import shared_folder
from tiny_tf1 import write_tf1_checkpoint

from detectune.checkpoints.restore import restore
from detectune.config.load import load_config
from detectune.detectors.build import build_detector

from .recordings import tf1_recipe_weight


def recorded_folder() -> Path:
    return shared_folder() / "oracle" / "tf1"


def recipe_values(file: Path) -> dict[str, np.ndarray]:
    """Variable name → value, of all variables whose names and shapes were recorded in `file`."""
    with gzip.open(file) as stream:
        rows = json.load(stream)["keys"]
    return {row["key"]: tf1_recipe_weight(row["key"], tuple(row["shape"])) for row in rows}


def restored(name: str, folder: Path):
    """Config, detector and restore report of the recorded model `name`, and its variables."""
    recorded = recorded_folder()
    values = recipe_values(recorded / f"{name}.keys.json.gz")
    write_tf1_checkpoint(folder / "model.ckpt-7", values)
    config = load_config(recorded / f"{name}.config")
    detector = build_detector(config.model)
    return config, detector, restore(detector, folder / "model.ckpt-7"), values
