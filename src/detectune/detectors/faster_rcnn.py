"""Faster R-CNN and Mask R-CNN: propose regions, then look at each of them.

    images ─► backbone ─► neck? ─► maps ─┬─► RegionProposalNetwork ─► proposals ─┐
                                         └────────────────────────────┴─► RoIHead ─► detections
                 training: named_losses = losses of both stages; the second learns from a sample

`model { faster_rcnn { number_of_stages } }`: 1 stops at the proposals, 2 gives boxes and classes,
3 masks as well. Source: Ren et al. 2015, Lin et al. 2017 (pyramids), He et al. 2017 (masks).
Parity: meta_architectures/faster_rcnn_meta_arch.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras.layers import Layer

from detectune.backbones.base import Backbone, Colour
from detectune.boxes.convert import clip
from detectune.config import schema
from detectune.detectors.builders.padding_colour import region_padding_colour
from detectune.detectors.builders.region_features import region_features
from detectune.detectors.builders.region_proposal_network import region_proposal_network
from detectune.detectors.builders.roi_head import roi_crops, roi_head
from detectune.detectors.region_proposal_network import RegionProposalNetwork
from detectune.detectors.roi_head import RoIHead, as_detections
from detectune.detectors.two_stage import TwoStageDetector, TwoStagePredictions, windows_of
from detectune.registry import detectors
from detectune.structures import (
    Array,
    GroundTruth,
    Inputs,
    PaddedDetections,
    Proposals,
    RawDetections,
    image_size,
)


class FasterRCNN(TwoStageDetector):
    """Two-stage detector. Every argument is a finished part, never a config message.

    Args:
        neck: makes a pyramid of the backbone's maps, or None.
        roi_head: None for proposals only.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        backbone: Backbone,
        neck: Layer | None,
        rpn: RegionProposalNetwork,
        roi_head: RoIHead | None,
        pad_value: Colour = (0.0, 0.0, 0.0),
    ) -> None:
        self.loss_names = (
            *rpn.loss_names,
            *(roi_head.loss_names if roi_head else ()),
        )
        super().__init__(
            num_classes=num_classes,
            backbone=backbone,
            neck=neck,
            roi_head=roi_head,
            pad_value=pad_value,
            name="faster_rcnn",
        )
        self.rpn = rpn

    def build(self, input_shape: tuple | None = None) -> None:
        """Make all variables. No image is needed, and the size of one does not matter."""
        super().build(input_shape)
        self.rpn.build(self.map_shapes)

    def heads(
        self, inputs: Inputs, maps: Sequence[Array], training: bool = False
    ) -> TwoStagePredictions:
        """What the region proposal network says about every anchor.

        The second stage needs to know more: the size of each picture in its padding and, in
        training, the truth.
        """
        said = self.rpn(maps, image_size=image_size(inputs), training=training)
        return TwoStagePredictions(maps, rpn=said)

    def anchors_of(
        self, inputs: Inputs | Array, out: TwoStagePredictions, *, training: bool = False
    ) -> np.ndarray:
        """`[A, 4]`, yxyx in pixels of the input: what the codes of `out.rpn` are relative to."""
        return self.rpn.anchors_of(image_size(inputs), out.maps, training)

    def propose(
        self,
        inputs: Inputs | Array,
        out: TwoStagePredictions,
        sizes: Array | None,
        *,
        training: bool = False,
    ) -> Proposals:
        """The boxes that the first stage finds most likely to hold an object."""
        assert out.rpn is not None
        anchors = self.anchors_of(inputs, out, training=training)
        return self.rpn.propose(out.rpn, anchors, windows_of(inputs, sizes))

    def named_losses(
        self,
        inputs: Inputs | Array,
        truth: GroundTruth,
        out: TwoStagePredictions,
        *,
        training: bool = True,
    ) -> dict[str, Array]:
        """Scalars by the names of `loss_names`, each already weighted."""
        assert out.rpn is not None
        anchors = self.anchors_of(inputs, out, training=training)
        losses = self.rpn.named_losses(out.rpn, anchors, truth)
        if self.roi_head is None:
            return losses
        return losses | super().named_losses(inputs, truth, out, training=training)

    def postprocess_with_raw(
        self, inputs: Inputs | Array, out: TwoStagePredictions, sizes: Array
    ) -> tuple[PaddedDetections, RawDetections]:
        """The best boxes of every image; proposals, if there is no second stage."""
        if self.roi_head is not None:
            return super().postprocess_with_raw(inputs, out, sizes)
        assert out.rpn is not None
        windows, anchors = windows_of(inputs, sizes), self.anchors_of(inputs, out)
        boxes, scores = self.rpn.decode(out.rpn, anchors)
        found = as_detections(self.rpn.best(out.rpn, anchors, windows), scores)
        return found, RawDetections(clip(boxes, windows[:, None]), scores)


@detectors.register("faster_rcnn")
def build_faster_rcnn(config: schema.FasterRcnn, network: keras.Model | None = None) -> FasterRCNN:
    """Turn `model { faster_rcnn { ... } }` into a detector. Nothing above reads a config."""
    crops = roi_crops(config)
    features = region_features(
        config.feature_extractor, patch_size=crops.output_size, network=network
    )
    detector = FasterRCNN(
        num_classes=config.num_classes,
        backbone=features.backbone,
        neck=features.neck,
        rpn=region_proposal_network(config),
        roi_head=(roi_head(config, features.box_features) if config.number_of_stages > 1 else None),
        pad_value=region_padding_colour(config.image_resizer, features.backbone),
    )
    detector.build()
    return detector
