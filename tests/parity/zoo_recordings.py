"""Models of the zoo as they were recorded: their weights and their keys."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
from keras.layers import Dropout
from shared import shared_folder

from detectune.checkpoints.files import read_checkpoint, write_checkpoint
from detectune.checkpoints.keys import variable_keys
from detectune.detectors.base import Detector

from .recordings import recipe_weight


def assign_recipe(detector: Detector) -> None:
    """Give the detector the weights of the recordings, and none of the randomness of training."""
    for row in variable_keys(detector):
        row.variable.assign(recipe_weight(row.key, tuple(row.variable.shape)))
    for layer in detector._flatten_layers():
        if isinstance(layer, Dropout):
            layer.rate = 0.0


def check_keys(name: str, detector: Detector, folder: Path) -> None:
    """What `detector` writes has the recorded keys, shapes and names of the archive `name`."""
    with gzip.open(shared_folder() / "oracle" / "zoo_keys" / f"{name}.json.gz") as file:
        rows = json.load(file)["keys"]
    keys = {row["key"]: tuple(row["shape"]) for row in rows if row["dtype"] != "string"}
    ours = variable_keys(detector)
    write_checkpoint(folder / "ckpt-0", {row.key: np.asarray(row.variable) for row in ours})
    written = {key: value.shape for key, value in read_checkpoint(str(folder / "ckpt-0")).items()}
    assert written == keys
    names = {row["key"]: row["full_name"] for row in rows}
    assert {row.key: row.original_name for row in ours} == {row.key: names[row.key] for row in ours}
