"""Feature extractors of two-stage detectors: layer → key in a zoo checkpoint, and original name.

_feature_extractor_for_proposal_features/layer_with_weights-N                   trunk
_feature_extractor_for_proposal_features/classification_backbone/…              under a pyramid
_feature_extractor_for_proposal_features/fpn_features_generator/…               pyramid
_feature_extractor_for_box_classifier_features/layer_with_weights-N             box head
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from keras.layers import Layer

from detectune.backbones.base import Backbone
from detectune.checkpoints.name_maps.fpn import pyramid_layers
from detectune.checkpoints.name_maps.layer_key import LayerKey
from detectune.checkpoints.name_maps.networks import backbone_layers, taken_apart
from detectune.necks.fpn import FeaturePyramid

FIRST_STAGE = "_feature_extractor_for_proposal_features"
SECOND_STAGE = "_feature_extractor_for_box_classifier_features"
# What Keras called the original's class for a network with a pyramid.
_PYRAMID_NAME = "private__resnet_fpn"


class HasRegionFeatures(Protocol):
    """A detector with the parts of `detectors.builders.region_features.RegionFeatures`."""

    backbone: Backbone
    neck: Layer | None

    @property
    def box_features(self) -> Layer | None: ...


def region_feature_layers(detector: HasRegionFeatures) -> Iterator[LayerKey]:
    """Every layer of the three parts that has variables."""
    for row in _all_layers(detector):
        if row.layer.weights:
            yield row


def _all_layers(detector: HasRegionFeatures) -> Iterator[LayerKey]:
    backbone, neck = detector.backbone, detector.neck
    root = FIRST_STAGE if neck is None else f"{FIRST_STAGE}/{backbone.checkpoint_part}"
    yield from _counted(root, backbone_layers(backbone))
    if isinstance(neck, FeaturePyramid):
        for key, name, layer in pyramid_layers(neck, backbone.original, f"{FIRST_STAGE}/"):
            yield LayerKey(key, f"{_PYRAMID_NAME}/{name}", layer)
    if detector.box_features is not None:
        layers = taken_apart(detector.box_features.layers)
        yield from _counted(SECOND_STAGE, [layer for layer in layers if layer.weights])


def _counted(root: str, layers: list[Layer]) -> Iterator[LayerKey]:
    for index, layer in enumerate(layers):
        yield LayerKey(f"{root}/layer_with_weights-{index}", layer.name, layer)
