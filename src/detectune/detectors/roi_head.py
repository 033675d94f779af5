"""The second stage: what is in a proposed region, and where exactly?

    maps, proposals ─► crops ─► box features ─► RegionHead ─► RoIPredictions
         training:  named_losses a sample of them    = targets/anchor_targets.py, losses/
         inference: detections                    = boxes/coders.py, then boxes/nms.py
                    masks of the detected boxes   = crops ─► box features ─► mask head

Fast R-CNN, Faster R-CNN and Mask R-CNN share it: they differ in where proposals come from, and
whether there is a mask head. Source: Girshick 2015 (Fast R-CNN), He et al. 2017 (Mask R-CNN).
Parity: meta_architectures/faster_rcnn_meta_arch.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import keras
import numpy as np
from keras import ops
from keras.layers import Layer

from detectune.boxes.anchors import Size
from detectune.boxes.coders import BoxCoder
from detectune.boxes.convert import clip
from detectune.boxes.nms import Kept
from detectune.detectors.builders.post_processing import Suppression
from detectune.detectors.roi_losses import RoILosses, RoIPredictions, matched_classes
from detectune.heads.masks import MaskHead
from detectune.losses.masks import mask_loss
from detectune.structures import (
    Array,
    GroundTruth,
    PaddedDetections,
    Proposals,
    RawDetections,
)
from detectune.targets.samplers import first_indices


class RoICrops(Protocol):
    """What the second stage expects of the way regions are cut out of feature maps."""

    @property
    def output_size(self) -> Size | None:
        """Height and width of a crop; None for whole maps."""
        ...

    @property
    def soft_border(self) -> bool:
        """Whether samples beyond the border fade to 0, see `layers.regions`."""
        ...

    def __call__(self, maps: Sequence[Array], boxes: Array, image_size: Size) -> Array:
        """Crops `[B·P, h, w, D]` of maps `[B, H, W, D]` at boxes `[B, P, 4]`, see `PooledCrops`."""
        ...


class RoIHead(Layer):
    """Classifies regions, moves their boxes, and may draw their masks.

    Args:
        crops: cuts regions out of the maps.
        box_features: crops → features, the last blocks of the backbone for example.
        head: features and boxes, as fractions of the image → class logits and box codes.
        coder: between boxes and codes.
        losses: what training minimizes.
        to_scores: class logits → scores, the background in column 0.
        nms: which boxes are kept.
        mask_head: features and classes → mask logits `[M, 1, h, w]`; None for boxes only.
        gives_features: whether detections carry the features of their boxes.
        crop_relative_to_input: whether features of detections are cut out where the boxes are. If
            not, fractions of the picture are taken for fractions of the padded input.
    """

    def __init__(
        self,
        *,
        crops: RoICrops,
        box_features: Layer,
        head: Layer,
        coder: BoxCoder,
        losses: RoILosses,
        to_scores: Callable[[Array], Array],
        nms: Suppression,
        mask_head: MaskHead | None = None,
        gives_features: bool = False,
        crop_relative_to_input: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.crops, self.box_features, self.head = crops, box_features, head
        self.coder, self.roi_losses = coder, losses
        self.to_scores, self.nms, self.mask_head = to_scores, nms, mask_head
        self.gives_features = gives_features
        self.crop_relative_to_input = crop_relative_to_input
        self.sampler_seed = keras.random.SeedGenerator()

    @property
    def loss_names(self) -> tuple[str, ...]:
        names = ("localization_loss", "classification_loss")
        return names if self.mask_head is None else (*names, "mask_loss")

    def build(self, input_shape: tuple) -> None:
        """Make the variables from the shape of a map."""
        patches = (None, *(self.crops.output_size or (None, None)), input_shape[-1])
        shape = self.box_features.compute_output_shape(patches)
        if not self.head.built:
            self.head.build(shape)
        if self.mask_head is not None and not self.mask_head.built:
            self.mask_head.build(shape)
        self.built = True

    def call(
        self, maps: Sequence[Array], proposals: Proposals, image_size: Size, training: bool = False
    ) -> RoIPredictions:
        """Predictions for all proposals.

        Args:
            image_size: height and width of the input, pixels.
        """
        features = self.features(maps, proposals.boxes, image_size, training)
        boxes = in_fractions(proposals.boxes, image_size)
        out = self.head(features, boxes=boxes, training=training)
        count = proposals.boxes.shape[1]
        return RoIPredictions(
            box_codes=ops.reshape(out.box_codes, (-1, count, *out.box_codes.shape[1:])),
            class_logits=ops.reshape(out.class_logits, (-1, count, out.class_logits.shape[-1])),
            proposals=proposals,
            features=features,
        )

    def features(
        self, maps: Sequence[Array], boxes: Array, image_size: Size, training: bool = False
    ) -> Array:
        """Features `[B·P, h, w, D]` of boxes `[B, P, 4]` in pixels."""
        crops = self.crops(maps, in_fractions(boxes, image_size), image_size)
        return self.box_features(crops, training=training)

    # --- training ---------------------------------------------------------------------------------

    def sample(self, proposals: Proposals, truth: GroundTruth) -> Proposals:
        """The proposals that this step learns from."""
        preference = keras.random.uniform(ops.shape(proposals.valid), seed=self.sampler_seed)
        return self.roi_losses.sample(proposals, truth, preference)

    def named_losses(
        self,
        proposals: Proposals,
        truth: GroundTruth,
        maps: Sequence[Array],
        *,
        windows: Array,
        image_size: Size,
        training: bool,
    ) -> dict[str, Array]:
        """Scalars by the names of `loss_names`, each already weighted.

        Args:
            proposals: in training, a sample of them counts; otherwise all do.
            windows: `[B, 4]`, where the pictures are in the input.
            image_size: height and width of the input, pixels.
        """
        if training:
            proposals = self.sample(proposals, truth)
        out = self(maps, proposals=proposals, image_size=image_size, training=training)
        named = self.roi_losses(out, truth)
        if self.mask_head is None:
            return named
        regions, features = proposals, out.features
        if not training:
            # Parity: masks are then judged at the boxes found, not at those proposed.
            found = self.detections(out, windows)
            regions = Proposals(found.boxes, found.valid)
            features = self.features_of(found, maps, windows, image_size)
        return named | {"mask_loss": self.mask_loss(features, regions, truth, training)}

    def mask_loss(
        self, features: Array, regions: Proposals, truth: GroundTruth, training: bool
    ) -> Array:
        """The weighted mask loss of `regions` with features `[B·P, h, w, D]`."""
        assert self.mask_head is not None
        targets = self.roi_losses.assigner(regions.boxes, truth)
        masks = truth.column("masks")
        boxes = in_fractions(regions.boxes, masks.shape[2:])
        weights = targets.box_weights * ops.cast(regions.valid, "float32")
        rows, classes = ops.maximum(targets.matches, 0), matched_classes(targets, truth)
        most = self._most_with_masks(training)
        if most is not None and most < weights.shape[1]:
            indices, real = first_indices(weights > 0.0, most)
            boxes = ops.take_along_axis(boxes, indices[..., None], axis=1)
            weights, rows, classes = (
                ops.take_along_axis(each, indices, axis=1) for each in (weights, rows, classes)
            )
            weights = weights * ops.cast(real, "float32")
            starts = ops.arange(ops.shape(indices)[0], dtype="int32") * regions.boxes.shape[1]
            features = ops.take(features, ops.reshape(indices + starts[:, None], (-1,)), axis=0)
        logits = self.mask_head(features, classes=ops.reshape(classes, (-1,)), training=training)
        return self.roi_losses.mask_weight * mask_loss(
            logits,
            boxes=boxes,
            weights=weights,
            rows=rows,
            classes=classes,
            masks=masks,
            soft_border=self.crops.soft_border,
        )

    def _most_with_masks(self, training: bool) -> int | None:
        """How many regions of an image may show an object, and so have a mask to learn from.

        None if that is not known, or if the others matter too.
        """
        losses = self.roi_losses
        size, share = losses.sampler.size, losses.sampler.positive_fraction
        independent = self.mask_head is not None and self.mask_head.regions_are_independent
        if not training or not independent or losses.miner is not None or size is None:
            return None
        return max(int(share * size), 1)

    # --- inference --------------------------------------------------------------------------------

    def decode(self, out: RoIPredictions) -> tuple[Array, Array]:
        """Boxes `[B, P, K, 4]` in pixels, not clipped, and scores `[B, P, C + 1]`."""
        boxes = self.coder.decode(out.box_codes, out.proposals.boxes[:, :, None])
        return boxes, self.to_scores(out.class_logits)

    def postprocess_with_raw(
        self, proposals: Proposals, maps: Sequence[Array], *, windows: Array, image_size: Size
    ) -> tuple[PaddedDetections, RawDetections]:
        """The best boxes with all that belongs to them, and the boxes of all proposals.

        Args:
            windows: `[B, 4]`, where the pictures are in the input.
            image_size: height and width of the input, pixels.
        """
        out = self(maps, proposals=proposals, image_size=image_size)
        found = self.detections(out, windows)
        if self.mask_head is not None or self.gives_features:
            features = self.features_of(found, maps, windows, image_size)
            if self.mask_head is not None:
                found = found._replace(masks=self.masks(found, features))
            if self.gives_features:
                shape = (-1, found.classes.shape[1], *features.shape[1:])
                found = found._replace(features=ops.reshape(features, shape))
        return found, self.raw_detections(out, windows)

    def detections(self, out: RoIPredictions, windows: Array) -> PaddedDetections:
        """The best boxes of every image, clipped to `windows` `[B, 4]`; no masks yet."""
        boxes, scores = self.decode(out)
        real = ops.where(out.proposals.valid[..., None], scores[..., 1:], -1.0)
        kept = self.nms(boxes[:, :, 0] if boxes.shape[2] == 1 else boxes, real, windows)
        return as_detections(kept, scores)

    def raw_detections(self, out: RoIPredictions, windows: Array) -> RawDetections:
        """The box of every proposal, that of the best class if each class has its own.

        Parity: clipped, unlike the raw boxes of an SSD.
        """
        boxes, scores = self.decode(out)
        if boxes.shape[2] == 1:
            boxes = boxes[:, :, 0]
        else:
            best = ops.argmax(scores[..., 1:], axis=-1)[..., None, None]
            boxes = ops.take_along_axis(boxes, ops.cast(best, "int32"), axis=2)[:, :, 0]
        return RawDetections(clip(boxes, windows[:, None]), scores)

    def features_of(
        self, found: PaddedDetections, maps: Sequence[Array], windows: Array, image_size: Size
    ) -> Array:
        """Features `[B·K, h, w, D]` of detections."""
        boxes = found.boxes
        if not self.crop_relative_to_input:
            # Parity: what is a fraction of the picture is taken for one of the padded input.
            pictures = windows[:, 2:] - windows[:, :2]
            stretch = np.array(image_size, np.float32) / pictures
            boxes = boxes * ops.tile(stretch, (1, 2))[:, None]
        return self.features(maps, boxes, image_size)

    def masks(self, found: PaddedDetections, features: Array) -> Array:
        """`[B, K, h, w]`, 0–1: masks of detections, from their features `[B·K, h, w, D]`."""
        assert self.mask_head is not None
        classes = ops.reshape(found.classes, (-1,))
        logits = self.mask_head(features, classes=classes, training=False)
        shape = (-1, found.classes.shape[1], *logits.shape[2:])
        return ops.sigmoid(ops.reshape(ops.cast(logits, "float32"), shape))


def in_fractions(boxes: Array, image_size: Size) -> Array:
    """Boxes `[B, P, 4]` in pixels as fractions of the image."""
    return boxes / np.array([*image_size, *image_size], np.float32)


def as_detections(kept: Kept, scores: Array) -> PaddedDetections:
    """What suppression kept, with all scores `[B, A, C + 1]` of the boxes it came from."""
    class_scores = ops.take_along_axis(scores, kept.indices[..., None], axis=1)
    return PaddedDetections(
        boxes=kept.boxes,
        scores=kept.scores,
        classes=kept.classes,
        valid=kept.valid,
        class_scores=class_scores * ops.cast(kept.valid, "float32")[..., None],
        anchor_indices=kept.indices,
    )
