"""R-CNN: cut proposals out of the image, and ask a classification network about each.

    images ──────────────┐
    proposals of the data ┴► crops with surroundings ─► backbone ─► mean over the map ─► vectors
        vectors ─► a support vector machine per class ─► scores ┐
                └► a ridge regression per class ───────► boxes ─┴► suppression ─► detections

The network stays as it is, or is fine-tuned on crops first (`training/stages/crop_fine_tuning.py`);
`training/stages/support_vectors.py` finds the rest without gradients.
Source: Girshick et al. 2014 (R-CNN).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import keras
from keras import ops

from detectune.backbones.base import Backbone, BackboneFamily, Colour
from detectune.boxes.coders import FasterRcnnBoxCoder
from detectune.boxes.crops import sampled, with_context
from detectune.boxes.iou import pairwise_iou
from detectune.boxes.nms import NonMaxSuppression
from detectune.config import schema
from detectune.config.architectures.rcnn import CROP_EXTRACTORS, backbone_of
from detectune.config.needs import Needs
from detectune.detectors.base import Detector
from detectune.detectors.builders.network import network_of
from detectune.detectors.builders.padding_colour import region_padding_colour
from detectune.errors import ConfigError, DataError, did_you_mean, three_part
from detectune.layers.regions import crop_and_resize
from detectune.registry import backbones, detectors
from detectune.structures import Array, GroundTruth, Inputs, PaddedDetections, image_size

# Before anything is learned no box scores: the sigmoid of it is nearly 0.
_NOTHING = -10.0
# Parity: box_coders of the original limit sizes in this way; a size never grows more than 62 times.
_MOST_GROWTH = 4.135
_POSITIVE_IOU = 0.5
CODER = FasterRcnnBoxCoder()
"""Source: Girshick et al. 2014, appendix C, equations 6 to 9."""


class CropPredictions(NamedTuple):
    """What is said about every proposal of a batch."""

    proposals: Array
    """`[B, P, 4]` float32, yxyx in pixels of the input."""
    valid: Array
    """`[B, P]` bool."""
    margins: Array
    """`[B, P, C]` float32: distance from the margin of each class, above 0 for objects."""
    box_codes: Array
    """`[B, P, C, 4]` float32, for each class, relative to the proposal."""


class RCNN(Detector):
    """Classifies crops. Every argument is a finished part, never a config message.

    Args:
        backbone: with a single map.
        max_proposals: how many of the data's proposals are looked at, the first ones.
        crop_size: side of a crop, pixels.
        context: surroundings of a box in it, see `boxes.crops.with_context`.
        crops_at_once: that go through the network together; changes the memory, not the answer.
        negative_iou: proposals that overlap no object of a class by so much are its negatives.
        suppression: from scores to detections.
    """

    loss_names = ("classification_loss", "localization_loss")

    def __init__(
        self,
        *,
        num_classes: int,
        backbone: Backbone,
        max_proposals: int,
        crop_size: int,
        context: float,
        crops_at_once: int,
        negative_iou: float,
        suppression: NonMaxSuppression,
        pad_value: Colour,
    ) -> None:
        super().__init__(num_classes=num_classes, pad_value=pad_value, name="rcnn")
        self.backbone = backbone
        self.crop_size, self.context, self.crops_at_once = crop_size, context, crops_at_once
        self.negative_iou, self.suppression = negative_iou, suppression
        self.needs = Needs(inputs={"proposals": max_proposals})
        self.margins = keras.layers.Dense(
            num_classes,
            kernel_initializer="zeros",
            bias_initializer=keras.initializers.Constant(_NOTHING),
            name="margins",
        )
        self.box_codes = keras.layers.Dense(
            num_classes * 4, kernel_initializer="zeros", name="box_codes"
        )

    @property
    def dimension(self) -> int:
        """Numbers of the vector of a crop."""
        return self.backbone.output_shapes[-1][-1]

    def build(self, input_shape: tuple | None = None) -> None:
        """Make all variables. No image is needed, and the size of one does not matter."""
        self.margins.build((None, None, self.dimension))
        self.box_codes.build((None, None, self.dimension))
        self.built = True

    def features(self, images: Array, training: bool = False) -> Sequence[Array]:
        """The images themselves, which crops are cut out of."""
        del training
        return [ops.cast(images, "float32")]

    def crops(self, images: Array, boxes: Array) -> Array:
        """Crops `[B, P, side, side, 3]` of `images` `[B, H, W, 3]` around `boxes` `[B, P, 4]`.

        What lies outside the image has the colour of its padding.
        """
        colour = ops.convert_to_tensor(self.pad_value, "float32")
        around = with_context(boxes, self.context)
        size = (self.crop_size, self.crop_size)
        places = sampled(around, self.crop_size, image_size(images))
        return crop_and_resize(images - colour, places, size) + colour

    def vectors(self, images: Array, boxes: Array, training: bool = False) -> Array:
        """What the network says `[B, P, D]` of the crops around `boxes` `[B, P, 4]`, in pixels."""
        count = boxes.shape[1]
        at_once = min(self.crops_at_once, count)
        rounds = -(-count // at_once)
        boxes = ops.pad(boxes, [[0, 0], [0, rounds * at_once - count], [0, 0]])
        parts = ops.transpose(ops.reshape(boxes, (-1, rounds, at_once, 4)), (1, 0, 2, 3))
        if rounds == 1:
            return self._vectors(images, parts[0], training)
        found = ops.map(lambda part: self._vectors(images, part, training), parts)
        found = ops.reshape(
            ops.transpose(found, (1, 0, 2, 3)), (-1, rounds * at_once, self.dimension)
        )
        return found[:, :count]

    def _vectors(self, images: Array, boxes: Array, training: bool) -> Array:
        crops = self.crops(images, boxes)
        side = self.crop_size
        maps = self.backbone(ops.reshape(crops, (-1, side, side, 3)), training=training)
        means = mean_of_map(maps)
        return ops.reshape(means, (-1, boxes.shape[1], self.dimension))

    def heads(
        self, inputs: Inputs, maps: Sequence[Array], training: bool = False
    ) -> CropPredictions:
        """Margins and boxes of the proposals in `inputs`."""
        given = inputs.get("proposals")
        if given is None:
            raise DataError(
                three_part(
                    "rcnn: there are images, and no proposals.",
                    "This detector looks at boxes that come with the data.",
                    'Give it {"images": images, "proposals": boxes}.',
                )
            )
        boxes = ops.cast(given[:, : self.needs.size("proposals")], "float32")
        valid = ops.all(boxes[..., 2:] > boxes[..., :2], axis=-1)
        vectors = self.vectors(maps[0], boxes, training)
        codes = ops.cast(self.box_codes(vectors), "float32")
        codes = ops.reshape(codes, (-1, boxes.shape[1], self.num_classes, 4))
        return CropPredictions(boxes, valid, ops.cast(self.margins(vectors), "float32"), codes)

    def boxes(self, out: CropPredictions) -> Array:
        """`[B, P, C, 4]`: where the object is, if the proposal shows one of the class."""
        growth = ops.clip(out.box_codes[..., 2:], -_MOST_GROWTH, _MOST_GROWTH)
        codes = ops.concatenate([out.box_codes[..., :2], growth], axis=-1)
        return CODER.decode(codes, out.proposals[:, :, None, :])

    def postprocess(
        self, inputs: Inputs | Array, out: CropPredictions, sizes: Array
    ) -> PaddedDetections:
        """The best boxes of every image, in pixels of the input."""
        del inputs
        scores = ops.where(out.valid[..., None], ops.sigmoid(out.margins), 0.0)
        sizes = ops.cast(sizes, "float32")
        windows = ops.concatenate([ops.zeros_like(sizes), sizes], axis=-1)
        kept = self.suppression(self.boxes(out), scores, windows)
        rows = ops.where(kept.valid, kept.indices, 0)
        return PaddedDetections(
            boxes=ops.where(kept.valid[..., None], kept.boxes, 0.0),
            scores=ops.where(kept.valid, kept.scores, 0.0),
            classes=ops.where(kept.valid, kept.classes, 0),
            valid=kept.valid,
            class_scores=ops.take_along_axis(scores, rows[..., None], axis=1),
            anchor_indices=rows,
        )

    def named_losses(
        self,
        inputs: Inputs | Array,
        truth: GroundTruth,
        out: CropPredictions,
        *,
        training: bool = True,
    ) -> dict[str, Array]:
        """Mean hinge loss of the margins, and mean squared error of the boxes of positives."""
        del inputs, training
        iou = pairwise_iou(out.proposals, truth.boxes)
        counts = ops.logical_and(truth.valid, truth.weights > 0)
        iou = ops.where(counts[:, None, :], iou, 0.0)
        of_class = ops.cast(
            truth.classes[..., None] == ops.arange(self.num_classes, dtype="int32"), "float32"
        )
        overlap = ops.max(iou[..., None] * of_class[:, None], axis=2)
        positive = overlap >= _POSITIVE_IOU
        used = ops.logical_or(positive, overlap < self.negative_iou)
        used = ops.cast(ops.logical_and(used, out.valid[..., None]), "float32")
        signs = ops.where(positive, 1.0, -1.0)
        hinge = ops.relu(1.0 - signs * out.margins) * used
        best = ops.argmax(iou, axis=2)
        matched = ops.take_along_axis(truth.boxes, best[..., None], axis=1)
        # Where nothing is matched the target is the proposal itself, which is finite.
        found = ops.cast(ops.logical_and(positive, out.valid[..., None]), "float32")
        solid = ops.logical_and(ops.max(iou, axis=2) >= _POSITIVE_IOU, out.valid)
        somewhere = ops.convert_to_tensor([0.0, 0.0, 1.0, 1.0])
        proposals = ops.where(solid[..., None], out.proposals, somewhere)
        targets = CODER.encode(ops.where(solid[..., None], matched, somewhere), proposals)
        errors = ops.sum(ops.square(out.box_codes - targets[:, :, None]), axis=-1) * found
        return {
            "classification_loss": ops.sum(hinge) / ops.maximum(ops.sum(used), 1.0),
            "localization_loss": ops.sum(errors) / ops.maximum(ops.sum(found), 1.0),
        }


def mean_of_map(maps: Sequence[Array]) -> Array:
    """The vector `[B, D]` of each crop: the mean over the last map."""
    return ops.mean(ops.cast(maps[-1], "float32"), axis=(1, 2))


@detectors.register("rcnn")
def build_rcnn(config: schema.Rcnn, network: keras.Model | None = None) -> RCNN:
    """Turn `model { rcnn { ... } }` into a detector. Nothing above reads a config."""
    backbone = _backbone(config.feature_extractor, network)
    detector = RCNN(
        num_classes=config.num_classes,
        backbone=backbone,
        max_proposals=config.max_proposals,
        crop_size=config.crop_size,
        context=config.context,
        crops_at_once=config.crops_at_once,
        negative_iou=config.svm.negative_iou,
        suppression=NonMaxSuppression(
            score_threshold=config.score_threshold,
            iou_threshold=config.iou_threshold,
            max_per_class=config.max_detections_per_class,
            max_detections=config.max_total_detections,
        ),
        pad_value=region_padding_colour(config.image_resizer, backbone),
    )
    detector.build()
    return detector


def _backbone(config: schema.RcnnFeatureExtractor, network: keras.Model | None) -> Backbone:
    """The network of `config`, with its last map."""
    family = _family(config, network)
    built = family.build(
        depth_multiplier=1.0,
        min_depth=8,
        hyperparams=family.default_hyperparams.with_frozen_statistics(True),
        explicit_padding=False,
    )
    levels = family.level_outputs(built)
    last = max(level for level in levels if level <= 5)
    return family.backbone(built, [levels[last]])


def _family(config: schema.RcnnFeatureExtractor, network: keras.Model | None) -> BackboneFamily:
    if config.type in CROP_EXTRACTORS.neck_only:
        return network_of(config.backbone, network)
    name = backbone_of(config.type)
    if name in backbones:
        return backbones[name]
    raise ConfigError(
        three_part(
            f'feature_extractor.type: no feature extractor is called "{config.type}".',
            CROP_EXTRACTORS.offered(),
            f"{did_you_mean(config.type, list(CROP_EXTRACTORS.known))}Choose one of these names.",
        )
    )
