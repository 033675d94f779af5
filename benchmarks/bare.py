"""The network of a detector alone: its convolutions and dense layers, and nothing between them."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from detectune.detectors.base import Detector
from detectune.detectors.faster_rcnn import FasterRCNN
from detectune.detectors.roi_head import RoIHead
from detectune.structures import Inputs, as_inputs


def network_outputs(
    detector: Detector, images: Inputs | tf.Tensor, *, training: bool
) -> list[tf.Tensor]:
    """All outputs of `detector` for images `[B, H, W, 3]`, or kept maps of them.

    Two-stage detectors look at as many regions as they do in training, or at inference; each is
    the same corner of the map, which costs a copy instead of a crop.
    """
    out: Any = detector(images, training=training)
    if not isinstance(detector, FasterRCNN):
        return [out.box_codes, out.class_logits]
    outputs = [out.rpn.box_codes, out.rpn.class_logits]
    stage = detector.roi_head
    if stage is None:
        return outputs
    losses = stage.roi_losses
    count = losses.sampler.size if training else detector.rpn.nms.max_detections
    features = _features(stage, out.maps[0], count, training)
    boxes = tf.tile(
        tf.constant([[[0.2, 0.2, 0.6, 0.7]]]), (as_inputs(images)["images"].shape[0], count, 1)
    )
    outputs += stage.head(features, boxes=boxes, training=training)
    if stage.mask_head is not None:
        if not training:
            features = _features(stage, out.maps[0], stage.nms.max_detections, training)
        outputs.append(stage.mask_head(features, training=training))
    return outputs


def _features(stage: RoIHead, maps: tf.Tensor, count: int, training: bool) -> tf.Tensor:
    size = stage.crops.output_size
    patches = maps if size is None else tf.repeat(maps[:, : size[0], : size[1]], count, axis=0)
    return stage.box_features(patches, training=training)
