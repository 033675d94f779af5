"""One prediction for each cell of a map: what is here, and how far it reaches.

images ─► backbone ─► 1x1 convolutions ─► class logits and distances to four sides, of each cell

A cell whose centre lies in a box has to find it; in several boxes, the smallest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from detectune.backbones.base import Backbone
from detectune.boxes.nms import NonMaxSuppression
from detectune.detectors.base import Detector
from detectune.registry import backbones, detectors
from detectune.structures import Array, GroundTruth, Inputs, PaddedDetections, image_size

from .toys_pb2 import Cells


class CellPredictions(NamedTuple):
    """What the heads say about each of `h · w` cells."""

    class_logits: Array
    """`[B, h, w, C]` float32."""
    distances: Array
    """`[B, h, w, 4]` float32, from the centre to top, left, bottom and right, in cells."""


class CellTargets(NamedTuple):
    """What they should say about `A` cells."""

    found: Array
    """`[B, A]` float32: how much the object counts whose cell this is; 0 where there is none."""
    classes: Array
    """`[B, A]` int32."""
    distances: Array
    """`[B, A, 4]` float32, pixels."""


class CellDetector(Detector):
    """A detector without anchors; every argument is a finished part."""

    loss_names = ("classification_loss", "localization_loss")

    def __init__(
        self, *, num_classes: int, backbone: Backbone, nms: NonMaxSuppression, weigh: bool = False
    ) -> None:
        super().__init__(num_classes=num_classes, pad_value=backbone.pad_value, name="cells")
        self.backbone, self.nms, self.weigh = backbone, nms, weigh
        rare = keras.initializers.Constant(-2.0)  # most cells have no object
        self.classes = keras.layers.Conv2D(num_classes, 1, bias_initializer=rare)
        self.distances = keras.layers.Conv2D(4, 1, activation="softplus")
        for head in (self.classes, self.distances):
            head.build(backbone.output_shapes[-1])
        self.built = True

    def features(self, images: Array, training: bool = False) -> Sequence[Array]:
        return self.backbone(images, training=training)

    def heads(
        self, inputs: Inputs, maps: Sequence[Array], training: bool = False
    ) -> CellPredictions:
        return CellPredictions(self.classes(maps[-1]), self.distances(maps[-1]))

    def decode(
        self, inputs: Inputs | Array, out: CellPredictions
    ) -> tuple[np.ndarray, Array, Array]:
        """Centres `[A, 2]` yx and distances `[B, A, 4]`, pixels, and class logits `[B, A, C]`."""
        rows, columns = out.distances.shape[1:3]
        height, width = image_size(inputs)
        stride = np.array([height / rows, width / columns], np.float32)
        cells = np.stack(np.mgrid[:rows, :columns], axis=-1).reshape(-1, 2).astype(np.float32)
        distances = ops.reshape(out.distances, (-1, rows * columns, 4)) * np.tile(stride, 2)
        logits = ops.reshape(out.class_logits, (-1, rows * columns, self.num_classes))
        return (cells + 0.5) * stride, distances, logits

    def named_losses(
        self,
        inputs: Inputs | Array,
        truth: GroundTruth,
        out: CellPredictions,
        *,
        training: bool = True,
    ) -> dict[str, Array]:
        centres, distances, logits = self.decode(inputs, out)
        wanted = self._targets(truth, centres)
        found = ops.cast(wanted.found > 0.0, "float32")
        counts = ops.where(found > 0.0, wanted.found, 1.0)
        if truth.labelled is not None:
            counts = counts * ops.cast(truth.labelled, "float32")[:, None]
        classes = ops.one_hot(wanted.classes, self.num_classes) * found[..., None]
        wrong = ops.binary_crossentropy(classes, logits, from_logits=True)
        off = ops.mean(ops.abs(distances - wanted.distances), axis=-1) / image_size(inputs)[0]
        total = ops.maximum(ops.sum(wanted.found), 1.0)
        return {
            "classification_loss": ops.sum(ops.sum(wrong, axis=-1) * counts) / total,
            "localization_loss": ops.sum(off * wanted.found) / total,
        }

    def _targets(self, truth: GroundTruth, centres: np.ndarray) -> CellTargets:
        y, x = centres[:, :1], centres[:, 1:]
        top, left, bottom, right = (truth.boxes[:, None, :, side] for side in range(4))
        sides = ops.stack([y - top, x - left, bottom - y, right - x], axis=-1)  # [B, A, N, 4]
        inside = ops.logical_and(ops.min(sides, axis=-1) > 0.0, truth.valid[:, None])
        size = ops.where(inside, (bottom - top) * (right - left), 1e9)
        owner = ops.argmin(size, axis=-1)
        weights = truth.weights * truth.column("certainty") if self.weigh else truth.weights
        return CellTargets(
            ops.take_along_axis(weights, owner, axis=1)
            * ops.cast(ops.any(inside, axis=-1), "float32"),
            ops.take_along_axis(truth.classes, owner, axis=1),
            ops.take_along_axis(sides, owner[..., None, None], axis=2)[:, :, 0],
        )

    def postprocess(
        self, inputs: Inputs | Array, out: CellPredictions, sizes: Array
    ) -> PaddedDetections:
        centres, distances, logits = self.decode(inputs, out)
        corners = [centres - distances[..., :2], centres + distances[..., 2:]]
        sizes = ops.cast(sizes, "float32")
        windows = ops.concatenate([ops.zeros_like(sizes), sizes], axis=-1)
        scores = ops.sigmoid(logits)
        kept = self.nms(ops.concatenate(corners, axis=-1), scores, windows)
        return PaddedDetections(kept.boxes, kept.scores, kept.classes, kept.valid)


@detectors.register("cells")
def build_cells(config: Cells) -> CellDetector:
    """Turn `model { [detectune_toys.cells] { … } }` into a detector."""
    family = backbones[config.backbone]
    network = family.build(
        depth_multiplier=1.0, min_depth=8, hyperparams=None, explicit_padding=False
    )
    level = family.level_outputs(network)[4]
    return CellDetector(
        num_classes=config.num_classes,
        backbone=family.backbone(network, [level]),
        nms=NonMaxSuppression(score_threshold=0.01, iou_threshold=0.5, max_detections=20),
        weigh=config.weigh_by_certainty,
    )
