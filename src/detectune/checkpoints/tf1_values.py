"""Checkpoints of TensorFlow 1, whose keys are variable names: which value goes where.

FeatureExtractor/MobilenetV2/Conv/weights              a detector of the original
FirstStageFeatureExtractor/resnet_v1_50/…              one of two stages
MobilenetV2/Conv/weights                               a classifier of TF-Slim
…/weights/RMSProp, …/ExponentialMovingAverage          not weights of a network: set aside
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from detectune.checkpoints.keys import ROOT, SUFFIX, VariableKey

_AVERAGE = "/ExponentialMovingAverage"
_SLOTS = (
    "RMSProp", "RMSProp_1", "RMSProp_2", "Momentum", "Adam", "Adam_1", "Adagrad", "Adadelta",
    "Adadelta_1", "Ftrl", "Ftrl_1",
)  # fmt: skip
_COUNTERS = ("global_step", "beta1_power", "beta2_power", "learning_rate")
# Parity: scripts for quantization-aware training put the ranges of activations beside weights.
_QUANTIZATION = ("act_quant", "weights_quant")


@dataclass
class Tf1Values:
    """The content of a checkpoint of TensorFlow 1, under our keys."""

    values: dict[str, np.ndarray] = field(default_factory=dict)
    """Key, with root and suffix, → value. What has no place keeps its own name as its key."""
    set_aside: list[str] = field(default_factory=list)
    """What is no weight of a network: slots of optimizers, counters, averages."""
    averages_used: list[str] = field(default_factory=list)
    """Variables that the checkpoint holds as a moving average only."""


def is_name_based(keys: Iterable[str]) -> bool:
    """Whether a checkpoint with these `keys` is one of TensorFlow 1."""
    keys = list(keys)
    return bool(keys) and not any(key.endswith(SUFFIX) for key in keys)


def tf1_values(values: Mapping[str, np.ndarray], rows: Iterable[VariableKey]) -> Tf1Values:
    """`values` of a detector or of a classifier, by the keys of `rows`."""
    rows = list(rows)
    scopes = {row.tf1_name.partition("/")[0] for row in rows if row.in_extractor and row.tf1_name}
    places = _places(rows, of_detector=any(name.partition("/")[0] in scopes for name in values))
    found = Tf1Values()
    for name, value in values.items():
        if reason_to_set_aside(name, values):
            found.set_aside.append(name)
            continue
        plain = name.removesuffix(_AVERAGE)
        if plain != name:
            found.averages_used.append(plain)
        for key in places.get(plain) or [f"{ROOT}{plain}{SUFFIX}"]:
            found.values[key] = value
    return found


def _places(rows: Iterable[VariableKey], *, of_detector: bool) -> dict[str, list[str]]:
    """Name in a detector, or in a classifier → keys of the variables that take the value.

    Both stages of a detector may have the same layers of a classifier.
    """
    places = defaultdict(list)
    for row in rows:
        in_classifier = row.in_classifier.tf1_name if row.in_classifier else ""
        if name := row.tf1_name if of_detector else in_classifier:
            places[name].append(row.key)
    return places


def reason_to_set_aside(name: str, values: Mapping[str, np.ndarray]) -> str:
    """Why the variable `name` is no weight of a network; empty if it is one.

    Parity: unless its config says otherwise the original restores the variables themselves, not
    their moving averages.
    """
    parts = name.split("/")
    if name.endswith(_AVERAGE):
        return "a moving average" if name.removesuffix(_AVERAGE) in values else ""
    if parts[-1] in _COUNTERS:
        return "a counter"
    if parts[-1] in _SLOTS:
        return "a slot of an optimizer"
    if any(part in _QUANTIZATION for part in parts):
        return "a range of quantization-aware training"
    return ""
