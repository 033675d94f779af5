"""Fast and Faster R-CNN: layer → key in a zoo checkpoint, and the name it had in the original."""

from __future__ import annotations

from collections.abc import Iterator

from detectune.checkpoints.name_maps import tf1_faster_rcnn
from detectune.checkpoints.name_maps.base import NameMap
from detectune.checkpoints.name_maps.class_outputs import class_outputs_of_two_stages
from detectune.checkpoints.name_maps.classifier import layers_of_two_stages
from detectune.checkpoints.name_maps.convolutional_heads import level_heads
from detectune.checkpoints.name_maps.layer_key import LayerKey
from detectune.checkpoints.name_maps.mask_head import mask_head_layers
from detectune.checkpoints.name_maps.region_features import (
    FIRST_STAGE,
    SECOND_STAGE,
    region_feature_layers,
)
from detectune.checkpoints.name_maps.rfcn_head import rfcn_head_layers
from detectune.detectors.fast_rcnn import FastRCNN
from detectune.detectors.faster_rcnn import FasterRCNN
from detectune.detectors.region_proposal_network import RegionProposalNetwork
from detectune.detectors.roi_head import RoIHead
from detectune.heads.position_sensitive import PositionSensitiveHead
from detectune.registry import name_maps

PREDICTOR = "_mask_rcnn_box_predictor"
_SCOPE = "mask_rcnn_keras_box_predictor"


def layer_keys(detector: FasterRCNN | FastRCNN) -> Iterator[LayerKey]:
    """Every layer of `detector` that has variables."""
    yield from region_feature_layers(detector)
    for row in _predictors(detector):
        if row.layer.weights:
            yield row


def _predictors(detector: FasterRCNN | FastRCNN) -> Iterator[LayerKey]:
    if isinstance(detector, FasterRCNN):
        yield from first_stage_layers(detector.rpn)
    if detector.roi_head is not None:
        yield from second_stage_layers(detector.roi_head)


def first_stage_layers(stage: RegionProposalNetwork) -> Iterator[LayerKey]:
    """The layers of the region proposal network."""
    root = "_first_stage_box_predictor_first_conv/layer_with_weights"
    yield LayerKey(f"{root}-0", "RPNConv", stage.convolution)
    yield LayerKey(f"{root}-1", "RPNBatchNorm", stage.norm)
    rows = level_heads(stage.head, "_first_stage_box_predictor", "FirstStageBoxPredictor")
    for key, name, layer in rows:
        yield LayerKey(key, name, layer)


def second_stage_layers(stage: RoIHead) -> Iterator[LayerKey]:
    """The heads on the features of a region."""
    if isinstance(stage.head, PositionSensitiveHead):
        yield from rfcn_head_layers(stage.head)
        return
    # The list of layers begins with one that flattens, and dropout stands before the last.
    place = 1 if stage.head.box_dropout is None else 2
    yield LayerKey(
        f"{PREDICTOR}/_box_prediction_head/_box_encoder_layers/{place}",
        f"{_SCOPE}/mask_rcnn_box_head/BoxEncodingPredictor_dense",
        stage.head.box_layer,
    )
    yield LayerKey(
        f"{PREDICTOR}/_class_prediction_head/_class_predictor_layers/{place}",
        f"{_SCOPE}/mask_rcnn_class_head/ClassPredictor_dense",
        stage.head.class_layer,
    )
    if stage.mask_head is not None:
        yield from mask_head_layers(stage.mask_head)


_MAP = NameMap(
    layers=layer_keys,
    extractor=(f"{FIRST_STAGE}/", f"{SECOND_STAGE}/"),
    scopes=(
        (FIRST_STAGE, tf1_faster_rcnn.FIRST_STAGE),
        (SECOND_STAGE, tf1_faster_rcnn.SECOND_STAGE),
        ("_first_stage_box_predictor", "FirstStageBoxPredictor"),
        ("", tf1_faster_rcnn.PREDICTOR),
    ),
    tf1_scopes=tf1_faster_rcnn.layer_scopes,
    classifier_layers=layers_of_two_stages,
    class_outputs=class_outputs_of_two_stages,
)
for _kind in (FasterRCNN, FastRCNN):
    name_maps.register(_kind)(_MAP)
