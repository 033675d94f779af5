"""Fast R-CNN: look at regions that come with the data.

    images ─► backbone ─► neck? ─► maps ─┐
    proposals of the data ───────────────┴─► RoIHead ─► detections

It is Faster R-CNN without its first stage: everything else is shared. Proposals are made by
`detectune data proposals`, or come in TFRecords. Source: Girshick 2015 (Fast R-CNN).
"""

from __future__ import annotations

import numpy as np
from keras import ops
from keras.layers import Layer

from detectune.backbones.base import Backbone, Colour
from detectune.config import schema
from detectune.detectors.builders.region_features import region_features, region_padding_colour
from detectune.detectors.builders.roi_head import roi_crops, roi_head
from detectune.detectors.roi_head import RoIHead
from detectune.detectors.two_stage import TwoStageDetector, TwoStagePredictions
from detectune.registry import detectors
from detectune.structures import Array, Proposals


class FastRCNN(TwoStageDetector):
    """Classifies given regions. Every argument is a finished part, never a config message.

    Args:
        neck: makes a pyramid of the backbone's maps, or None.
        max_proposals: how many of the data's proposals are looked at, the first ones.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        backbone: Backbone,
        neck: Layer | None,
        roi_head: RoIHead,
        max_proposals: int,
        pad_value: Colour = (0.0, 0.0, 0.0),
    ) -> None:
        self.loss_names = roi_head.loss_names
        super().__init__(
            num_classes=num_classes,
            backbone=backbone,
            neck=neck,
            roi_head=roi_head,
            pad_value=pad_value,
            name="fast_rcnn",
        )
        self.max_proposals = max_proposals

    def call(self, inputs: tuple[Array, Array], training: bool = False) -> TwoStagePredictions:
        """Maps of images `[B, H, W, 3]` float32, 0–255, RGB, and the regions to look at.

        Args:
            inputs: the images, and proposals `[B, P, 4]` yxyx in pixels of the model's input;
                those without area are padding.
        """
        images, boxes = inputs
        boxes = ops.cast(boxes[:, : self.max_proposals], "float32")
        valid = ops.all(boxes[..., 2:] > boxes[..., :2], axis=-1)
        size = np.array([images.shape[1], images.shape[2]])
        maps = self.maps(images, training)
        return TwoStagePredictions(maps, size, proposals=Proposals(boxes, valid))

    def propose(self, out: TwoStagePredictions, sizes: Array | None) -> Proposals:
        """Those that came with the data."""
        del sizes
        assert out.proposals is not None
        return out.proposals


@detectors.register("fast_rcnn")
def build_fast_rcnn(config: schema.FastRcnn) -> FastRCNN:
    """Turn `model { fast_rcnn { ... } }` into a detector. Nothing above reads a config."""
    crops = roi_crops(config)
    features = region_features(config.feature_extractor, patch_size=crops.output_size)
    detector = FastRCNN(
        num_classes=config.num_classes,
        backbone=features.backbone,
        neck=features.neck,
        roi_head=roi_head(config, features.box_features),
        max_proposals=config.max_proposals,
        pad_value=region_padding_colour(config.image_resizer),
    )
    detector.build()
    return detector
