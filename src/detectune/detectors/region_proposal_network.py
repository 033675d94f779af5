"""The first stage of Faster R-CNN: where in the image is something?

    maps ─► 3x3 convolution ─► head ─► Predictions: box_codes [B, A, 4], class_logits [B, A, 2]
                 training: losses   = sampled anchors, targets/anchor_targets.py
                 always:   propose  = boxes/coders.py, then boxes/nms.py ─► Proposals

Source: Ren et al. 2015 (Faster R-CNN), section 3.1. Parity: faster_rcnn_meta_arch.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from keras.layers import Layer

from detectune.boxes.anchors import AnchorGenerator, Size
from detectune.boxes.coders import BoxCoder
from detectune.boxes.nms import Kept, NonMaxSuppression
from detectune.errors import ConfigError, three_part
from detectune.heads.convolutional import ConvolutionalHead
from detectune.losses.classification import SoftmaxLoss
from detectune.losses.labelled import labelled_images
from detectune.losses.localization import SmoothL1Loss
from detectune.structures import Array, GroundTruth, Predictions, Proposals
from detectune.targets.anchor_targets import Assigner
from detectune.targets.samplers import BalancedSampler


class RegionProposalNetwork(Layer):
    """A region proposal network.

    Args:
        convolution, norm: one 3x3 convolution over every map, and what follows it.
        head: two logits (background, object) and a box code for every anchor.
        anchors: the boxes that codes are relative to.
        coder: between boxes and codes.
        nms: which proposals are kept.
        assigner: targets of one class with the background in column 0.
        sampler: which anchors count in the losses.
        localization_weight, objectness_weight: of the two losses.
        clip_anchors: in training, anchors that reach over the border are clipped, not left out.
    """

    loss_names = ("rpn_localization_loss", "rpn_objectness_loss")

    def __init__(
        self,
        *,
        convolution: Layer,
        norm: Layer,
        head: ConvolutionalHead,
        anchors: AnchorGenerator,
        coder: BoxCoder,
        nms: NonMaxSuppression,
        assigner: Assigner,
        sampler: BalancedSampler,
        localization_weight: float = 1.0,
        objectness_weight: float = 1.0,
        clip_anchors: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.convolution, self.norm, self.head = convolution, norm, head
        self.anchors, self.coder, self.nms = anchors, coder, nms
        self.assigner, self.sampler = assigner, sampler
        self.localization_weight = localization_weight
        self.objectness_weight = objectness_weight
        self.clip_anchors = clip_anchors
        self.sampler_seed = keras.random.SeedGenerator()

    def build(self, input_shape: list[tuple]) -> None:
        """Make the variables from the shapes of the maps."""
        self.convolution.build(input_shape[0])
        shape = self.convolution.compute_output_shape(input_shape[0])
        self.norm.build(shape)
        self.head.build([shape] * len(input_shape))
        self.built = True

    def call(self, maps: Sequence[Array], image_size: Size, training: bool = False) -> Predictions:
        """Codes and logits of the anchors that count, of maps `[B, H, W, D]`.

        Args:
            image_size: height and width of the input, pixels.
        """
        features = [self._features(one, training) for one in maps]
        out = self.head(features, training=training)
        _, indices = self._placed(image_size, maps, training)
        if len(indices) < out.box_codes.shape[1]:
            out = Predictions(*(ops.take(part, indices, axis=1) for part in out[:2]))
        return Predictions(
            ops.cast(out.box_codes, "float32"), ops.cast(out.class_logits, "float32")
        )

    def anchors_of(
        self, image_size: Size, maps: Sequence[Array], training: bool = False
    ) -> np.ndarray:
        """`[A, 4]`, yxyx in pixels: the anchors that `call` speaks of with these arguments."""
        return self._placed(image_size, maps, training)[0]

    def _features(self, features: Array, training: bool) -> Array:
        features = self.norm(self.convolution(features), training=training)
        # Parity: this activation, whatever the config asks for.
        return ops.relu6(features)

    def _placed(
        self, image_size: Size, maps: Sequence[Array], training: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Anchors `[A, 4]`, and which of all anchors they are.

        In training those that reach over the border are left out, as in the paper; otherwise
        they are clipped.
        """
        every = self.anchors(image_size, [(one.shape[1], one.shape[2]) for one in maps])
        limits = np.array([*image_size, *image_size], np.float32)
        clipped = np.clip(every, 0.0, limits)
        if training and self.clip_anchors:
            return clipped, np.arange(len(every))
        if training:
            indices = np.flatnonzero(np.all(every == clipped, axis=1))
            _refuse_no_anchors(len(indices), image_size)
            return every[indices], indices
        sides = clipped[:, 2:] - clipped[:, :2]
        indices = np.flatnonzero(np.all(sides > 0.0, axis=1))
        return clipped[indices], indices

    def decode(self, out: Predictions, anchors: Array) -> tuple[Array, Array]:
        """Boxes `[B, A, 4]` in pixels, not clipped, and probabilities `[B, A, 2]`."""
        boxes = self.coder.decode(out.box_codes, anchors)
        return boxes, ops.softmax(out.class_logits, axis=-1)

    def best(self, out: Predictions, anchors: Array, windows: Array) -> Kept:
        """The boxes that most likely hold an object, clipped to `windows` `[B, 4]`."""
        boxes, scores = self.decode(out, anchors)
        return self.nms(boxes, scores[..., 1:], windows)

    def propose(self, out: Predictions, anchors: Array, windows: Array) -> Proposals:
        """The same as proposals; no gradient flows through them."""
        frozen = out._replace(
            box_codes=ops.stop_gradient(out.box_codes),
            class_logits=ops.stop_gradient(out.class_logits),
        )
        kept = self.best(frozen, anchors, windows)
        return Proposals(kept.boxes, kept.valid, kept.scores)

    def named_losses(
        self, out: Predictions, anchors: Array, truth: GroundTruth
    ) -> dict[str, Array]:
        """Scalars "rpn_localization_loss" and "rpn_objectness_loss", weighted."""
        truth = truth._replace(classes=ops.zeros_like(truth.classes))
        targets = self.assigner(anchors, truth, out)
        chosen = self.sampler(
            targets.class_weights > 0.0,
            targets.matches >= 0,
            keras.random.uniform(ops.shape(targets.matches), seed=self.sampler_seed),
        )
        counts = ops.cast(chosen, "float32")
        normalizer = ops.maximum(ops.sum(counts, axis=1, keepdims=True), 1.0)
        box_losses = SmoothL1Loss()(out.box_codes, targets.box_codes, targets.box_weights * counts)
        object_losses = SoftmaxLoss()(out.class_logits, targets.class_targets, counts)
        images = labelled_images(truth)
        return {
            "rpn_localization_loss": self.localization_weight
            * ops.sum(box_losses / normalizer) / images,
            "rpn_objectness_loss": self.objectness_weight
            * ops.sum(object_losses / normalizer) / images,
        }  # fmt: skip


def _refuse_no_anchors(count: int, image_size: Size) -> None:
    if count == 0:
        height, width = image_size
        raise ConfigError(
            three_part(
                f"first_stage_anchor_generator: no anchor fits into an image of {height}x{width} "
                "pixels.",
                "In training, anchors that reach over the border are left out unless "
                "clip_anchors_to_image is true.",
                "Write clip_anchors_to_image: true, or smaller scales.",
            )
        )
