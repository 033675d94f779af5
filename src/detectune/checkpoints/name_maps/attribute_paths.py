"""The name map of a detector that has none of its own: paths through its attributes.

    self.backbone = keras.Model(...)         backbone/0/kernel       0: first layer with variables
    self.towers = [[Conv2D(...)], ...]       towers/0/0/kernel
    self.heads = {"boxes": Dense(4)}         heads/boxes/kernel
    self.scale = self.add_weight(...)        scale

Layers of a functional or sequential network have no attributes and are counted. Names of Keras
are not used, because Keras numbers them on from one model to the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import keras
from keras.layers import Layer

from detectune.checkpoints.name_maps.layer_key import LayerKey, own_variables

# Where Keras, and the libraries it runs on, keep layers and variables for themselves.
_OF_KERAS = re.compile(
    "_layers|_operations|_operations_by_depth|_functional|_nodes|_tracker|"
    "_trainable_variables|_non_trainable_variables|_torch_params|_modules|_parameters|_self_.*|extra_losses"
)
_NUMBERED = re.compile(r"variable(_\d+)?")


def attribute_layers(detector: Layer) -> Iterator[LayerKey]:
    """Every layer of `detector` that has variables of its own, once, in the order of attributes.

    A layer that is reached on two paths has the first; an attribute comes before a list. What
    serves the training alone (`Detector.extra_losses`) is none of them.
    """
    extra = getattr(detector, "extra_losses", None)
    seen = set[int]() if extra is None else {id(layer) for layer in extra._flatten_layers()}
    for path, layer in _walk("", detector):
        if id(layer) not in seen:
            seen.add(id(layer))
            if own_variables(layer):
                yield LayerKey(path, path, layer)


def attribute_of(layer: Layer, variable: keras.Variable) -> str:
    """The name of `variable` in `layer`: its attribute if nobody gave it a name.

    Keras numbers variables without a name on from one layer to the next.
    """
    if _NUMBERED.fullmatch(variable.name):
        for path, found in _held(layer):
            if found is variable:
                return path
    return variable.name


def _walk(path: str, layer: Layer) -> Iterator[tuple[str, Layer]]:
    yield path, layer
    for name, child in _children(layer):
        yield from _walk(f"{path}/{name}" if path else name, child)


def _children(layer: Layer) -> Iterator[tuple[str, Layer]]:
    """The layers that `layer` holds itself, each with its name there."""
    names: dict[int, str] = {}
    for path, found in _held(layer):
        if isinstance(found, Layer):
            names.setdefault(id(found), path)
    held = layer._flatten_layers(include_self=False, recursive=False)
    for place, child in enumerate(child for child in held if child.weights):
        yield names.get(id(child), str(place)), child


def _held(layer: Layer) -> Iterator[tuple[str, Any]]:
    """What the attributes of `layer` hold, each with its path: themselves first, then in lists."""
    attributes = {
        name: value
        # PyTorch keeps those that are layers apart from the others, hence the order above.
        for name, value in {**vars(layer), **vars(layer).get("_modules", {})}.items()
        if not _OF_KERAS.fullmatch(name)
    }
    containers = {n: v for n, v in attributes.items() if isinstance(v, Mapping | list | tuple)}
    yield from ((n, v) for n, v in attributes.items() if n not in containers)
    for name, value in containers.items():
        yield from _leaves(name, value)


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What is in lists and mappings below `path`, each with its path."""
    if isinstance(value, Mapping):
        items = [(str(key).replace("/", "."), inner) for key, inner in value.items()]
    elif isinstance(value, list | tuple):
        items = [(str(index), inner) for index, inner in enumerate(value)]
    else:
        yield path, value
        return
    for name, inner in items:
        yield from _leaves(f"{path}/{name}", inner)
