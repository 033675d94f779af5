"""SSD: one forward pass, one prediction per anchor.

    images ─► backbone ─► neck ─► head ─► Predictions: box_codes [B, A, 4], class_logits [B, A, C]
                 training: named_losses  = targets/anchor_targets.py, then losses/anchor_loss.py
                 inference: postprocess  = boxes/coders.py, then boxes/nms.py

SSD (Liu 2016), RetinaNet (Lin 2017) and EfficientDet (Tan 2020) are this class with other
parts; `build_ssd` shows which parts `model { ssd { ... } }` asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from keras.layers import Layer

from detectune.backbones.base import Backbone, Colour
from detectune.boxes.anchors import AnchorGenerator
from detectune.boxes.coders import BoxCoder
from detectune.config import schema
from detectune.config.architectures.ssd import SSD_EXTRACTORS
from detectune.detectors.base import Detector
from detectune.detectors.builders.anchors import anchor_generator, box_coder, input_size
from detectune.detectors.builders.feature_extractor import backbone_and_neck
from detectune.detectors.builders.head import convolutional_head
from detectune.detectors.builders.losses import dense_loss
from detectune.detectors.builders.padding_colour import padding_colour
from detectune.detectors.builders.post_processing import (
    Suppression,
    non_max_suppression,
    score_converter,
)
from detectune.detectors.builders.targets import anchor_assigner
from detectune.errors import ConfigError, three_part
from detectune.losses.anchor_loss import DenseLoss
from detectune.registry import detectors
from detectune.structures import (
    Array,
    GroundTruth,
    Inputs,
    PaddedDetections,
    Predictions,
    RawDetections,
    image_size,
)
from detectune.targets.anchor_bags import BagAssigner
from detectune.targets.anchor_targets import Assigner


class SSD(Detector):
    """Single-shot detector. Every argument is a finished part, never a config message.

    Args:
        explicit_background: class 0 is the background, in the data too; it is never detected.
        pad_value: RGB colour that images are padded with; what the backbone normalizes to 0 if
            None.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        backbone: Backbone,
        neck: Layer,
        head: Layer,
        anchors: AnchorGenerator,
        assigner: Assigner | BagAssigner,
        loss_fn: DenseLoss,
        coder: BoxCoder,
        to_scores: Callable[[Array], Array],
        nms: Suppression,
        explicit_background: bool = False,
        pad_value: Colour | None = None,
    ) -> None:
        pad_value = backbone.pad_value if pad_value is None else pad_value
        super().__init__(
            num_classes=num_classes,
            pad_value=pad_value,
            name="ssd",
            loss_names=type(self).loss_names or loss_fn.names,
        )
        self.backbone, self.neck, self.head = backbone, neck, head
        self.anchors, self.assigner, self.loss_fn = anchors, assigner, loss_fn
        self.coder, self.to_scores, self.nms = coder, to_scores, nms
        self.explicit_background = explicit_background
        self.sampler_seed = keras.random.SeedGenerator() if loss_fn.sampler else None

    def build(self, input_shape: tuple | None = None) -> None:
        """Make all variables. No image is needed, and the size of one does not matter."""
        self.neck.build(self.backbone.output_shapes)
        self.head.build(self.neck.compute_output_shape(self.backbone.output_shapes))
        self.built = True

    def features(self, images: Array, training: bool = False) -> Sequence[Array]:
        """The maps of the neck."""
        return self.neck(self.backbone(images, training=training), training=training)

    @property
    def feature_parts(self) -> tuple[Backbone, Layer | None]:
        """Backbone and neck."""
        return self.backbone, self.neck

    def heads(self, inputs: Inputs, maps: Sequence[Array], training: bool = False) -> Predictions:
        """Box codes and class logits of every anchor."""
        return self.head(maps, training=training)._replace(maps=maps)

    def anchors_of(self, inputs: Inputs | Array, out: Predictions) -> np.ndarray:
        """`[A, 4]` float32, yxyx in pixels of the input: what codes are relative to."""
        return self.anchors(image_size(inputs), [(one.shape[1], one.shape[2]) for one in out.maps])

    def named_losses(
        self, inputs: Inputs | Array, truth: GroundTruth, out: Predictions, *, training: bool = True
    ) -> dict[str, Array]:
        """Scalars by the names of the loss, each already weighted."""
        anchors = self.anchors_of(inputs, out)
        targets: Any = self.assigner(anchors, truth, out)  # what goes with the loss
        preference = None
        if self.loss_fn.sampler is not None:
            preference = keras.random.uniform(ops.shape(targets.matches), seed=self.sampler_seed)
        return self.loss_fn(out, targets, anchors, preference)

    def decode(self, inputs: Inputs | Array, out: Predictions) -> tuple[Array, Array]:
        """Boxes `[B, A, 4]` in pixels, not clipped, and scores `[B, A, C]` or `[B, A, C + 1]`."""
        boxes = self.coder.decode(out.box_codes, self.anchors_of(inputs, out))
        return boxes, self.to_scores(ops.cast(out.class_logits, "float32"))

    @property
    def _detected(self) -> int:
        """How many classes are detected: the last columns of the scores."""
        return self.num_classes - int(self.explicit_background)

    def postprocess(
        self, inputs: Inputs | Array, out: Predictions, sizes: Array
    ) -> PaddedDetections:
        """The best `nms.max_detections` boxes of every image, in pixels of the input."""
        return self.postprocess_with_raw(inputs, out, sizes)[0]

    def postprocess_with_raw(
        self, inputs: Inputs | Array, out: Predictions, sizes: Array
    ) -> tuple[PaddedDetections, RawDetections]:
        """The best boxes of every image, and those of all anchors."""
        boxes, scores = self.decode(inputs, out)
        sizes = ops.cast(sizes, "float32")
        windows = ops.concatenate([ops.zeros_like(sizes), sizes], axis=-1)
        kept = self.nms(boxes, scores[..., -self._detected :], windows)
        class_scores = ops.take_along_axis(scores, kept.indices[..., None], axis=1)
        found = PaddedDetections(
            boxes=kept.boxes,
            scores=kept.scores,
            classes=kept.classes + (self.num_classes - self._detected),
            valid=kept.valid,
            class_scores=class_scores * ops.cast(kept.valid, "float32")[..., None],
            anchor_indices=kept.indices,
        )
        return found, RawDetections(boxes, scores)


@detectors.register("ssd")
def build_ssd(config: schema.Ssd, network: keras.Model | None = None) -> SSD:
    """Turn `model { ssd { ... } }` into an SSD. Nothing above this line reads a config."""
    coder = box_coder(config.box_coder, config.image_resizer)
    anchors = anchor_generator(config.anchor_generator)
    backbone, neck = backbone_and_neck(
        config.feature_extractor, freeze_batch_norm=config.freeze_batchnorm, network=network
    )
    _check_size(config, backbone)
    _check_levels(config, len(anchors.per_location), backbone, neck)
    detector = SSD(
        num_classes=config.num_classes,
        backbone=backbone,
        neck=neck,
        head=convolutional_head(
            config.box_predictor,
            num_outputs=config.num_classes + int(config.add_background_class),
            code_size=coder.code_size,
            per_location=anchors.per_location,
            freeze_batch_norm=config.freeze_batchnorm,
            tf1=SSD_EXTRACTORS.is_tf1(config.feature_extractor.type),
        ),
        anchors=anchors,
        assigner=anchor_assigner(config, coder),
        loss_fn=dense_loss(config, coder),
        coder=coder,
        to_scores=score_converter(
            config.post_processing,
            background_column=config.add_background_class,
        ),
        nms=non_max_suppression(config.post_processing),
        explicit_background=config.explicit_background_class,
        pad_value=padding_colour(config.image_resizer, backbone),
    )
    detector.build()
    return detector


def _check_size(config: schema.Ssd, backbone: Backbone) -> None:
    """The layers of the backbone leave something of an image."""
    size = input_size(config.image_resizer)
    if size is None or min(map(backbone.padded, size)) >= backbone.min_image_side:
        return
    raise ConfigError(
        three_part(
            f"image_resizer: inputs of {size[0]}x{size[1]} pixels are too small for "
            f"{config.feature_extractor.type}: its layers leave nothing of them.",
            f"Allowed: at least {backbone.min_image_side} pixels high and wide.",
            "Write a larger size in image_resizer; 300 is usual.",
        )
    )


def _check_levels(config: schema.Ssd, levels: int, backbone: Backbone, neck: Layer) -> None:
    """Every feature map has its anchors."""
    maps = len(neck.compute_output_shape(backbone.output_shapes))
    if maps != levels:
        kind = config.anchor_generator.WhichOneof("anchor_generator_oneof")
        raise ConfigError(
            three_part(
                f"{kind}: anchors for {levels} feature maps, but {config.feature_extractor.type} "
                f"has {maps} of them.",
                "The anchor generator speaks of every feature map, and of no other.",
                "Correct num_layers, min_level, max_level or the grids of the anchor generator, or "
                "the levels of feature_extractor.",
            )
        )
