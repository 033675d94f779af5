"""Which key of a checkpoint belongs to which variable of a detector."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from keras.layers import DepthwiseConv2D, Layer

from detectune.checkpoints.name_maps.attribute_paths import attribute_of
from detectune.checkpoints.name_maps.base import ClassOutputs, NameMap
from detectune.checkpoints.name_maps.layer_key import own_variables
from detectune.checkpoints.name_maps.slim import variable_name
from detectune.detectors.base import Detector
from detectune.errors import CheckpointError, three_part
from detectune.registry import name_maps

SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
ROOT = "model/"


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
    scoped_name: str = ""
    """`original_name` below the scope that the original built this part in; empty without one."""
    in_extractor: bool = False
    """Whether it is one of the feature extractor's."""
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
        CheckpointError: the name map of the class leaves a variable out, which is a defect.
    """
    name_map: NameMap = name_maps[type(detector)]
    tf1_names, in_classifier = _tf1_names(name_map, detector), _in_classifier(name_map, detector)
    classes = {id(row.layer): row for row in name_map.class_outputs(detector)}
    found = []
    for key, name, layer in name_map.layers(detector):
        for variable in own_variables(layer):
            kind, place = _kind(layer, variable), id(variable)
            path = f"{key}/{kind}" if key else kind
            original_name = f"{name}/{kind}" if name else kind
            found.append(
                VariableKey(
                    key=f"{ROOT}{path}{SUFFIX}",
                    original_name=original_name,
                    variable=variable,
                    tf1_name=tf1_names.get(place, ""),
                    scoped_name=name_map.scoped(path, original_name),
                    in_extractor=path.startswith(name_map.extractor),
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
    return attribute_of(layer, variable)


def _tf1_names(name_map: NameMap, detector: Detector) -> dict[int, str]:
    """`id` of a variable → its name on TensorFlow 1."""
    return {
        id(variable): f"{scope}/{variable_name(layer, variable.name)}"
        for scope, layer in name_map.tf1_scopes(detector)
        for variable in layer.weights
    }


def _in_classifier(name_map: NameMap, detector: Detector) -> dict[int, ClassifierKey]:
    """`id` of a variable → where a classifier has it."""
    found = {}
    for layer, place, scope, used in name_map.classifier_layers(detector):
        for variable in own_variables(layer):
            name = f"{scope}/{variable_name(layer, variable.name)}" if scope else ""
            found[id(variable)] = ClassifierKey(place, _kind(layer, variable), name, used)
    return found


def _check_complete(detector: Detector, found: list[VariableKey]) -> None:
    named = {id(row.variable) for row in found}
    missing = [v.path for v in _model_variables(detector) if id(v) not in named]
    counts = Counter(row.key for row in found)
    doubled = [row.path for row in found if counts[row.key] > 1]
    if missing or doubled:
        wrong = f"no key for {missing[:5]}" if missing else f"several variables for {doubled[:5]}"
        raise CheckpointError(
            three_part(
                f"{type(detector).__name__}: its name map has {wrong}.",
                "Every variable of a detector has exactly one key.",
                "Correct what is registered for the class in detectune.registry.name_maps; if it "
                "is detectune's, please report it with the pipeline.config.",
            )
        )


def _model_variables(detector: Detector) -> list[Any]:
    """Variables of the network: not those of optimizer, metrics and dropout seeds, nor of what
    serves the training alone."""
    extra = detector.extra_losses
    others = set() if extra is None else {id(variable) for variable in extra.weights}
    return [v for v in detector.weights if "seed" not in v.path and id(v) not in others]
