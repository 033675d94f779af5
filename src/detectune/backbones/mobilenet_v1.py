"""MobileNet V1: thirteen separable convolutions.

    image ─► conv1 3x3, stride 2 ─► 13 blocks (depthwise 3x3 ─► pointwise 1x1)

Layer names are those of `keras.applications.MobileNet`, whose graph this is; it is built here
because the original changes what that function does not offer: minimum depth, hyperparameters,
padding, and thinner last blocks.

Source: Howard et al. 2017, table 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import keras
from keras.layers import Input

from detectune.backbones.base import BackboneFamily, OriginalNames
from detectune.backbones.conv_graph import ConvGraph
from detectune.backbones.keras_form import KerasForm
from detectune.backbones.mobilenet_v2 import PAD_VALUE, normalize
from detectune.backbones.tf1 import Tf1Form
from detectune.layers.hyperparams import BatchNormSettings, ConvHyperparams
from detectune.registry import backbones

# (channels, stride) of each block
_BLOCKS = [
    (64, 1),
    (128, 2), (128, 1),
    (256, 2), (256, 1),
    (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1),
    (1024, 2), (1024, 1),
]  # fmt: skip

# Up to this block maps are so large that it pays to compute some of them twice.
_LAST_LARGE_BLOCK = 3

# Parity: ssd_mobilenet_v1_fpn_keras_feature_extractor.py. Under a pyramid of separable
# convolutions the last two blocks are thinner.
_THIN_LAST_BLOCKS = {12: 512, 13: 256}

# Parity: keras_models/mobilenet_v1.py, used unless the config overrides the backbone's.
DEFAULT_HYPERPARAMS = ConvHyperparams(
    initializer={"class_name": "TruncatedNormal", "config": {"mean": 0.0, "stddev": 0.09}},
    regularizer=keras.regularizers.L2(0.00004 * 0.5),
    batch_norm=BatchNormSettings(momentum=0.9997, epsilon=1e-3, center=True, scale=True),
    activation="relu6",
)


def widths(
    depth_multiplier: float, min_depth: int, replaced: Mapping[int, int], multiplied_twice: bool
) -> list[int]:
    """Channels of the first convolution and of each block.

    Args:
        depth_multiplier, min_depth: see `mobilenet_v1`.
        replaced: channels of blocks that differ, before multiplication, by number from 1.
        multiplied_twice: see `mobilenet_v1`.
    """
    planned = [32, *(channels for channels, _ in _BLOCKS)]
    if multiplied_twice:
        planned = [int(channels * depth_multiplier) for channels in planned]
    planned = [replaced.get(block, channels) for block, channels in enumerate(planned)]
    return [max(int(channels * depth_multiplier), min_depth) for channels in planned]


def mobilenet_v1(
    *,
    depth_multiplier: float = 1.0,
    min_depth: int = 16,
    hyperparams: ConvHyperparams | None = None,
    explicit_padding: bool = False,
    replaced: Mapping[int, int] | None = None,
    multiplied_twice: bool = True,
) -> keras.Model:
    """The network without a classifier.

    Args:
        depth_multiplier: multiplies the channels of every convolution.
        min_depth: the least channels of a convolution.
        hyperparams: of its convolutions; `DEFAULT_HYPERPARAMS` if None.
        explicit_padding: pad independently of the image size.
        replaced: channels of blocks that differ, by number from 1, before multiplication.
        multiplied_twice: apply `depth_multiplier` squared, except to `replaced` blocks. Parity:
            keras_models/mobilenet_v1.py hands it to `keras.applications`, which multiplies, and
            multiplies once more. TF-Slim multiplies once.
    """
    graph = ConvGraph(hyperparams or DEFAULT_HYPERPARAMS, explicit_padding)
    channels = widths(depth_multiplier, min_depth, replaced or {}, multiplied_twice)
    images = Input((None, None, 3))
    x = graph.conv(images, channels[0], 3, stride=2, name="conv1", norm="conv1_bn", recompute=True)
    x = graph.act(x, "conv1_relu")
    for block, (_, stride) in enumerate(_BLOCKS, start=1):
        deep, point = f"conv_dw_{block}", f"conv_pw_{block}"
        large = block <= _LAST_LARGE_BLOCK
        x = graph.depthwise(x, stride=stride, name=deep, norm=f"{deep}_bn", recompute=large)
        x = graph.act(x, f"{deep}_relu")
        x = graph.conv(x, channels[block], 1, name=point, norm=f"{point}_bn", recompute=large)
        x = graph.act(x, f"{point}_relu")
    return keras.Model(images, x, name="mobilenet_v1")


def _level_outputs(network: keras.Model) -> dict[int, str]:
    """Where levels 2–5 end: the last block of each stride."""
    return {2: "conv_pw_3_relu", 3: "conv_pw_5_relu", 4: "conv_pw_11_relu", 5: "conv_pw_13_relu"}


_slim = partial(mobilenet_v1, multiplied_twice=False)

TF1 = Tf1Form(
    scope="MobilenetV1",
    layers=(
        ("conv1", "Conv2d_0"),
        (r"conv_dw_(\d+)", r"Conv2d_\1_depthwise"),
        (r"conv_pw_(\d+)", r"Conv2d_\1_pointwise"),
    ),
    last="Conv2d_13_pointwise",
    coarse="bottom_up_Conv2d_{}",
    first_coarse=14,
    build=_slim,
    build_thin=partial(_slim, replaced=_THIN_LAST_BLOCKS),
)


backbones.register("mobilenet_v1")(
    BackboneFamily(
        build=mobilenet_v1,
        build_thin=partial(mobilenet_v1, replaced=_THIN_LAST_BLOCKS),
        default_hyperparams=DEFAULT_HYPERPARAMS,
        normalize=normalize,
        pad_value=PAD_VALUE,
        level_outputs=_level_outputs,
        ssd_outputs=("conv_pw_11_relu", "conv_pw_13_relu"),
        ssd_extra_depths=(512, 256, 256, 128),
        keeps_unused_layers=True,
        original=OriginalNames(
            extractor="ssd_mobile_net_v1{}_keras_feature_extractor",
            extras_key="_feature_map_generator",
            extras="Conv2d_13_pointwise",
            coarse="bottom_up_Conv2d_{}",
            first_coarse=14,
        ),
        tf1=TF1,
        keras=KerasForm("MobileNet"),
    )
)
