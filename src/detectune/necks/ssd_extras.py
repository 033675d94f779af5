"""The extra feature layers of SSD: each halves the map before it.

    backbone maps ─────────────────────────────────► levels 0, 1, …
    the last one ─► 1x1, half depth ─► 3x3, stride 2 ─► next level ─► …

Source: Liu et al. 2016, figure 2. Parity: models/feature_map_generators.py,
KerasMultiResolutionFeatureMaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras.layers import Layer

from detectune.layers.hyperparams import ConvHyperparams, FixedPadding, run
from detectune.structures import Array


class SsdExtraLayers(Layer):
    """The backbone's feature maps, followed by one map for every entry of `depths`.

    Args:
        num_inputs: how many feature maps come from the backbone.
        depths: channels of each added map.
        depth_multiplier, min_depth: applied to every added convolution.
        hyperparams: of the added convolutions.
        use_depthwise: depthwise and pointwise instead of dense 3x3 convolutions.
        explicit_padding: pad independently of the image size.
        kernel_sizes: of the halving convolutions, 3 unless given.
    """

    def __init__(
        self,
        *,
        num_inputs: int,
        depths: Sequence[int],
        depth_multiplier: float,
        min_depth: int,
        hyperparams: ConvHyperparams,
        use_depthwise: bool = False,
        explicit_padding: bool = False,
        kernel_sizes: Sequence[int] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_inputs = num_inputs
        self.hyperparams, self.explicit_padding = hyperparams, explicit_padding
        self.blocks: list[list[Layer]] = []
        kernels = list(kernel_sizes) or [3] * len(depths)
        for depth, kernel in zip(depths, kernels, strict=True):
            half = max(int(depth / 2 * depth_multiplier), min_depth)
            full = max(int(depth * depth_multiplier), min_depth)
            block = [hyperparams.conv(half, 1), hyperparams.norm(), hyperparams.act()]
            halve = self._depthwise if use_depthwise else self._dense
            self.blocks.append(block + halve(full, kernel))

    def _dense(self, depth: int, kernel: int) -> list[Layer]:
        hyperparams = self.hyperparams
        conv = hyperparams.conv(depth, kernel, strides=2, padding=self._padding)
        return [*self._pad(kernel), conv, hyperparams.norm(), hyperparams.act()]

    def _depthwise(self, depth: int, kernel: int) -> list[Layer]:
        hyperparams = self.hyperparams
        halve = hyperparams.depthwise(kernel, plain=True, strides=2, padding=self._padding)
        return [
            *self._pad(kernel), halve, hyperparams.norm(), hyperparams.act(),
            hyperparams.conv(depth, 1), hyperparams.norm(), hyperparams.act(),
        ]  # fmt: skip

    @property
    def _padding(self) -> str:
        return "valid" if self.explicit_padding else "same"

    def _pad(self, kernel: int) -> list[Layer]:
        return [FixedPadding(kernel)] if self.explicit_padding else []

    def call(self, features: list[Array], training: bool = False) -> list[Array]:
        """All levels, fine to coarse, from backbone `features`, fine to coarse."""
        levels = list(features)
        for block in self.blocks:
            levels.append(run(block, levels[-1], training))
        return levels

    def compute_output_shape(self, input_shape: list[tuple]) -> list[tuple]:
        """Shapes of the levels, of which only the channels are known."""
        channels = [
            next(x.filters for x in reversed(b) if hasattr(x, "filters")) for b in self.blocks
        ]
        return [*input_shape, *((None, None, None, count) for count in channels)]

    def build(self, input_shape: list[tuple]) -> None:
        """Make the variables from the shapes of the backbone's feature maps."""
        shape = input_shape[-1]
        for block in self.blocks:
            for layer in block:
                layer.build(shape)
                shape = layer.compute_output_shape(shape)
        self.built = True
