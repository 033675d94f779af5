"""The name map of every detector that has none of its own: see `attribute_paths`."""

from __future__ import annotations

from collections.abc import Iterator

from keras.layers import Layer

from detectune.backbones.base import Backbone
from detectune.checkpoints.name_maps.attribute_paths import attribute_layers
from detectune.checkpoints.name_maps.base import ClassifierLayer, NameMap
from detectune.checkpoints.name_maps.classifier import layers_of_backbone
from detectune.detectors.base import Detector
from detectune.registry import name_maps


def _classifier_layers(detector: Detector) -> Iterator[ClassifierLayer]:
    """What is in the attribute `backbone`, if there is one, counted in the order of its layers."""
    backbone = getattr(detector, "backbone", None)
    if isinstance(backbone, Backbone):
        yield from layers_of_backbone(backbone)
    elif isinstance(backbone, Layer):
        for place, row in enumerate(attribute_layers(backbone)):
            yield ClassifierLayer(row.layer, place, scope="", used=True)


name_maps.register(Detector)(NameMap(classifier_layers=_classifier_layers))
