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
from detectune.boxes.convert import clip
from detectune.config import schema
from detectune.detectors.base import Detector
from detectune.detectors.first_stage import FirstStage
from detectune.detectors.parts.first_stage import first_stage
from detectune.detectors.parts.region_features import region_features, region_padding_colour
from detectune.detectors.parts.second_stage import region_crops, second_stage
from detectune.detectors.second_stage import SecondStage, as_detections
from detectune.registry import detectors
from detectune.structures import (
    Array,
    Detections,
    GroundTruth,
    Predictions,
    Proposals,
    RawDetections,
)


class TwoStagePredictions(NamedTuple):
    """What can be said about a batch of images before anybody asks for regions."""

    maps: list[Array]
    """Feature maps `[B, H, W, D]`, fine to coarse."""
    image_size: np.ndarray
    """`[2]` int: height and width of the input, pixels."""
    first: Predictions
    """What the first stage says about every anchor."""

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
        """Maps and anchors of images `[B, H, W, 3]` float32, 0–255, RGB.

        The second stage needs to know more: the size of each picture in its padding and, in
        training, the truth.
        """
        size = (images.shape[1], images.shape[2])
        maps = self.maps(images, training)
        first = self.first_stage(maps, image_size=size, training=training)
        return TwoStagePredictions(maps, np.array(size), first)

    def propose(self, out: TwoStagePredictions, sizes: Array | None) -> Proposals:
        """The boxes that the second stage looks at.

        Args:
            sizes: `[B, 2]`, height and width of each picture inside its padding; None if there is
                no padding.
        """
        return self.first_stage.propose(out.first, picture_windows(out.maps, out.size, sizes))

    def named_losses(
        self, truth: GroundTruth, out: TwoStagePredictions, *, training: bool = True
    ) -> dict[str, Array]:
        """Scalars by the names of `loss_names`, each already weighted."""
        losses = self.first_stage.losses_of(out.first, truth)
        if self.second_stage is None:
            return losses
        return losses | self.second_stage.losses_at(
            self.propose(out, truth.sizes),
            truth,
            out.maps,
            windows=picture_windows(out.maps, out.size, truth.sizes),
            image_size=out.size,
            training=training,
        )

    def answer(self, out: TwoStagePredictions, sizes: Array) -> tuple[Detections, RawDetections]:
        """The best boxes of every image, in pixels of the input, and masks if there is a head."""
        windows = picture_windows(out.maps, out.size, sizes)
        if self.second_stage is None:
            boxes, scores = self.first_stage.decode(out.first)
            found = as_detections(self.first_stage.best(out.first, windows), scores)
            return found, RawDetections(clip(boxes, windows[:, None]), scores)
        return self.second_stage.answer(
            self.propose(out, sizes), out.maps, windows=windows, image_size=out.size
        )


def picture_windows(maps: list[Array], image_size: Size, sizes: Array | None) -> Array:
    """`[B, 4]` yxyx: where the pictures are in the input; all of it if there are no `sizes`."""
    if sizes is None:
        whole = ops.convert_to_tensor(image_size, "float32")
        sizes = ops.broadcast_to(whole, (ops.shape(maps[0])[0], 2))
    sizes = ops.cast(sizes, "float32")
    return ops.concatenate([ops.zeros_like(sizes), sizes], axis=-1)


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
