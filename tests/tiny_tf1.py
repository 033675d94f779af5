"""Checkpoints as TensorFlow 1 wrote them: keys are variable names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from detectune.checkpoints.keys import variable_keys
from detectune.detectors.base import Detector


def variables_of(detector: Detector, seed: int) -> dict[str, np.ndarray]:
    """Name in TensorFlow 1 → random values, for every variable of `detector`."""
    random = np.random.default_rng(seed)
    return {
        row.tf1_name: random.uniform(0.1, 1, row.variable.shape).astype(np.float32)
        for row in variable_keys(detector)
    }


def write_tf1_checkpoint(prefix: Path, values: Mapping[str, np.ndarray]) -> None:
    """`values` in the two files of a name-based checkpoint."""
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(values),
        shape_and_slices=[""] * len(values),
        tensors=list(values.values()),
    )
