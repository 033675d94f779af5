"""What a name map says about a detector; `registry.name_maps` holds one for each class.

    LayerKey         where a layer stands in a checkpoint, and what the original called it
    (scope, layer)   its variable scope in TensorFlow 1
    ClassifierLayer  where a classifier has it
    ClassOutputs     which of its outputs belong to which class

Only the first is needed, and it has a default: paths through the detector's attributes, see
`attribute_paths.py`. The map of a class is also that of the classes derived from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from keras.layers import Layer

from detectune.checkpoints.name_maps.attribute_paths import attribute_layers
from detectune.checkpoints.name_maps.layer_key import LayerKey


class ClassifierLayer(NamedTuple):
    """A layer of a detector that a classifier has too."""

    layer: Layer
    place: int
    """Its number among the layers with variables."""
    scope: str
    """Its variable scope in TF-Slim; empty if TF-Slim did not have the network."""
    used: bool
    """Whether the detector computes it."""


class ClassOutputs(NamedTuple):
    """A layer with outputs for every class.

    All its variables that know of classes end with an axis `[… · (background + C) · code]`.
    """

    layer: Layer
    background: int = 0
    """Outputs that stand before those of the classes."""
    code_size: int = 1
    """Outputs for one class."""
    predicts_classes: bool = False
    """Whether they say which class it is, and not something about an object of this class."""


def _none(detector: Any) -> tuple[()]:
    return ()


@dataclass(frozen=True)
class NameMap:
    """What is known of the variables of one class of detectors.

    Args:
        layers: detector → every layer that has variables, with its key.
        extractor: what the paths of the feature extractor begin with. Types "detection" and
            "fine_tune" of `restore` promise these variables.
        scopes: beginning of a path → the scope that the original built this part in; the first
            that fits counts. Patterns of `freeze_variables` may begin with it.
        tf1_scopes: detector → every layer with its variable scope in TensorFlow 1; nothing if the
            network came later.
        classifier_layers: detector → its layers that a classifier has too. Type "classification"
            promises those that it computes.
        class_outputs: detector → its layers with outputs for every class. Without it no outputs
            are carried over by class name, and the class predictor is restored if its shape fits.
    """

    layers: Callable[[Any], Iterable[LayerKey]] = attribute_layers
    extractor: tuple[str, ...] = ("backbone/", "neck/")
    scopes: tuple[tuple[str, str], ...] = ()
    tf1_scopes: Callable[[Any], Iterable[tuple[str, Layer]]] = _none
    classifier_layers: Callable[[Any], Iterable[ClassifierLayer]] = _none
    class_outputs: Callable[[Any], Iterable[ClassOutputs]] = _none

    def scoped(self, path: str, original_name: str) -> str:
        """`original_name` below the scope of the part at `path`; empty if none is known."""
        for root, scope in self.scopes:
            if path.startswith(root):
                return f"{scope}/{original_name}"
        return ""
