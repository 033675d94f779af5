"""One row of a name map: a layer and its key."""

from __future__ import annotations

from typing import NamedTuple

from keras.layers import Layer


class LayerKey(NamedTuple):
    """One layer with variables: where it stands, and what it was called."""

    key: str
    """Path below `model/`, without the variable's own name."""
    original_name: str
    """The layer's name in the original: what `freeze_variables` patterns were written for."""
    layer: Layer


def own_variables(layer: Layer) -> list:
    """The variables of `layer` that are not those of a layer inside it."""
    inside = {
        id(variable)
        for inner in layer._flatten_layers(include_self=False)
        for variable in inner.weights
    }
    return [variable for variable in layer.weights if id(variable) not in inside]
