"""Feature pyramid network: coarse, meaningful features are carried down to fine, precise ones.

    C5 ─ 1x1 ─────────────► P5 ─ 3x3, stride 2 ─► P6 ─► P7 …
                            │ nearest, x2
    C4 ─ 1x1 ─► (+) ◄───────┘
                 └─ 3x3 ──► P4 …

Source: Lin et al. 2017 (FPN), figure 3.
Parity: models/feature_map_generators.py. The smoothed map, after its activation, is what is
upsampled, and the coarsest level has its 1x1 convolution only. In TensorFlow 1 the sum before the
smoothing is what is upsampled.
"""

from __future__ import annotations

from typing import Any

from keras.layers import Layer

from detectune.layers.hyperparams import ConvHyperparams, FixedPadding, run
from detectune.layers.upsample import double_size
from detectune.structures import Array


class FeaturePyramid(Layer):
    """Levels `min_level` to `max_level` from the backbone's, all of `depth` channels.

    Args:
        num_inputs: how many feature maps come from the backbone, fine to coarse.
        num_coarse: how many coarser levels are added by convolutions of stride 2.
        depth: channels of every level.
        hyperparams: of the added convolutions.
        use_depthwise: separable instead of dense 3x3 convolutions.
        explicit_padding: pad independently of the image size.
        carry_smoothed: upsample the smoothed maps, not the sums they were made from.
    """

    def __init__(
        self,
        *,
        num_inputs: int,
        num_coarse: int,
        depth: int,
        hyperparams: ConvHyperparams,
        use_depthwise: bool = False,
        explicit_padding: bool = False,
        carry_smoothed: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.hyperparams, self.depth = hyperparams, depth
        self.use_depthwise, self.explicit_padding = use_depthwise, explicit_padding
        self.carry_smoothed = carry_smoothed
        # Parity: laterals carry a bias and no batch norm (params(use_bias=True)).
        self.top = hyperparams.conv(depth, 1, use_bias=True)
        self.laterals = [hyperparams.conv(depth, 1, use_bias=True) for _ in range(num_inputs - 1)]
        self.smoothing = [self._block(stride=1) for _ in range(num_inputs - 1)]
        self.coarse = [self._block(stride=2) for _ in range(num_coarse)]

    def _block(self, stride: int) -> list[Layer]:
        """[padding] convolution, batch norm, activation."""
        padding = "valid" if self.explicit_padding else "same"
        make = self.hyperparams.separable if self.use_depthwise else self.hyperparams.conv
        block: list[Layer] = [FixedPadding(3)] if self.explicit_padding else []
        block.append(make(self.depth, 3, strides=stride, padding=padding))
        return [*block, self.hyperparams.norm(), self.hyperparams.act()]

    def call(self, features: list[Array], training: bool = False) -> list[Array]:
        """Pyramid levels, fine to coarse, from backbone `features`, fine to coarse."""
        level = self.top(features[-1])
        levels = [level]
        finer = list(reversed(features[:-1]))
        for feature, lateral, block in zip(finer, self.laterals, self.smoothing, strict=True):
            level = lateral(feature) + double_size(level, feature)
            smoothed = run(block, level, training)
            levels.insert(0, smoothed)
            level = smoothed if self.carry_smoothed else level
        level = levels[-1]
        for block in self.coarse:
            level = run(block, level, training)
            levels.append(level)
        return levels

    def compute_output_shape(self, input_shape: list[tuple]) -> list[tuple]:
        """Shapes of the levels, of which only the channels are known."""
        return [(None, None, None, self.depth)] * (len(input_shape) + len(self.coarse))

    def build(self, input_shape: list[tuple]) -> None:
        """Make the variables from the shapes of the backbone's feature maps."""
        self.top.build(input_shape[-1])
        inner = (None, None, None, self.depth)
        for shape, lateral in zip(reversed(input_shape[:-1]), self.laterals, strict=True):
            lateral.build(shape)
        for block in (*self.smoothing, *self.coarse):
            for layer in block:
                layer.build(inner)
        self.built = True
