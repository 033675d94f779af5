"""Faster R-CNN in TensorFlow 1: layer → variable scope, as in `model.ckpt-…` and freeze patterns.

    FirstStageFeatureExtractor/resnet_v1_101/conv1/weights             trunk
    Conv/weights                                                       before the first predictor
    FirstStageBoxPredictor/ClassPredictor/weights                      which anchors hold an object
    SecondStageFeatureExtractor/resnet_v1_101/block4/…/weights         box features
    SecondStageBoxPredictor/ClassPredictor/weights                     classes, boxes and masks

A batch norm stands in the scope of its convolution, in `BatchNorm`.
"""

from __future__ import annotations

from keras.layers import Layer

from detectune.backbones.tf1 import Tf1Form
from detectune.checkpoints.name_maps.networks import backbone_layers, taken_apart
from detectune.checkpoints.name_maps.slim import Scoped, own_scope
from detectune.detectors.fast_rcnn import FastRCNN
from detectune.detectors.faster_rcnn import FasterRCNN
from detectune.detectors.region_proposal_network import RegionProposalNetwork
from detectune.detectors.roi_head import RoIHead
from detectune.heads.masks import MaskHead
from detectune.heads.position_sensitive import PositionSensitiveHead

FIRST_STAGE = "FirstStageFeatureExtractor"
SECOND_STAGE = "SecondStageFeatureExtractor"
PREDICTOR = "SecondStageBoxPredictor"


def layer_scopes(detector: FasterRCNN | FastRCNN) -> Scoped:
    """Every layer with variables and its scope; nothing if the network came after TensorFlow 1."""
    form = detector.backbone.tf1
    if form is None or form.regions is None or detector.neck is not None:
        return
    yield from _extractors(detector, form)
    if isinstance(detector, FasterRCNN):
        yield from _first_predictor(detector.rpn)
    if detector.roi_head is not None:
        yield from _second_predictor(detector.roi_head)


def _extractors(detector: FasterRCNN | FastRCNN, form: Tf1Form) -> Scoped:
    for layer in backbone_layers(detector.backbone):
        scope = f"{FIRST_STAGE}/{form.scope}/{form.scope_of(layer.name)}"
        yield own_scope(scope, layer), layer
    for layer in _box_features(detector):
        scope = f"{SECOND_STAGE}/{form.scope}/{form.box_scope_of(layer.name)}"
        yield own_scope(scope, layer), layer


def _box_features(detector: FasterRCNN | FastRCNN) -> list[Layer]:
    """The layers with variables that make features of regions."""
    if detector.box_features is None:
        return []
    return [layer for layer in taken_apart(detector.box_features.layers) if layer.weights]


def _first_predictor(stage: RegionProposalNetwork) -> Scoped:
    yield "Conv", stage.convolution
    yield own_scope("Conv", stage.norm), stage.norm
    heads = [("BoxEncodingPredictor", stage.head.box_layers)]
    heads.append(("ClassPredictor", stage.head.class_layers))
    for name, (level,) in heads:
        for layer in level:
            yield f"FirstStageBoxPredictor/{name}", layer


def _second_predictor(stage: RoIHead) -> Scoped:
    if isinstance(stage.head, PositionSensitiveHead):
        yield from _position_sensitive_head(stage.head)
        return
    yield f"{PREDICTOR}/BoxEncodingPredictor", stage.head.box_layer
    yield f"{PREDICTOR}/ClassPredictor", stage.head.class_layer
    if stage.mask_head is not None:
        yield from _mask_head(stage.mask_head)


def _position_sensitive_head(head: PositionSensitiveHead) -> Scoped:
    for name, conv, norm in (
        ("reduce_depth", head.reduction, head.reduction_norm),
        ("refined_locations", head.box_maps, head.box_norm),
        ("class_predictions", head.class_maps, head.class_norm),
    ):
        yield f"{PREDICTOR}/{name}", conv
        yield own_scope(f"{PREDICTOR}/{name}", norm), norm


def _mask_head(head: MaskHead) -> Scoped:
    # TF-Slim counted layers without a name of their own.
    convolutions = [*head.convolutions, head.last]
    scopes = [
        f"{PREDICTOR}/Conv{f'_{index}' if index else ''}" for index in range(len(convolutions))
    ]
    yield from zip(scopes, convolutions, strict=True)
    for scope, norm in zip(scopes, head.norms, strict=False):
        yield own_scope(scope, norm), norm
