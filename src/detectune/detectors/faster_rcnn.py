"""Faster R-CNN and Mask R-CNN: propose regions, then look at each of them.

    images ─► backbone ─► neck? ─► maps ─┬─► FirstStage ─► proposals ─┐
                                         └────────────────────────────┴─► SecondStage ─► detections
                 training: named_losses = losses of both stages; the second learns from a sample

`model { faster_rcnn { number_of_stages } }`: 1 stops at the proposals, 2 gives boxes and classes,
3 masks as well. Source: Ren et al. 2015, Lin et al. 2017 (pyramids), He et al. 2017 (masks).
Parity: meta_architectures/faster_rcnn_meta_arch.py.
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
from detectune.detectors.first_stage import FirstStage
from detectune.detectors.parts.first_stage import first_stage
from detectune.detectors.parts.region_features import region_features, region_padding_colour
from detectune.detectors.parts.second_stage import region_crops, second_stage
from detectune.detectors.second_stage import RegionPredictions, SecondStage, as_detections
from detectune.registry import detectors
from detectune.structures import (
    Array,
    Detections,
    GroundTruth,
    Predictions,
    Proposals,
)


class TwoStagePredictions(NamedTuple):
    """What the stages say about a batch of images."""

    maps: list[Array]
    """Feature maps `[B, H, W, D]`, fine to coarse."""
    image_size: np.ndarray
    """`[2]` int: height and width of the input, pixels."""
    first: Predictions
    """What the first stage says about every anchor."""
    proposals: Proposals | None
    """The boxes it proposes; None if there is no second stage."""
    second: RegionPredictions | None
    """What the second stage says about them; None in training, where it first needs the truth."""

    @property
    def size(self) -> Size:
        return int(self.image_size[0]), int(self.image_size[1])


class FasterRCNN(Detector):
    """Two-stage detector. Every argument is a finished part, never a config message.

    Args:
        neck: makes a pyramid of the backbone's maps, or None.
        second_stage: None for proposals only.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        backbone: Backbone,
        neck: Layer | None,
        first_stage: FirstStage,
        second_stage: SecondStage | None,
        pad_value: Colour = (0.0, 0.0, 0.0),
    ) -> None:
        self.loss_names = (
            *first_stage.loss_names,
            *(second_stage.loss_names if second_stage else ()),
        )
        super().__init__(num_classes=num_classes, pad_value=pad_value, name="faster_rcnn")
        self.backbone, self.neck = backbone, neck
        self.first_stage, self.second_stage = first_stage, second_stage

    def build(self, input_shape: tuple | None = None) -> None:
        """Make all variables. No image is needed, and the size of one does not matter."""
        shapes = self.backbone.output_shapes
        if self.neck is not None:
            if not self.neck.built:
                self.neck.build(shapes)
            shapes = self.neck.compute_output_shape(shapes)
        self.first_stage.build(shapes)
        if self.second_stage is not None:
            self.second_stage.build(shapes[0])
        self.built = True

    @property
    def box_features(self) -> Layer | None:
        """Patches of maps → features, of the second stage."""
        return None if self.second_stage is None else self.second_stage.box_features

    def maps(self, images: Array, training: bool = False) -> list[Array]:
        """Feature maps of images `[B, H, W, 3]`, fine to coarse."""
        maps = self.backbone(images, training=training)
        return maps if self.neck is None else self.neck(maps, training=training)

    def call(self, images: Array, training: bool = False) -> TwoStagePredictions:
        """Predictions for images `[B, H, W, 3]` float32, 0–255, RGB."""
        size = (images.shape[1], images.shape[2])
        maps = self.maps(images, training)
        first = self.first_stage(maps, image_size=size, training=training)
        proposals = second = None
        if self.second_stage is not None:
            # Parity: clipped to the padded image, not to the picture in it.
            window = ops.convert_to_tensor([[0.0, 0.0, *map(float, size)]])
            window = ops.repeat(window, ops.shape(images)[0], axis=0)
            proposals = self.first_stage.propose(first, window)
            if not training:
                second = self.second_stage(maps, proposals=proposals, image_size=size)
        return TwoStagePredictions(maps, np.array(size), first, proposals, second)

    def named_losses(
        self, truth: GroundTruth, out: TwoStagePredictions, *, training: bool = True
    ) -> dict[str, Array]:
        """Scalars by the names of `loss_names`, each already weighted."""
        losses = self.first_stage.losses_of(out.first, truth)
        if self.second_stage is None or out.proposals is None:
            return losses
        second = out.second
        if second is None:
            sampled = self.second_stage.sample(out.proposals, truth)
            second = self.second_stage(
                out.maps, proposals=sampled, image_size=out.size, training=training
            )
        return losses | self.second_stage.losses_of(second, truth, training)

    def postprocess(self, out: TwoStagePredictions, sizes: Array) -> Detections:
        """The best boxes of every image, in pixels of the input, and masks if there is a head."""
        sizes = ops.cast(sizes, "float32")
        if self.second_stage is None or out.second is None:
            windows = ops.concatenate([ops.zeros_like(sizes), sizes], axis=-1)
            _, scores = self.first_stage.decode(out.first)
            return as_detections(self.first_stage.best(out.first, windows), scores)
        found = self.second_stage.detections(out.second, sizes)
        return self.second_stage.with_masks(found, out.maps, out.size)


@detectors.register("faster_rcnn")
def build_faster_rcnn(config: schema.FasterRcnn) -> FasterRCNN:
    """Turn `model { faster_rcnn { ... } }` into a detector. Nothing above reads a config."""
    crops = region_crops(config)
    features = region_features(config.feature_extractor, patch_size=crops.output_size)
    detector = FasterRCNN(
        num_classes=config.num_classes,
        backbone=features.backbone,
        neck=features.neck,
        first_stage=first_stage(config),
        second_stage=(
            second_stage(config, features.box_features) if config.number_of_stages > 1 else None
        ),
        pad_value=region_padding_colour(config.image_resizer),
    )
    detector.build()
    return detector
