"""The layers that a detector shares with a classifier, and where they stand there.

A classifier of Keras counts its layers with variables, one of TF-Slim names them:

    layer_with_weights-0                  resnet_v1_50/conv1                  backbone
    layer_with_weights-86                 resnet_v1_50/block4/…               backbone, or box
                                                                              features of regions
"""

from __future__ import annotations

from collections.abc import Iterator

from keras.layers import Layer

from detectune.backbones.base import Backbone
from detectune.checkpoints.name_maps.base import ClassifierLayer
from detectune.checkpoints.name_maps.networks import backbone_layers, taken_apart
from detectune.checkpoints.name_maps.slim import own_scope
from detectune.detectors.fast_rcnn import FastRCNN
from detectune.detectors.faster_rcnn import FasterRCNN
from detectune.detectors.ssd import SSD


def layers_of_ssd(detector: SSD) -> Iterator[ClassifierLayer]:
    """The backbone."""
    return layers_of_backbone(detector.backbone)


def layers_of_two_stages(detector: FasterRCNN | FastRCNN) -> Iterator[ClassifierLayer]:
    """The backbone, and the rest of it where the second stage goes on with it."""
    rest = None if detector.neck else detector.box_features
    return layers_of_backbone(detector.backbone, rest)


def layers_of_backbone(
    backbone: Backbone, box_features: Layer | None = None
) -> Iterator[ClassifierLayer]:
    """The layers of a backbone, and of the box features that are the rest of its network."""
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
