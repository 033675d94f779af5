"""MobileNet V2: inverted residual blocks with linear bottlenecks.

    image ─► Conv1 ─► 17 blocks (expand 1x1 ─► depthwise 3x3 ─► project 1x1, added if the shape
                                 stays) ─► Conv_1 1x1, 1280 channels

Layer names are those of `keras.applications.MobileNetV2`, whose graph this is; it is built here
because the original changes what that function does not offer: minimum depth, hyperparameters,
padding, and a width multiplier that also thins the last convolution.

Source: Sandler et al. 2018, table 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
from keras.layers import Add, Input, Layer

from detectune.backbones.base import BackboneFamily
from detectune.layers.batch_norm import FreezableBatchNormalization
from detectune.layers.conv_norm import ConvNorm
from detectune.layers.hyperparams import BatchNormSettings, ConvHyperparams, FixedPadding
from detectune.registry import backbones
from detectune.structures import Array

# (expansion, channels, blocks, stride of the first block)
_STAGES = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
]

# Parity: keras_models/mobilenet_v2.py, used unless the config overrides the backbone's.
DEFAULT_HYPERPARAMS = ConvHyperparams(
    initializer={"class_name": "TruncatedNormal", "config": {"mean": 0.0, "stddev": 0.09}},
    regularizer=keras.regularizers.L2(0.00004 * 0.5),
    batch_norm=BatchNormSettings(momentum=0.9997, epsilon=1e-3, center=True, scale=True),
    activation="relu6",
)

# What becomes 0 when the image is normalized: the colour of padding.
PAD_VALUE = (127.5, 127.5, 127.5)


def normalize(images: Array) -> Array:
    """Images 0–255 as −1–1."""
    return images * (2.0 / 255.0) - 1.0


def divisible(channels: float, divisor: int = 8) -> int:
    """The multiple of `divisor` nearest to `channels`, at most 10 % below it."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


@dataclass
class _Builder:
    """Adds layers to a functional graph, named as in `keras.applications`.

    Args:
        style: of the convolutions.
        min_depth, explicit_padding: see `mobilenet_v2`.
        last_large_block: up to it maps are so large that it pays to compute some of them twice.
    """

    style: ConvHyperparams
    min_depth: int
    explicit_padding: bool
    last_large_block: int = 6

    def conv(
        self, x: Array, filters: int, kernel: int, stride: int, name: str, norm: str, large: bool
    ) -> Array:
        if not name.endswith("expand"):
            filters = max(filters, self.min_depth)
        x, padding = self._padded(x, kernel, name)
        layer = self.style.conv(
            filters, kernel, strides=stride, padding=padding, use_bias=False, name=name
        )
        return self._normed(x, layer, norm, large)

    def depthwise(self, x: Array, stride: int, name: str, norm: str, large: bool) -> Array:
        x, padding = self._padded(x, 3, name)
        layer = self.style.depthwise(3, strides=stride, padding=padding, use_bias=False, name=name)
        return self._normed(x, layer, norm, large)

    def _padded(self, x: Array, kernel: int, name: str) -> tuple[Array, str]:
        if self.explicit_padding and kernel > 1:
            return FixedPadding(kernel, name=f"{name}_pad")(x), "valid"
        return x, "same"

    def _normed(self, x: Array, conv: Layer, name: str, large: bool) -> Array:
        norm = self.style.norm(name)
        if large and isinstance(norm, FreezableBatchNormalization):
            return ConvNorm(conv, norm, name=f"{conv.name}_and_{name}")(x)
        return norm(conv(x))

    def act(self, x: Array, name: str) -> Array:
        return self.style.act(name)(x)

    def block(self, x: Array, index: int, expansion: int, filters: int, stride: int) -> Array:
        prefix = f"block_{index}_" if index else "expanded_conv_"
        entry, channels, large = x, x.shape[-1], index <= self.last_large_block
        if index:
            names = f"{prefix}expand", f"{prefix}expand_BN"
            x = self.conv(x, expansion * channels, 1, 1, *names, large)
            x = self.act(x, f"{prefix}expand_relu")
        x = self.depthwise(x, stride, f"{prefix}depthwise", f"{prefix}depthwise_BN", large)
        x = self.act(x, f"{prefix}depthwise_relu")
        x = self.conv(x, filters, 1, 1, f"{prefix}project", f"{prefix}project_BN", False)
        # Parity: `filters` is what the width multiplier asks for. Where `min_depth` widens a block
        # beyond it, there is no sum even if the shapes fit.
        if stride == 1 and channels == filters:
            x = Add(name=f"{prefix}add")([entry, x])
        return x


def mobilenet_v2(
    *,
    depth_multiplier: float = 1.0,
    min_depth: int = 16,
    hyperparams: ConvHyperparams | None = None,
    explicit_padding: bool = False,
) -> keras.Model:
    """The network up to its last convolution, without a classifier.

    Args:
        depth_multiplier: multiplies the channels of every layer.
        min_depth: the least channels of a layer, expansions excepted.
        hyperparams: of its convolutions; `DEFAULT_HYPERPARAMS` if None.
        explicit_padding: pad independently of the image size.
    """
    style = hyperparams or DEFAULT_HYPERPARAMS
    build = _Builder(style, min_depth, explicit_padding)
    images = Input((None, None, 3))
    x = build.conv(images, divisible(32 * depth_multiplier), 3, 2, "Conv1", "bn_Conv1", True)
    x = build.act(x, "Conv1_relu")
    index = 0
    for expansion, channels, blocks, stride in _STAGES:
        filters = divisible(channels * depth_multiplier)
        for block in range(blocks):
            x = build.block(x, index, expansion, filters, stride if block == 0 else 1)
            index += 1
    last = 1280 if depth_multiplier >= 1.0 else divisible(1280 * depth_multiplier)
    x = build.conv(x, last, 1, 1, "Conv_1", "Conv_1_bn", False)
    x = build.act(x, "out_relu")
    return keras.Model(images, x, name="mobilenet_v2")


def _level_outputs(network: keras.Model) -> dict[int, str]:
    """Where levels 2–5 end: the sum of a block, or its projection if it has none."""
    known = {layer.name for layer in network.layers}
    blocks = {2: "block_2", 3: "block_5", 4: "block_12"}
    ends = {
        level: f"{block}_add" if f"{block}_add" in known else f"{block}_project_BN"
        for level, block in blocks.items()
    }
    return ends | {5: "out_relu"}


backbones.register("mobilenet_v2")(
    BackboneFamily(
        build=mobilenet_v2,
        default_hyperparams=DEFAULT_HYPERPARAMS,
        normalize=normalize,
        pad_value=PAD_VALUE,
        level_outputs=_level_outputs,
        ssd_outputs=("block_13_expand_relu", "out_relu"),
        ssd_extra_depths=(512, 256, 256, 128),
        necks=("extras", "fpn", "bifpn"),
    )
)
