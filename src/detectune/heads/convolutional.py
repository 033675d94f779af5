"""Convolutional heads: box codes and class logits at every place of every feature map.

`ConvolutionalHead` (SSD) has convolutions of its own for every level. `WeightSharedHead`
(RetinaNet, EfficientDet) runs one set of convolutions over all levels; only batch norms are kept
apart, because the levels' statistics differ.

Parity: predictors/convolutional_keras_box_predictor.py and predictors/heads/.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import keras
from keras import ops
from keras.layers import Dropout, Layer

from detectune.layers.hyperparams import ConvHyperparams, run
from detectune.structures import Array, Predictions


class Head(Protocol):
    """What a detector expects of a head."""

    def __call__(self, features: list[Array], training: bool = False) -> Predictions:
        """Predictions for all anchors, level by level, from feature maps `[B, H, W, D]`."""
        ...


def _by_anchor(maps: list[Array], size: int) -> Array:
    """`[B, A, size]` from maps `[B, H, W, K·size]`, in the order of the anchors."""
    batch = ops.shape(maps[0])[0]
    rows = [
        ops.reshape(one, (batch, one.shape[1] * one.shape[2] * (one.shape[3] // size), size))
        for one in maps
    ]
    return ops.concatenate(rows, axis=1)


@dataclass(frozen=True)
class Outputs:
    """What a head says about an anchor, and in which form.

    Args:
        per_anchor: class logits, the background among them if there is one.
        code_size: numbers that say a box.
        apply_sigmoid: turn class logits into probabilities here, except in training.
        sigmoid_in_training: in training too. Parity: TensorFlow 1's convolutional box predictor.
        code_limits: lowest and highest box code.
    """

    per_anchor: int
    code_size: int = 4
    apply_sigmoid: bool = False
    sigmoid_in_training: bool = False
    code_limits: tuple[float, float] | None = None

    def gather(self, codes: list[Array], logits: list[Array], training: bool) -> Predictions:
        """Predictions for all anchors from the maps `[B, H, W, K·size]` of every level."""
        boxes, scores = _by_anchor(codes, self.code_size), _by_anchor(logits, self.per_anchor)
        sigmoid = self.apply_sigmoid and (self.sigmoid_in_training or not training)
        return Predictions(
            box_codes=boxes if self.code_limits is None else ops.clip(boxes, *self.code_limits),
            class_logits=ops.sigmoid(scores) if sigmoid else scores,
        )


class ConvolutionalHead(Layer):
    """A pair of small convolutional networks per level.

    Args:
        per_location: anchors at each place, per level.
        outputs: what is said about each anchor.
        hyperparams: of all convolutions.
        kernel_size: of the predicting convolutions.
        num_shared: 1x1 convolutions that both networks of a level share.
        shared_depth_limits: least and greatest channels of these, which otherwise are as many as
            those of the level.
        use_depthwise: depthwise 3x3 and pointwise instead of a dense predicting convolution.
        dropout: rate before the class prediction, or None for no such layer.
        class_bias: initial class logits.
    """

    def __init__(
        self,
        *,
        per_location: Sequence[int],
        outputs: Outputs,
        hyperparams: ConvHyperparams,
        kernel_size: int = 1,
        num_shared: int = 0,
        shared_depth_limits: tuple[int, int] = (0, 0),
        use_depthwise: bool = False,
        dropout: float | None = None,
        class_bias: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.hyperparams, self.kernel_size = hyperparams, kernel_size
        self.use_depthwise, self.dropout = use_depthwise, dropout
        self.outputs = outputs
        self.num_shared, self.shared_depth_limits = num_shared, shared_depth_limits
        self.shared: list[list[Layer]] = []
        bias = keras.initializers.Constant(class_bias)
        self.box_layers = [self._predictor(outputs.code_size * count) for count in per_location]
        self.class_layers = [
            self._predictor(outputs.per_anchor * count, dropout=True, bias_initializer=bias)
            for count in per_location
        ]

    def _predictor(self, filters: int, dropout: bool = False, **kwargs: Any) -> list[Layer]:
        hyperparams = self.hyperparams
        layers: list[Layer] = []
        if dropout and self.dropout is not None:
            layers.append(Dropout(self.dropout))
        if self.use_depthwise:
            layers += [
                hyperparams.depthwise(self.kernel_size, plain=True),
                hyperparams.norm(),
                hyperparams.act(),
            ]
        kernel = 1 if self.use_depthwise else self.kernel_size
        return [*layers, hyperparams.conv(filters, kernel, use_bias=True, **kwargs)]

    def build(self, input_shape: list[tuple]) -> None:
        """Make the variables from the shapes of the feature maps."""
        low, high = self.shared_depth_limits
        for level, shape in enumerate(input_shape):
            depth = max(min(shape[-1], high), low)
            shared: list[Layer] = []
            for _ in range(self.num_shared if depth > 0 else 0):
                shared += [
                    self.hyperparams.conv(depth, 1),
                    self.hyperparams.norm(),
                    self.hyperparams.act(),
                ]
            self.shared.append(shared)
            shape = _build(shared, shape)
            _build(self.box_layers[level], shape)
            _build(self.class_layers[level], shape)
        self.built = True

    def call(self, features: list[Array], training: bool = False) -> Predictions:
        shared = [
            run(layers, feature, training)
            for layers, feature in zip(self.shared, features, strict=True)
        ]
        codes = [run(b, x, training) for b, x in zip(self.box_layers, shared, strict=True)]
        logits = [run(c, x, training) for c, x in zip(self.class_layers, shared, strict=True)]
        return self.outputs.gather(codes, logits, training)


@dataclass(frozen=True)
class Tower:
    """The convolutions before the predicting ones.

    Args:
        depth: channels of each.
        num_layers: how many there are.
        shared: one tower for boxes and classes instead of one each.
        style_pointwise: initializer and regularizer also for pointwise kernels.
    """

    depth: int
    num_layers: int
    shared: bool = False
    style_pointwise: bool = False


class WeightSharedHead(Layer):
    """One tower of convolutions and one predicting convolution, run over all levels.

    Args:
        per_location: anchors at each place, the same at every level.
        num_levels: how many feature maps will come.
        outputs: what is said about each anchor.
        hyperparams: of all convolutions; without a batch norm there is none in the towers.
        tower: what comes before the predicting convolutions.
        kernel_size: of tower and predicting convolutions.
        use_depthwise: separable instead of dense convolutions.
        style_heads: initializer and regularizer also for separable kernels that predict.
        dropout: rate before the class prediction, or None for no such layer.
        class_bias: initial class logits.
    """

    def __init__(
        self,
        *,
        per_location: int,
        num_levels: int,
        outputs: Outputs,
        hyperparams: ConvHyperparams,
        tower: Tower,
        kernel_size: int = 3,
        use_depthwise: bool = False,
        style_heads: bool = False,
        dropout: float | None = None,
        class_bias: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.hyperparams, self.tower = hyperparams, tower
        self.num_levels, self.outputs = num_levels, outputs
        self.kernel_size, self.use_depthwise = kernel_size, use_depthwise
        self.projections: list[list[Layer]] = []
        self.box_convs, self.box_tower = self._tower()
        self.class_convs, self.class_tower = (
            (self.box_convs, self.box_tower) if tower.shared else self._tower()
        )
        self.box_predictor = self._conv(
            outputs.code_size * per_location, style_heads, style_heads, use_bias=True
        )
        self.class_dropout = None if dropout is None else Dropout(dropout)
        self.class_predictor = self._conv(
            outputs.per_anchor * per_location,
            style_heads,
            style_heads,
            use_bias=True,
            bias_initializer=keras.initializers.Constant(class_bias),
        )

    def _conv(
        self, filters: int, style_depthwise: bool, style_pointwise: bool, **kwargs: Any
    ) -> Layer:
        if not self.use_depthwise:
            return self.hyperparams.conv(filters, self.kernel_size, **kwargs)
        return self.hyperparams.separable(
            filters,
            self.kernel_size,
            style_depthwise=style_depthwise,
            style_pointwise=style_pointwise,
            **kwargs,
        )

    @property
    def _tower_bias(self) -> bool:
        # Parity: whether the batch norm has an offset does not matter here.
        return self.hyperparams.force_bias or self.hyperparams.batch_norm is None

    def _tower(self) -> tuple[list[Layer], list[list[Layer]]]:
        """The shared convolutions, and for each level [convolution, batch norm, activation, …]."""
        convs = [
            self._conv(
                self.tower.depth, True, self.tower.style_pointwise, use_bias=self._tower_bias
            )
            for _ in range(self.tower.num_layers)
        ]
        levels = [
            [layer for conv in convs for layer in (conv, *self._after_conv())]
            for _ in range(self.num_levels)
        ]
        return convs, levels

    def _after_conv(self) -> list[Layer]:
        norm = [self.hyperparams.norm()] if self.hyperparams.batch_norm is not None else []
        return [*norm, self.hyperparams.act()]

    def build(self, input_shape: list[tuple]) -> None:
        """Make the variables from the shapes of the feature maps."""
        channels = [shape[-1] for shape in input_shape]
        common = max(set(channels), key=channels.count)
        for shape in input_shape:
            projection = self._projection(common) if len(set(channels)) > 1 else []
            self.projections.append(projection)
            _build(projection, shape)
        shape = (None, None, None, common)
        for tower in (self.box_tower, self.class_tower):
            for layers in tower:
                _build(layers, shape)
        if self.tower.num_layers:
            shape = (None, None, None, self.tower.depth)
        self.box_predictor.build(shape)
        self.class_predictor.build(shape)
        self.built = True

    def _projection(self, channels: int) -> list[Layer]:
        norm = [self.hyperparams.norm()] if self.hyperparams.batch_norm is not None else []
        return [self.hyperparams.conv(channels, 1, use_bias=self._tower_bias), *norm]

    def call(self, features: list[Array], training: bool = False) -> Predictions:
        codes, logits = [], []
        for level, feature in enumerate(features):
            feature = run(self.projections[level], feature, training)
            box_feature = run(self.box_tower[level], feature, training)
            class_feature = box_feature
            if not self.tower.shared:
                class_feature = run(self.class_tower[level], feature, training)
            if self.class_dropout is not None:
                class_feature = self.class_dropout(class_feature, training=training)
            codes.append(self.box_predictor(box_feature))
            logits.append(self.class_predictor(class_feature))
        return self.outputs.gather(codes, logits, training)


def _build(layers: list[Layer], shape: tuple) -> tuple:
    """Build `layers` one after the other; the shape that comes out."""
    for layer in layers:
        if not layer.built:
            layer.build(shape)
        shape = layer.compute_output_shape(shape)
    return shape
