"""Weights of a classifier of Keras → the variables of a detector's backbone.

A file of the older layout names its layers in the order of the network: the n-th belongs to the
n-th layer of the backbone. One of Keras 3 counts the layers of each class: the n-th convolution
belongs to the n-th convolution. Where a network has small models inside, names tell. What is behind
the backbone, such as the classifier, is left over.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import keras
import numpy as np
from keras.layers import Layer

from detectune.checkpoints.keras_files.layouts import KerasLayer
from detectune.checkpoints.keras_files.reading import KerasWeights
from detectune.checkpoints.keys import VariableKey
from detectune.checkpoints.name_maps.base import ClassifierLayer
from detectune.detectors.base import Detector
from detectune.registry import name_maps

# What Keras 3 calls the classes in paths. Ours are derived from them.
_CLASSES = {
    keras.layers.DepthwiseConv2D: "depthwise_conv2d",
    keras.layers.SeparableConv2D: "separable_conv2d",
    keras.layers.Conv2D: "conv2d",
    keras.layers.BatchNormalization: "batch_normalization",
    keras.layers.Dense: "dense",
}
_BETWEEN_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=.)(?=[A-Z][a-z])")
# The variables of a layer of which there are more than the backbone has, in Keras's order.
_USUAL = {
    "conv2d": ("kernel", "bias"),
    "dense": ("kernel", "bias"),
    "depthwise_conv2d": ("depthwise_kernel", "bias"),
    "batch_normalization": ("gamma", "beta", "moving_mean", "moving_variance"),
}


@dataclass
class _Target:
    """A layer of the backbone: where its variables go."""

    name: str
    class_name: str
    used: bool
    paths: dict[str, list[str]] = field(default_factory=dict)
    """Kind of a variable → keys; several where both stages have the layer."""


@dataclass
class KerasValues:
    """Values by the keys of a detector."""

    values: dict[str, np.ndarray] = field(default_factory=dict)
    """Key without root and suffix → value. What has no place has the name of its layer."""
    surplus: list[str] = field(default_factory=list)
    """Variables of layers of the backbone that have no place in it, such as biases."""


def classifier_values(
    weights: KerasWeights, detector: Detector, rows: Sequence[VariableKey]
) -> KerasValues:
    """`weights` by the keys of `rows`."""
    return _values(weights, _targets(detector, rows))


def network_values(weights: KerasWeights, layers: Iterable[Layer]) -> KerasValues:
    """`weights` by `variable_path` of the variables of `layers`, the whole network in its order."""
    targets = [
        _Target(
            layer.name,
            class_name_of(layer),
            used=True,
            paths={
                _kind(layer, one.name): [variable_path(layer, one.name)] for one in layer.weights
            },
        )
        for layer in layers
    ]
    return _values(weights, targets)


def variable_path(layer: Layer, kind: str) -> str:
    """What `network_values` calls a variable; no variable that is left over is called so."""
    return f"@{layer.name}/{kind}"


def _kind(layer: Layer, name: str) -> str:
    """What files call the variable `name` of `layer`."""
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    return "depthwise_kernel" if depthwise and name == "kernel" else name


def _values(weights: KerasWeights, targets: Sequence[_Target]) -> KerasValues:
    places = _places(targets)
    by_class = any(layer.class_name for layer in weights.network)
    layers = weights.network
    if not any(target.class_name == "normalization" for target in targets):
        layers = [layer for layer in layers if not layer.is_normalization]
    found = KerasValues()
    by_name = _by_name(weights, targets)
    if by_name:
        for layer in (layer for layers in weights.models for layer in layers):
            _assign(layer, by_name.get(layer.name), found)
        return found
    for number, layer in enumerate(layers):
        # Ours, of a network that was saved from here.
        class_name = layer.class_name.removeprefix("freezable_")
        place = (class_name, layer.number) if by_class else ("", number)
        _assign(layer, places.get(place), found)
    for layer in weights.beside:
        _assign(layer, None, found)
    return found


def _by_name(weights: KerasWeights, targets: Sequence[_Target]) -> dict[str, _Target]:
    """Name in the file → layer, for a network with small models inside, as ConvNeXt has.

    Such layers are counted apart in a file, so names tell. A layer without a name of its own, whose
    name in the file is another, must be the only one of its class. Empty for all other networks.
    """
    used = {target.name: target for target in targets if target.used}
    layers = [layer for model in weights.models for layer in model]
    if len(weights.network) >= len(used) or not all(layer.is_named for layer in layers):
        return {}
    found = {
        layer.name: used[_without_model(layer.name)]
        for layer in layers
        if _without_model(layer.name) in used
    }
    there = {_without_model(name) for name in found}
    for target in (target for name, target in used.items() if name not in there):
        alike = [
            layer.name
            for layer in layers
            if _without_model(layer.name) not in used
            and layer.class_name in ("", target.class_name)
        ]
        if len(alike) != 1:
            return {}
        found[alike[0]] = target
    return found


def _without_model(name: str) -> str:
    """The name of a layer; some files write that of the model it is in before it."""
    return name.rpartition("/")[2]


def normalization_of(weights: KerasWeights) -> KerasLayer | None:
    """The layer of the network that brings pixels to mean 0 and deviation 1, if it has one."""
    return next((layer for layer in weights.network if layer.is_normalization), None)


def _targets(detector: Detector, rows: Iterable[VariableKey]) -> list[_Target]:
    """The layers of the backbone in their order in a classifier."""
    layers: dict[int, ClassifierLayer] = {}
    for row in name_maps[type(detector)].classifier_layers(detector):
        layers.setdefault(row.place, row)
    targets = {
        place: _Target(row.layer.name, class_name_of(row.layer), row.used)
        for place, row in sorted(layers.items())
    }
    for row in rows:
        if row.in_classifier is not None:
            target = targets[row.in_classifier.place]
            target.paths.setdefault(row.in_classifier.kind, []).append(row.path)
    return list(targets.values())


def class_name_of(layer: Layer) -> str:
    """The class of `layer` as Keras 3 writes it in the paths of a file of weights.

    What brings pixels to mean 0 is a Normalization, whatever stands in for it here.
    """
    if {variable.name for variable in layer.weights} == {"mean", "variance", "count"}:
        return "normalization"
    for kind, name in _CLASSES.items():
        if isinstance(layer, kind):
            return name
    return _BETWEEN_WORDS.sub("_", type(layer).__name__).lower()


def _places(targets: Sequence[_Target]) -> dict[tuple[str, int], _Target]:
    """(class, number among its class) and ("", number among all) → layer."""
    places, counts = {}, Counter[str]()
    for number, target in enumerate(targets):
        places["", number] = target
        places[target.class_name, counts[target.class_name]] = target
        counts[target.class_name] += 1
    return places


def _assign(layer: KerasLayer, target: _Target | None, found: KerasValues) -> None:
    kinds = list(target.paths) if target else []
    named = list(_named(layer, kinds))
    fits = {kind for kind, _ in named} & set(kinds)
    for kind, value in named:
        if target and kind in target.paths:
            found.values |= dict.fromkeys(target.paths[kind], value)
            continue
        name = f"{layer.name}/{kind}"
        found.values[name] = value
        if target and target.used and fits:
            found.surplus.append(name)


def _named(layer: KerasLayer, kinds: Sequence[str]) -> Iterator[tuple[str, np.ndarray]]:
    """The variables of `layer` with their kinds, of which the backbone has `kinds` in this order.

    Where the file does not say what they are, as many as the backbone has are the same ones.
    """
    said = [kind for kind, _ in layer.variables]
    if "depthwise_kernel" in kinds:
        said = ["depthwise_kernel" if kind == "kernel" else kind for kind in said]
    if not all(said):
        usual = _USUAL.get(layer.class_name, ())
        if len(said) == len(kinds):
            said = list(kinds)
        elif len(said) == len(usual):
            said = list(usual)
        else:
            said = [str(number) for number in range(len(said))]
    yield from zip(said, (value for _, value in layer.variables), strict=True)
