"""MobileNet V3, large and small, with the thinner end that detectors use.

    image ─► Conv 3x3, stride 2 ─► blocks (expand 1x1 ─► depthwise ─► [squeeze and excite] ─►
                                           project 1x1, added if the shape stays) ─► Conv_1 1x1

Source: Howard et al. 2019, tables 1 and 2. Parity: slim/nets/mobilenet/mobilenet_v3.py,
V3_LARGE_DETECTION and V3_SMALL_DETECTION: from the last stride on, channels are halved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import keras
from keras import ops
from keras.layers import Activation, Add, Conv2D, GlobalAveragePooling2D, Input, Layer, Multiply

from detectune.backbones.base import BackboneFamily
from detectune.backbones.conv_graph import ConvGraph
from detectune.backbones.keras_form import KerasForm
from detectune.backbones.mobilenet_v2 import PAD_VALUE, divisible, normalize
from detectune.backbones.tf1 import Tf1Form
from detectune.layers.hyperparams import BatchNormSettings, ConvHyperparams
from detectune.registry import backbones
from detectune.structures import Array


class Block(NamedTuple):
    """One row of the paper's tables."""

    kernel: int
    expansion: float
    channels: int
    excite: bool
    activation: str
    stride: int


LARGE = (
    Block(3, 1, 16, False, "relu", 1),
    Block(3, 4, 24, False, "relu", 2),
    Block(3, 3, 24, False, "relu", 1),
    Block(5, 3, 40, True, "relu", 2),
    Block(5, 3, 40, True, "relu", 1),
    Block(5, 3, 40, True, "relu", 1),
    Block(3, 6, 80, False, "hard_swish", 2),
    Block(3, 2.5, 80, False, "hard_swish", 1),
    Block(3, 184 / 80, 80, False, "hard_swish", 1),
    Block(3, 184 / 80, 80, False, "hard_swish", 1),
    Block(3, 6, 112, True, "hard_swish", 1),
    Block(3, 6, 112, True, "hard_swish", 1),
    Block(5, 6, 80, True, "hard_swish", 2),
    Block(5, 6, 80, True, "hard_swish", 1),
    Block(5, 6, 80, True, "hard_swish", 1),
)
SMALL = (
    Block(3, 1, 16, True, "relu", 2),
    Block(3, 72 / 16, 24, False, "relu", 2),
    Block(3, 88 / 24, 24, False, "relu", 1),
    Block(5, 4, 40, True, "hard_swish", 2),
    Block(5, 6, 40, True, "hard_swish", 1),
    Block(5, 6, 40, True, "hard_swish", 1),
    Block(5, 3, 48, True, "hard_swish", 1),
    Block(5, 3, 48, True, "hard_swish", 1),
    Block(5, 6, 48, True, "hard_swish", 2),
    Block(5, 6, 48, True, "hard_swish", 1),
    Block(5, 6, 48, True, "hard_swish", 1),
)
_LARGE_LAST, _SMALL_LAST = 480, 288

# Parity: ssd_mobilenet_v3_feature_extractor.py, used unless the config overrides the backbone's.
DEFAULT_HYPERPARAMS = ConvHyperparams(
    initializer={"class_name": "TruncatedNormal", "config": {"mean": 0.0, "stddev": 0.09}},
    regularizer=keras.regularizers.L2(0.00004 * 0.5),
    batch_norm=BatchNormSettings(momentum=0.9997, epsilon=1e-3, center=True, scale=True),
    regularize_depthwise=False,
)


class Gate(Layer):
    """`relu6(x + 3) · 0.16667`: the factors that a squeeze-and-excite branch gives channels.

    Parity: the factor is rounded in mobilenet_v3.py; checkpoints were trained with it.
    """

    def call(self, logits: Array) -> Array:
        return ops.relu6(logits + 3.0) * 0.16667

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape


class _Builder(ConvGraph):
    """Adds blocks to a functional graph, named by their scopes in TF-Slim."""

    def act_as(self, x: Array, name: str, activation: str) -> Array:
        """The activation after the layer `name`, which is not always that of the config."""
        return Activation(activation, name=f"{name}_act")(x)

    def dense(
        self, x: Array, filters: int, name: str, activation: str, kernel: int = 1, stride: int = 1
    ) -> Array:
        """A convolution with batch norm and activation."""
        x = self.conv(x, filters, kernel, stride=stride, name=name, norm=f"{name}_BN")
        return self.act_as(x, name, activation)

    def excited(self, x: Array, name: str) -> Array:
        """`x` with every channel weighed by a function of all channels' means."""
        inner = divisible(x.shape[-1] / 4)
        means = GlobalAveragePooling2D(keepdims=True, name=f"{name}_pool")(x)
        weights = self._plain(means, inner, f"{name}_Conv")
        weights = self.act_as(weights, name, "relu")
        weights = self._plain(weights, x.shape[-1], f"{name}_Conv_1")
        return Multiply(name=f"{name}_scale")([x, Gate(name=f"{name}_gate")(weights)])

    def _plain(self, x: Array, filters: int, name: str) -> Array:
        layer: Conv2D = self.hyperparams.conv(filters, 1, use_bias=True, name=name)
        return layer(x)

    def block(self, x: Array, index: int, row: Block, filters: int) -> Array:
        prefix = f"expanded_conv_{index}" if index else "expanded_conv"
        entry, inner = x, divisible(x.shape[-1] * row.expansion)
        if inner > x.shape[-1]:
            x = self.dense(x, inner, f"{prefix}_expand", row.activation)
        name = f"{prefix}_depthwise"
        x = self.depthwise(x, kernel=row.kernel, stride=row.stride, name=name, norm=f"{name}_BN")
        x = self.act_as(x, name, row.activation)
        if row.excite:
            x = self.excited(x, f"{prefix}_squeeze_excite")
        x = self.dense(x, filters, f"{prefix}_project", "linear")
        if row.stride == 1 and entry.shape[-1] == x.shape[-1]:
            x = Add(name=f"{prefix}_add")([entry, x])
        return x


def mobilenet_v3(
    blocks: Sequence[Block],
    last_channels: int,
    *,
    depth_multiplier: float = 1.0,
    min_depth: int = 16,
    hyperparams: ConvHyperparams | None = None,
    explicit_padding: bool = False,
) -> keras.Model:
    """The network up to its last convolution, without a classifier.

    Args:
        blocks, last_channels: what lies between the first convolution and the last.
        depth_multiplier: multiplies the channels of every layer.
        min_depth: the least channels of a layer, expansions excepted.
        hyperparams: of its convolutions; `DEFAULT_HYPERPARAMS` if None. Activations are those of
            the network.
        explicit_padding: pad independently of the image size.
    """
    build = _Builder(hyperparams or DEFAULT_HYPERPARAMS, explicit_padding)

    def depth(channels: int) -> int:
        return max(divisible(channels * depth_multiplier), min_depth)

    images = Input((None, None, 3))
    x = build.dense(images, depth(16), "Conv", "hard_swish", kernel=3, stride=2)
    for index, row in enumerate(blocks):
        x = build.block(x, index, row, depth(row.channels))
    x = build.dense(x, depth(last_channels), "Conv_1", "hard_swish")
    return keras.Model(images, x, name="mobilenet_v3")


def _block_ends(blocks: dict[int, str]) -> Callable[[keras.Model], dict[int, str]]:
    """Where levels 2–5 end: the sum of a block, or its projection if it has none."""

    def level_outputs(network: keras.Model) -> dict[int, str]:
        known = {layer.name for layer in network.layers}
        ends = {
            level: f"{block}_add" if f"{block}_add" in known else f"{block}_project_act"
            for level, block in blocks.items()
        }
        return ends | {5: "Conv_1_act"}

    return level_outputs


def _from_config(hyperparams: ConvHyperparams) -> ConvHyperparams:
    """Parity: mobilenet_v3.py sets the parts of a batch norm itself."""
    norm = hyperparams.batch_norm or BatchNormSettings(momentum=0.9997)
    return replace(hyperparams, batch_norm=replace(norm, center=True, scale=True))


def _tf1(last: str, number: int) -> Tf1Form:
    return Tf1Form(
        scope="MobilenetV3",
        layers=(
            (r"(expanded_conv(?:_\d+)?)_squeeze_excite_(\w+)", r"\1/squeeze_excite/\2"),
            (r"(expanded_conv(?:_\d+)?)_(expand|depthwise|project)", r"\1/\2"),
        ),
        last=last,
        coarse="bottom_up_Conv2d_{}",
        first_coarse=number,
    )


_WIDER = "its last blocks are twice as wide"

_large = BackboneFamily(
    build=partial(mobilenet_v3, LARGE, _LARGE_LAST),
    default_hyperparams=DEFAULT_HYPERPARAMS,
    normalize=normalize,
    pad_value=PAD_VALUE,
    level_outputs=_block_ends({2: "expanded_conv_2", 3: "expanded_conv_5", 4: "expanded_conv_11"}),
    ssd_outputs=("expanded_conv_12_expand_act", "Conv_1_act"),
    ssd_extra_depths=(512, 256, 256, 128),
    tf1=_tf1("layer_17", 18),
    keras=KerasForm("MobileNetV3Large", differs=_WIDER),
    from_config=_from_config,
)
backbones.register("mobilenet_v3_large")(_large)
backbones.register("mobilenet_v3_small")(
    replace(
        _large,
        build=partial(mobilenet_v3, SMALL, _SMALL_LAST),
        level_outputs=_block_ends({2: "expanded_conv", 3: "expanded_conv_2", 4: "expanded_conv_7"}),
        ssd_outputs=("expanded_conv_8_expand_act", "Conv_1_act"),
        tf1=_tf1("layer_13", 14),
        keras=KerasForm("MobileNetV3Small", differs=_WIDER),
    )
)
