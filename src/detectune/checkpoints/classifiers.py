"""A classifier's checkpoint → the backbone of a detector.

A classification archive of the zoo holds a whole Keras model,

    ROOT/layer_with_weights-N/VARIABLE      N counts the layers that have variables

with the classifier's own layers last. What ROOT was called depends on the script that saved it, and
there may be a `layer-N` in its place, where N counts layers without variables too: the order is
what identifies a layer.
Parity: restore_from_objects of the original, which restores `feature_extractor=<Keras model>`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np

_LAYER = re.compile(r"(.*?)(?:layer_with_weights|layer)-(\d+)/([^/]+)")
# Objects that a training saves beside the model.
_BESIDE = re.compile(r"optimizer/.*|save_counter|step|global_step")


def backbone_values(
    checkpoint: Mapping[str, np.ndarray], backbone: Mapping[str, tuple[int, str]]
) -> dict[str, np.ndarray]:
    """The variables of a classifier by the paths of a backbone.

    Args:
        checkpoint: path → value, everything in the checkpoint.
        backbone: path of each of the backbone's variables → number of its layer among those with
            variables, and name below the layer. Several may be the same in the classifier.

    Returns:
        Path → value. What has no place in the backbone keeps its own path.
    """
    places = defaultdict(list)
    for path, place in backbone.items():
        places[place].append(path)
    found = {}
    names = _layers_in_order(checkpoint)
    for path, value in checkpoint.items():
        if not _BESIDE.fullmatch(path):
            for own_path in places.get(names.get(path, (-1, "")), [path]):
                found[own_path] = value
    return found


def _layers_in_order(paths: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Path → (place of the layer among those with variables, variable), in the largest model."""
    models: dict[str, dict[str, tuple[int, str]]] = defaultdict(dict)
    for path in paths:
        root, *inner = re.split(r"(?=(?:layer_with_weights|layer)-\d+/)", path)
        match = _LAYER.fullmatch(inner[-1]) if inner else None
        if match:
            models[root + "".join(inner[:-1])][path] = int(match[2]), match[3]
    layers = max(models.values(), key=len, default={})
    places = {number: place for place, number in enumerate(sorted({n for n, _ in layers.values()}))}
    return {path: (places[number], variable) for path, (number, variable) in layers.items()}
