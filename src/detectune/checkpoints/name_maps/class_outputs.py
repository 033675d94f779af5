"""Layers with outputs of their own for every class, so that classes can be carried over by name."""

from __future__ import annotations

from collections.abc import Iterator

from detectune.checkpoints.name_maps.base import ClassOutputs
from detectune.detectors.fast_rcnn import FastRCNN
from detectune.detectors.faster_rcnn import FasterRCNN
from detectune.detectors.roi_head import RoIHead
from detectune.detectors.ssd import SSD
from detectune.heads.convolutional import WeightSharedHead
from detectune.heads.position_sensitive import PositionSensitiveHead


def class_outputs_of_ssd(detector: SSD) -> Iterator[ClassOutputs]:
    """The class predictors."""
    head = detector.head
    background = head.outputs.per_anchor - detector.num_classes
    if isinstance(head, WeightSharedHead):
        layers = [head.class_predictor]
    else:
        layers = [level[-1] for level in head.class_layers]
    for layer in layers:
        yield ClassOutputs(layer, background, predicts_classes=True)


def class_outputs_of_two_stages(detector: FasterRCNN | FastRCNN) -> Iterator[ClassOutputs]:
    """The class predictor, and boxes and masks unless all classes share them."""
    if detector.roi_head is not None:
        yield from _score_maps_or_boxes(detector.roi_head)
        masks = detector.roi_head.mask_head
        if masks is not None and masks.masks_per_region > 1:
            yield ClassOutputs(masks.last)


def _score_maps_or_boxes(stage: RoIHead) -> Iterator[ClassOutputs]:
    head = stage.head
    if isinstance(head, PositionSensitiveHead):
        for layer in (head.class_maps, head.class_norm):
            yield ClassOutputs(layer, background=1, predicts_classes=True)
        for layer in (head.box_maps, head.box_norm):
            yield ClassOutputs(layer, code_size=head.code_size)
        return
    yield ClassOutputs(head.class_layer, background=1, predicts_classes=True)
    if head.boxes_per_region > 1:
        yield ClassOutputs(head.box_layer, code_size=head.code_size)
