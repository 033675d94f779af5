"""Which key of a checkpoint belongs to which variable of a detector."""

from __future__ import annotations

from typing import Any, NamedTuple

from keras.layers import DepthwiseConv2D, Layer

from detectune.checkpoints.name_maps import class_outputs
from detectune.checkpoints.name_maps import classifier as classifier_names
from detectune.checkpoints.name_maps import faster_rcnn as faster_rcnn_names
from detectune.checkpoints.name_maps import ssd as ssd_names
from detectune.checkpoints.name_maps import tf1_faster_rcnn as tf1_faster_rcnn_names
from detectune.checkpoints.name_maps import tf1_ssd as tf1_ssd_names
from detectune.checkpoints.name_maps.class_outputs import ClassOutputs
from detectune.detectors.base import Detector
from detectune.detectors.fast_rcnn import FastRCNN
from detectune.detectors.faster_rcnn import FasterRCNN
from detectune.detectors.ssd import SSD
from detectune.errors import CheckpointError, three_part

SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
ROOT = "model/"

# Detector class → its table of layers.
_TABLES = {
    SSD: ssd_names.layer_keys,
    FasterRCNN: faster_rcnn_names.layer_keys,
    FastRCNN: faster_rcnn_names.layer_keys,
}
# The same for the variable scopes of TensorFlow 1, as far as there were any.
_TF1_TABLES = {
    SSD: tf1_ssd_names.layer_scopes,
    FasterRCNN: tf1_faster_rcnn_names.layer_scopes,
    FastRCNN: tf1_faster_rcnn_names.layer_scopes,
}
# Detector class → the layers that classifiers have too.
_CLASSIFIER_TABLES = {
    SSD: classifier_names.layers_of_ssd,
    FasterRCNN: classifier_names.layers_of_two_stages,
    FastRCNN: classifier_names.layers_of_two_stages,
}
# Detector class → the layers with outputs of their own for every class.
_CLASS_TABLES = {
    SSD: class_outputs.class_outputs_of_ssd,
    FasterRCNN: class_outputs.class_outputs_of_two_stages,
    FastRCNN: class_outputs.class_outputs_of_two_stages,
}


class ClassifierKey(NamedTuple):
    """Where a variable of a detector stands in a classifier."""

    place: int
    """Number of its layer among those that have variables."""
    kind: str
    """Its name below the layer."""
    tf1_name: str
    """Variable name in TF-Slim; empty if TF-Slim did not have the network."""
    used: bool
    """Whether the detector computes its layer."""


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
    in_classifier: ClassifierKey | None = None
    """The same variable in a classifier, if it is one of the backbone's."""
    classes: ClassOutputs | None = None
    """How its last axis is made of classes, if it is."""

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
    tf1_names, in_classifier = _tf1_names(detector), _in_classifier(detector)
    classes = {id(row.layer): row for row in _CLASS_TABLES[type(detector)](detector)}
    for key, name, layer in _TABLES[type(detector)](detector):
        for variable in layer.weights:
            kind, place = _kind(layer, variable), id(variable)
            found.append(
                VariableKey(
                    key=f"{ROOT}{key}/{kind}{SUFFIX}",
                    original_name=f"{name}/{kind}",
                    variable=variable,
                    tf1_name=tf1_names.get(place, ""),
                    in_classifier=in_classifier.get(place),
                    classes=None if kind == "depthwise_kernel" else classes.get(id(layer)),
                )
            )
    _check_complete(detector, found)
    return found


def _kind(layer: Layer, variable: Any) -> str:
    """The last part of a key."""
    if isinstance(layer, DepthwiseConv2D) and variable.name == "kernel":
        return "depthwise_kernel"  # its name before Keras 3
    return variable.name


def _tf1_names(detector: Detector) -> dict[int, str]:
    """`id` of a variable → its name on TensorFlow 1."""
    return {
        id(variable): f"{scope}/{tf1_ssd_names.variable_name(layer, variable.name)}"
        for scope, layer in _TF1_TABLES.get(type(detector), lambda _: ())(detector)
        for variable in layer.weights
    }


def _in_classifier(detector: Detector) -> dict[int, ClassifierKey]:
    """`id` of a variable → where a classifier has it."""
    found = {}
    for layer, place, scope, used in _CLASSIFIER_TABLES[type(detector)](detector):
        for variable in layer.weights:
            name = f"{scope}/{tf1_ssd_names.variable_name(layer, variable.name)}" if scope else ""
            found[id(variable)] = ClassifierKey(place, _kind(layer, variable), name, used)
    return found


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
