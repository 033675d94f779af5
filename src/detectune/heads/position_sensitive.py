"""The head of R-FCN: every part of a region asks score maps of its own.

    features of the whole image ─► 1x1 ─┬─► 1x1 ─► box maps [B, H, W, bins · C · 4] ─┐
                                        └─► 1x1 ─► class maps [B, H, W, bins · (C+1)] ├─► means
    regions [B, P, 4] ──────────────────────────────────────────────────────────────┘ over parts

What a region costs is only the mean: all convolutions see the image once.
Source: Dai et al. 2016 (R-FCN). Parity: predictors/rfcn_keras_box_predictor.py.
"""

from __future__ import annotations

from typing import Any

from keras import ops
from keras.layers import Conv2D, Layer

from detectune.boxes.anchors import Size
from detectune.heads.roi_box import RegionOutputs
from detectune.layers.hyperparams import ConvHyperparams
from detectune.layers.regions import position_sensitive_pool
from detectune.structures import Array


class PositionSensitiveHead(Layer):
    """Score maps, and their means over the parts of regions.

    Args:
        num_classes: without background. Boxes are never shared between classes.
        hyperparams: how convolutions are made; a batch norm follows the last ones as well.
        bins: parts of a region along y and x.
        crop_size: samples of a region along y and x, divisible by `bins`.
        depth: channels before the score maps.
        code_size: numbers that say a box.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        hyperparams: ConvHyperparams,
        bins: Size = (3, 3),
        crop_size: Size = (12, 12),
        depth: int = 1024,
        code_size: int = 4,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.bins, self.crop_size = bins, crop_size
        self.num_classes, self.code_size = num_classes, code_size
        parts = bins[0] * bins[1]
        self.reduction = hyperparams.conv(depth, 1)
        self.reduction_norm, self.activation = hyperparams.norm(), hyperparams.act()
        self.box_maps = hyperparams.conv(parts * num_classes * code_size, 1)
        self.box_norm = hyperparams.norm()
        self.class_maps = hyperparams.conv(parts * (num_classes + 1), 1)
        self.class_norm = hyperparams.norm()

    def build(self, input_shape: tuple) -> None:
        """Make the variables from the shape of the features."""
        _build(self.reduction, self.reduction_norm, input_shape[-1])
        _build(self.box_maps, self.box_norm, self.reduction.filters)
        _build(self.class_maps, self.class_norm, self.reduction.filters)
        self.built = True

    def call(self, features: Array, boxes: Array, training: bool = False) -> RegionOutputs:
        """Codes and logits of boxes `[B, P, 4]`, fractions of the image, on maps `[B, H, W, D]`."""
        net = self.reduction_norm(self.reduction(features), training=training)
        net = self.activation(net)
        codes = self._means(self.box_norm(self.box_maps(net), training=training), boxes)
        logits = self._means(self.class_norm(self.class_maps(net), training=training), boxes)
        codes = ops.reshape(codes, (-1, self.num_classes, self.code_size))
        logits = ops.reshape(logits, (-1, self.num_classes + 1))
        return RegionOutputs(ops.cast(codes, "float32"), ops.cast(logits, "float32"))

    def _means(self, maps: Array, boxes: Array) -> Array:
        return position_sensitive_pool(maps, boxes, self.bins, self.crop_size)


def _build(conv: Conv2D, norm: Layer, channels: int) -> None:
    conv.build((None, None, None, channels))
    norm.build((None, None, None, conv.filters))
