"""Which array belongs to which layer, in the two layouts of Keras.

    model_weights/LAYER/…/kernel:0           the older one: names of layers, and of what is in them,
                                             stand in the order of the network
    layers/conv2d_3/vars/0                   that of Keras 3: the fourth layer of this class

Either way a model may stand in another, as a tutorial's classifier stands on a network without its
top. The one with the most layers is the network; what stands beside it is left over.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import h5py
import numpy as np

from detectune.checkpoints.keras_files.hdf5 import (
    Unsafe,
    group_at,
    names_attribute,
    parent,
    read_array,
    text_attribute,
)
from detectune.wording import one_line

_NUMBER = re.compile(r"(.*?)(?:_(\d+))?")
# In which groups Keras 3 keeps the layers of a model; the second is that of its first releases.
_CONTAINERS = ("layers", "_layer_checkpoint_dependencies")
_BESIDE = ("optimizer", "optimizer_weights", "top_level_model_weights")
# What Keras calls variables, and what its oldest releases called them: `conv1_W_1:0`.
_KINDS = {
    "kernel": "kernel", "bias": "bias", "gamma": "gamma", "beta": "beta",
    "moving_mean": "moving_mean", "moving_variance": "moving_variance",
    "depthwise_kernel": "depthwise_kernel", "pointwise_kernel": "pointwise_kernel",
    "mean": "mean", "variance": "variance", "count": "count",
    "running_mean": "moving_mean", "running_std": "moving_variance", "W": "kernel", "b": "bias",
}  # fmt: skip


@dataclass
class KerasLayer:
    """A layer that has weights."""

    name: str
    """Empty if the file does not say."""
    class_name: str
    """As Keras writes it in paths: "batch_normalization"; empty if the file does not say."""
    number: int
    """Its place among the layers of its class, or among all if there is no class."""
    is_named: bool = True
    """Whether the file says the name; in the layout of Keras 3 it may be made of the path."""
    variables: list[tuple[str, np.ndarray]] = field(default_factory=list)
    """(kind, value) in the order of the file; the kind is empty where it does not say."""

    @property
    def is_normalization(self) -> bool:
        """Whether it is the layer that brings pixels to mean 0: mean, variance and a counter."""
        shapes = [value.shape for _, value in self.variables]
        return len(shapes) == 3 and shapes[2] == () and shapes[0] == shapes[1]


def older_layers(
    root: h5py.Group, arrays: Mapping[str, h5py.Dataset], orders: Mapping[str, Sequence[str]]
) -> list[list[KerasLayer]]:
    """The layers of each model in a file of the older layout, the outermost first.

    Args:
        root: the group that has `layer_names`.
        arrays: path below `root` → array.
        orders: name of a nested model → names of its layers in order, as far as that is known.
    """
    outer: list[KerasLayer] = []
    models = [outer]
    for name in names_attribute(root, "layer_names"):
        weights = names_attribute(group_at(root, name), "weight_names")
        parts = _parts(name, weights, arrays)
        if len(parts) > 1:
            models.append(_in_order(parts, orders.get(name, ())))
        else:
            outer += parts
    for layers in models:
        for number, layer in enumerate(layers):
            layer.number = number
    return models


def _in_order(layers: list[KerasLayer], names: Sequence[str]) -> list[KerasLayer]:
    """`layers` as the description of the model has them; as they are where it says nothing.

    Of a model that was frozen in part, Keras writes what is trained before the rest.
    """
    places = {name: place for place, name in enumerate(names)}

    def place(layer: KerasLayer) -> int:
        return places.get(layer.name, places.get(layer.name.rpartition("/")[2], len(places)))

    return sorted(layers, key=place)


def _parts(
    name: str, weights: Sequence[str], arrays: Mapping[str, h5py.Dataset]
) -> list[KerasLayer]:
    """A layer, or the layers of a model that stands in its place; empty without weights."""
    found: dict[str, KerasLayer] = {}
    for weight in weights:
        path = f"{name}/{weight}"
        if path not in arrays:
            raise Unsafe(f'"{one_line(path)[:80]}" is named, but not there')
        inner, kind = _older_names(weight)
        layer = found.setdefault(inner, KerasLayer(inner, "", 0))
        layer.variables.append((kind, read_array(path, arrays[path])))
    if len(found) == 1:
        next(iter(found.values())).name = name
    return list(found.values())


def _older_names(weight: str) -> tuple[str, str]:
    """The layer and the kind of `conv1/kernel:0`, or of the old `block1_conv1_W_1:0`."""
    layer, _, last = weight.partition(":")[0].rpartition("/")
    if layer:
        return layer, _KINDS.get(last, "")
    match = re.fullmatch(r"(.+?)_(W|b|gamma|beta|running_mean|running_std)(?:_\d+)?", last)
    return (match[1], _KINDS[match[2]]) if match else (last, "")


def layers_by_class(file: h5py.File, arrays: Mapping[str, h5py.Dataset]) -> list[list[KerasLayer]]:
    """The layers of each model in a file of Keras 3, the outermost first."""
    groups: dict[str, list[str]] = defaultdict(list)
    for path in arrays:
        if path.partition("/")[0] not in _BESIDE and parent(path).endswith("/vars"):
            groups[parent(parent(path))].append(path)
    models: dict[str, list[KerasLayer]] = defaultdict(list)
    for place, paths in groups.items():
        container, _, own = place.rpartition("/")
        if container.rpartition("/")[2] in _CONTAINERS:
            models[container].append(_layer(file, place, own, paths, arrays))
    return [sorted(models[key], key=_by_class) for key in sorted(models, key=len)]


def _layer(
    file: h5py.File,
    place: str,
    own: str,
    paths: Sequence[str],
    arrays: Mapping[str, h5py.Dataset],
) -> KerasLayer:
    match = _NUMBER.fullmatch(own)
    assert match is not None  # it matches everything
    numbered = sorted(paths, key=_as_number)
    name = text_attribute(group_at(file, f"{place}/vars"), "name")
    return KerasLayer(
        name=name or own,
        is_named=bool(name),
        class_name=match[1],
        number=int(match[2] or 0) if len(match[2] or "") < 9 else 0,
        variables=[("", read_array(path, arrays[path])) for path in numbered],
    )


def _as_number(path: str) -> tuple[int, str]:
    last = path.rpartition("/")[2]
    return (int(last) if last.isascii() and last.isdigit() and len(last) < 9 else -1), last


def _by_class(layer: KerasLayer) -> tuple[str, int]:
    return layer.class_name, layer.number
