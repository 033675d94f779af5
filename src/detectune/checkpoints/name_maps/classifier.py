"""The layers that a detector shares with a classifier, and where they stand there.

A classifier of Keras counts its layers with variables, one of TF-Slim names them:

    layer_with_weights-0                  resnet_v1_50/conv1                  backbone
    layer_with_weights-86                 resnet_v1_50/block4/…               backbone, or box
                                                                              features of regions
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from keras.layers import Layer

from detectune.backbones.base import Backbone
from detectune.checkpoints.name_maps.ssd import backbone_layers, taken_apart
from detectune.checkpoints.name_maps.tf1_ssd import own_scope
from detectune.detectors.fast_rcnn import FastRCNN
from detectune.detectors.faster_rcnn import FasterRCNN
from detectune.detectors.ssd import SSD


class ClassifierLayer(NamedTuple):
    """A layer of a detector that a classifier has too."""

    layer: Layer
    place: int
    """Its number among the layers with variables."""
    scope: str
    """Its variable scope in TF-Slim; empty if TF-Slim did not have the network."""
    used: bool
    """Whether the detector computes it."""


def layers_of_ssd(detector: SSD) -> Iterator[ClassifierLayer]:
    """The backbone."""
    return _layers(detector.backbone, None)


def layers_of_two_stages(detector: FasterRCNN | FastRCNN) -> Iterator[ClassifierLayer]:
    """The backbone, and the rest of it where the second stage goes on with it."""
    return _layers(detector.backbone, None if detector.neck else detector.box_features)


def _layers(backbone: Backbone, box_features: Layer | None) -> Iterator[ClassifierLayer]:
    unused = {id(layer) for layer in taken_apart(backbone.unused)}
    layers = list(enumerate(backbone_layers(backbone)))
    if box_features is not None:
        rest = [layer for layer in taken_apart(box_features.layers) if layer.weights]
        layers += enumerate(rest, start=len(layers) - len(unused))
    for place, layer in layers:
        yield ClassifierLayer(layer, place, _scope(backbone, layer), id(layer) not in unused)


def _scope(backbone: Backbone, layer: Layer) -> str:
    form = backbone.tf1
    return own_scope(f"{form.scope}/{form.scope_of(layer.name)}", layer) if form else ""
