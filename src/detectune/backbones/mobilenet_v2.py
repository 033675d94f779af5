"""MobileNet V2: inverted residual blocks with linear bottlenecks.

    image ─► Conv1 ─► 17 blocks (expand 1x1 ─► depthwise 3x3 ─► project 1x1, added if the shape
                                 stays) ─► Conv_1 1x1, 1280 channels

Layer names are those of `keras.applications.MobileNetV2`, whose graph this is; it is built here
because the original changes what that function does not offer: minimum depth, hyperparameters,
padding, and a width multiplier that also thins the last convolution.

Source: Sandler et al. 2018, table 2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import keras
from keras.layers import Add, Input

from detectune.backbones.base import BackboneFamily, OriginalNames
from detectune.backbones.conv_graph import ConvGraph
from detectune.backbones.keras_form import KerasForm
from detectune.backbones.tf1 import Tf1Form
from detectune.layers.hyperparams import BatchNormSettings, ConvHyperparams
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
class _Builder(ConvGraph):
    """Adds inverted residual blocks to a functional graph, named as in `keras.applications`.

    Args:
        min_depth: the least channels of a convolution, expansions excepted.
        last_recomputed: the last block whose maps are so large that it pays to compute some of
            them twice.
    """

    min_depth: int = 16
    last_recomputed: int = 6
    sum_where_shapes_fit: bool = False

    def block(self, x: Array, index: int, expansion: int, filters: int, stride: int) -> Array:
        prefix = f"block_{index}_" if index else "expanded_conv_"
        entry, channels, large = x, x.shape[-1], index <= self.last_recomputed
        if index:
            name = f"{prefix}expand"
            width = expansion * channels
            x = self.conv(x, width, 1, name=name, norm=f"{name}_BN", recompute=large)
            x = self.act(x, f"{name}_relu")
        name = f"{prefix}depthwise"
        x = self.depthwise(x, stride=stride, name=name, norm=f"{name}_BN", recompute=large)
        x = self.act(x, f"{name}_relu")
        name = f"{prefix}project"
        x = self.conv(x, max(filters, self.min_depth), 1, name=name, norm=f"{name}_BN")
        # Parity: `filters` is what the width multiplier asks for. Where `min_depth` widens a block
        # beyond it, there is no sum even if the shapes fit.
        wanted = x.shape[-1] if self.sum_where_shapes_fit else filters
        if stride == 1 and channels == wanted:
            x = Add(name=f"{prefix}add")([entry, x])
        return x


def mobilenet_v2(
    *,
    depth_multiplier: float = 1.0,
    min_depth: int = 16,
    hyperparams: ConvHyperparams | None = None,
    explicit_padding: bool = False,
    last_channels: int = 1280,
    widen_last: bool = False,
    sum_where_shapes_fit: bool = False,
    whole_before_rounding: bool = True,
) -> keras.Model:
    """The network up to its last convolution, without a classifier.

    Args:
        depth_multiplier: multiplies the channels of every layer.
        min_depth: the least channels of a layer, expansions excepted.
        hyperparams: of its convolutions; `DEFAULT_HYPERPARAMS` if None.
        explicit_padding: pad independently of the image size.
        last_channels: of the last convolution, before multiplication.
        widen_last: let a `depth_multiplier` over 1 widen it too.
        sum_where_shapes_fit: add a block's input also where `min_depth` alone makes them fit.
        whole_before_rounding: cut the channels of a block to a whole number before they are
            rounded to a multiple of 8. Parity: `keras.applications` does, TF-Slim does not; a
            multiplier of 0.56 makes 16 channels of 32 in one and 24 in the other.
    """
    hyperparams = hyperparams or DEFAULT_HYPERPARAMS
    build = _Builder(
        hyperparams, explicit_padding, min_depth, sum_where_shapes_fit=sum_where_shapes_fit
    )
    images = Input((None, None, 3))
    first = max(divisible(32 * depth_multiplier), min_depth)
    x = build.conv(images, first, 3, stride=2, name="Conv1", norm="bn_Conv1", recompute=True)
    x = build.act(x, "Conv1_relu")
    index = 0
    for expansion, channels, blocks, stride in _STAGES:
        planned = channels * depth_multiplier
        filters = divisible(int(planned) if whole_before_rounding else planned)
        for block in range(blocks):
            x = build.block(x, index, expansion, filters, stride if block == 0 else 1)
            index += 1
    factor = depth_multiplier if widen_last else min(depth_multiplier, 1.0)
    last = max(divisible(last_channels * factor), min_depth)
    x = build.conv(x, last, 1, name="Conv_1", norm="Conv_1_bn")
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


# Parity: slim/nets/mobilenet/. Depthwise kernels have no penalty of their own, and a config that
# overrides hyperparameters leaves the activation and the parts of a batch norm as they are.
def _tf1_from_config(hyperparams: ConvHyperparams) -> ConvHyperparams:
    norm = hyperparams.batch_norm or BatchNormSettings(momentum=0.9997)
    return replace(
        hyperparams, activation="relu6", batch_norm=replace(norm, center=True, scale=True)
    )


_tf1_build = partial(
    mobilenet_v2, widen_last=True, sum_where_shapes_fit=True, whole_before_rounding=False
)

TF1 = Tf1Form(
    scope="MobilenetV2",
    layers=(
        ("Conv1", "Conv"),
        (r"expanded_conv_(\w+)", r"expanded_conv/\1"),
        (r"block_(\d+)_(\w+)", r"expanded_conv_\1/\2"),
    ),
    last="layer_19",
    coarse="bottom_up_Conv2d_{}",
    first_coarse=20,
    build=_tf1_build,
    # Parity: ssd_mobilenet_v2_fpn_feature_extractor.py, _create_modified_mobilenet_config.
    build_thin=partial(_tf1_build, last_channels=256),
    default_hyperparams=replace(DEFAULT_HYPERPARAMS, regularize_depthwise=False),
    from_config=_tf1_from_config,
)


backbones.register("mobilenet_v2")(
    BackboneFamily(
        build=mobilenet_v2,
        default_hyperparams=DEFAULT_HYPERPARAMS,
        normalize=normalize,
        pad_value=PAD_VALUE,
        level_outputs=_level_outputs,
        ssd_outputs=("block_13_expand_relu", "out_relu"),
        ssd_extra_depths=(512, 256, 256, 128),
        keeps_unused_layers=True,
        necks=("extras", "fpn", "bifpn"),
        original=OriginalNames(extractor="ssd_mobile_net_v2{}_keras_feature_extractor"),
        tf1=TF1,
        keras=KerasForm("MobileNetV2"),
    )
)
