"""Which key of a checkpoint belongs to which variable of a detector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from keras.layers import DepthwiseConv2D

from detectune.checkpoints.name_maps import faster_rcnn as faster_rcnn_names
from detectune.checkpoints.name_maps import ssd as ssd_names
from detectune.checkpoints.name_maps import tf1_faster_rcnn as tf1_faster_rcnn_names
from detectune.checkpoints.name_maps import tf1_ssd as tf1_ssd_names
from detectune.checkpoints.name_maps.tf1_ssd import Scoped
from detectune.detectors.base import Detector
from detectune.detectors.faster_rcnn import FasterRCNN
from detectune.detectors.ssd import SSD
from detectune.errors import CheckpointError, three_part

SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
ROOT = "model/"

# Detector class → its table of layers.
_TABLES = {SSD: ssd_names.layer_keys, FasterRCNN: faster_rcnn_names.layer_keys}
# The same for the variable scopes of TensorFlow 1, as far as there were any.
_TF1_TABLES = {
    SSD: tf1_ssd_names.layer_scopes,
    FasterRCNN: tf1_faster_rcnn_names.layer_scopes,
}
# The same for classifiers of TF-Slim, of the layers that there are in a classifier.
_CLASSIFIER_TABLES = {
    SSD: tf1_ssd_names.classifier_scopes,
    FasterRCNN: tf1_faster_rcnn_names.classifier_scopes,
}


class VariableKey(NamedTuple):
    """One variable: where it stands in a checkpoint, and what it was called."""

    key: str
    """Full key, from `model/` to the suffix."""
    original_name: str
    """Variable name in the original."""
    variable: Any
    """The Keras variable."""
    tf1_name: str = ""
    """Variable name in the original on TensorFlow 1; empty if the network came later."""
    classifier_name: str = ""
    """Variable name in a classifier of TF-Slim; empty if none has the variable."""

    @property
    def path(self) -> str:
        """The key without root and suffix."""
        return self.key.removeprefix(ROOT).removesuffix(SUFFIX)


def variable_keys(detector: Detector) -> list[VariableKey]:
    """Every variable of `detector`, each exactly once.

    Raises:
        CheckpointError: the name map of the family leaves a variable out, which is a defect.
    """
    found = []
    tf1_names = _tf1_names(_TF1_TABLES, detector)
    classifier_names = _tf1_names(_CLASSIFIER_TABLES, detector)
    for key, name, layer in _TABLES[type(detector)](detector):
        for variable in layer.weights:
            kind = variable.name
            if isinstance(layer, DepthwiseConv2D) and kind == "kernel":
                kind = "depthwise_kernel"  # its name before Keras 3
            names = [of.get(id(variable), "") for of in (tf1_names, classifier_names)]
            found.append(
                VariableKey(f"{ROOT}{key}/{kind}{SUFFIX}", f"{name}/{kind}", variable, *names)
            )
    _check_complete(detector, found)
    return found


def _tf1_names(tables: Mapping[type, Callable[..., Scoped]], detector: Detector) -> dict[int, str]:
    """`id` of a variable → its name on TensorFlow 1."""
    return {
        id(variable): f"{scope}/{tf1_ssd_names.variable_name(layer, variable.name)}"
        for scope, layer in tables.get(type(detector), lambda _: iter(()))(detector)
        for variable in layer.weights
    }


def _check_complete(detector: Detector, found: list[VariableKey]) -> None:
    named = {id(row.variable) for row in found}
    missing = [v.path for v in _model_variables(detector) if id(v) not in named]
    if missing or len({row.key for row in found}) != len(found):
        raise CheckpointError(
            three_part(
                f"{type(detector).__name__}: the name map has no key for {missing[:5]}.",
                "Every variable of a detector has exactly one key.",
                "This is a defect of detectune: please report it with the pipeline.config.",
            )
        )


def _model_variables(detector: Detector) -> list[Any]:
    """Variables of the network: not those of optimizer, metrics and dropout seeds."""
    return [variable for variable in detector.weights if "seed" not in variable.path]
