"""Fast R-CNN: look at regions that come with the data.

    images ─► backbone ─► neck? ─► maps ─┐
    proposals of the data ───────────────┴─► SecondStage ─► detections

It is Faster R-CNN without its first stage: everything else is shared. Proposals are made by
`detectune data proposals`, or come in TFRecords. Source: Girshick 2015 (Fast R-CNN).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from keras import ops
from keras.layers import Layer

from detectune.backbones.base import Backbone, Colour
from detectune.boxes.anchors import Size
from detectune.config import schema
from detectune.detectors.base import Detector
from detectune.detectors.faster_rcnn import picture_windows
from detectune.detectors.parts.region_features import region_features, region_padding_colour
from detectune.detectors.parts.second_stage import region_crops, second_stage
from detectune.detectors.second_stage import SecondStage
from detectune.registry import detectors
from detectune.structures import Array, Detections, GroundTruth, Proposals, RawDetections


class RegionsOfData(NamedTuple):
    """What a batch of images and proposals is before the second stage."""

    maps: list[Array]
    """Feature maps `[B, H, W, D]`, fine to coarse."""
    image_size: np.ndarray
    """`[2]` int: height and width of the input, pixels."""
    proposals: Proposals

    @property
    def size(self) -> Size:
        return int(self.image_size[0]), int(self.image_size[1])


class FastRCNN(Detector):
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
        second_stage: SecondStage,
        max_proposals: int,
        pad_value: Colour = (0.0, 0.0, 0.0),
    ) -> None:
        self.loss_names = second_stage.loss_names
        super().__init__(num_classes=num_classes, pad_value=pad_value, name="fast_rcnn")
        self.backbone, self.neck, self.second_stage = backbone, neck, second_stage
        self.max_proposals = max_proposals

    def build(self, input_shape: tuple | None = None) -> None:
        """Make all variables. No image is needed, and the size of one does not matter."""
        shapes = self.backbone.output_shapes
        if self.neck is not None:
            if not self.neck.built:
                self.neck.build(shapes)
            shapes = self.neck.compute_output_shape(shapes)
        self.second_stage.build(shapes[0])
        self.built = True

    @property
    def box_features(self) -> Layer:
        """Patches of maps → features, of the second stage."""
        return self.second_stage.box_features

    def call(self, inputs: tuple[Array, Array], training: bool = False) -> RegionsOfData:
        """Maps of images `[B, H, W, 3]` float32, 0–255, RGB, and the regions to look at.

        Args:
            inputs: the images, and proposals `[B, P, 4]` yxyx in pixels of the model's input;
                those without area are padding.
        """
        images, boxes = inputs
        maps = self.backbone(images, training=training)
        if self.neck is not None:
            maps = self.neck(maps, training=training)
        boxes = ops.cast(boxes[:, : self.max_proposals], "float32")
        sides = boxes[..., 2:] - boxes[..., :2]
        valid = ops.all(sides > 0.0, axis=-1)
        size = np.array([images.shape[1], images.shape[2]])
        return RegionsOfData(maps, size, Proposals(boxes, valid))

    def named_losses(
        self, truth: GroundTruth, out: RegionsOfData, *, training: bool = True
    ) -> dict[str, Array]:
        """Scalars by the names of `loss_names`, each already weighted."""
        return self.second_stage.losses_at(
            out.proposals,
            truth,
            out.maps,
            windows=picture_windows(out.maps, out.size, truth.sizes),
            image_size=out.size,
            training=training,
        )

    def answer(self, out: RegionsOfData, sizes: Array) -> tuple[Detections, RawDetections]:
        """The best boxes of every image, in pixels of the input, and masks if there is a head."""
        return self.second_stage.answer(
            out.proposals,
            out.maps,
            windows=picture_windows(out.maps, out.size, sizes),
            image_size=out.size,
        )


@detectors.register("fast_rcnn")
def build_fast_rcnn(config: schema.FastRcnn) -> FastRCNN:
    """Turn `model { fast_rcnn { ... } }` into a detector. Nothing above reads a config."""
    crops = region_crops(config)
    features = region_features(config.feature_extractor, patch_size=crops.output_size)
    detector = FastRCNN(
        num_classes=config.num_classes,
        backbone=features.backbone,
        neck=features.neck,
        second_stage=second_stage(config, features.box_features),
        max_proposals=config.max_proposals,
        pad_value=region_padding_colour(config.image_resizer),
    )
    detector.build()
    return detector
