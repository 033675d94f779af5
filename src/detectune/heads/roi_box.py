"""The heads on the features of a region: its class, and a finer box.

Parity: predictors/mask_rcnn_keras_box_predictor.py, predictors/heads/keras_{box,class}_head.py.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops
from keras.layers import Dense, Dropout, Layer

from detectune.layers.hyperparams import ConvHyperparams
from detectune.structures import Array


class RegionOutputs(NamedTuple):
    """What is said about `M` regions."""

    box_codes: Array
    """`[M, K, 4]` float32, relative to the region; `K` is 1 or the number of classes."""
    class_logits: Array
    """`[M, C + 1]` float32, the background in column 0."""


class RegionHead(Layer):
    """Two dense layers on the mean of the features.

    Args:
        num_classes: without background.
        hyperparams: initializer and regularizer of the dense layers.
        shared_boxes: one box for all classes instead of one for each.
        code_size: numbers that say a box.
        dropout: rate before both layers, or None for no such layer.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        hyperparams: ConvHyperparams,
        shared_boxes: bool = False,
        code_size: int = 4,
        dropout: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.boxes_per_region, self.code_size = 1 if shared_boxes else num_classes, code_size
        self.box_dropout = None if dropout is None else Dropout(dropout)
        self.class_dropout = None if dropout is None else Dropout(dropout)
        self.box_layer = self._dense(self.boxes_per_region * code_size, hyperparams)
        self.class_layer = self._dense(num_classes + 1, hyperparams)

    @staticmethod
    def _dense(units: int, hyperparams: ConvHyperparams) -> Dense:
        return Dense(
            units,
            kernel_initializer=hyperparams.new_initializer(),
            kernel_regularizer=hyperparams.regularizer,
        )

    def build(self, input_shape: tuple) -> None:
        """Make the variables from the shape of the features."""
        for layer in (self.box_layer, self.class_layer):
            layer.build((None, input_shape[-1]))
        self.built = True

    def call(self, features: Array, boxes: Array, training: bool = False) -> RegionOutputs:
        """Codes and logits of regions with features `[M, h, w, D]`, wherever `boxes` are."""
        del boxes
        means = ops.mean(features, axis=(1, 2))
        seen = means if self.box_dropout is None else self.box_dropout(means, training=training)
        codes = ops.reshape(self.box_layer(seen), (-1, self.boxes_per_region, self.code_size))
        seen = means if self.class_dropout is None else self.class_dropout(means, training=training)
        logits = self.class_layer(seen)
        return RegionOutputs(ops.cast(codes, "float32"), ops.cast(logits, "float32"))
