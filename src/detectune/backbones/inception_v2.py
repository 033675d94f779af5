"""Inception V2: ten blocks on a separable stem.

    image ─► separable 7x7, stride 2 ─► pool ─► 1x1 ─► 3x3 ─► pool ─► Mixed_3b … Mixed_5c

Source: Ioffe and Szegedy 2015, figure 5. Parity: slim/nets/inception_v2.py.
"""

from __future__ import annotations

import functools

import keras
from keras.layers import Input

from detectune.backbones.base import BackboneFamily
from detectune.backbones.inception_graph import (
    DEFAULT_HYPERPARAMS,
    TF1_LAYERS,
    Branches,
    Conv,
    InceptionGraph,
    Pool,
    inception_network,
)
from detectune.backbones.mobilenet_v2 import PAD_VALUE, normalize
from detectune.backbones.regions import RegionForm, RegionNetworks
from detectune.backbones.tf1 import Tf1Form
from detectune.layers.hyperparams import BatchNormSettings, ConvHyperparams
from detectune.registry import backbones
from detectune.structures import Array

# Parity: models/faster_rcnn_inception_v2_feature_extractor.py, with the initializer of TF-Slim.
_REGION_HYPERPARAMS = ConvHyperparams(
    batch_norm=BatchNormSettings(momentum=0.9997, epsilon=1e-3, center=True, scale=True),
    activation="relu",
)


def _mixed(
    one: int, three: tuple[int, int], double: tuple[int, int], pooled: int, pool: Pool | None = None
) -> Branches:
    """Channels of: 1x1; 1x1 and 3x3; 1x1 and twice 3x3; 1x1 after pooling."""
    return (
        (Conv("Conv2d_0a_1x1", one, 1),),
        (Conv("Conv2d_0a_1x1", three[0], 1), Conv("Conv2d_0b_3x3", three[1], 3)),
        (
            Conv("Conv2d_0a_1x1", double[0], 1),
            Conv("Conv2d_0b_3x3", double[1], 3),
            Conv("Conv2d_0c_3x3", double[1], 3),
        ),
        (pool or Pool("avg"), Conv("Conv2d_0b_1x1", pooled, 1)),
    )


def _halved(three: tuple[int, int], double: tuple[int, int]) -> Branches:
    """Channels of: 1x1 and 3x3 of stride 2; 1x1, 3x3 and 3x3 of stride 2. The rest is pooled."""
    return (
        (Conv("Conv2d_0a_1x1", three[0], 1), Conv("Conv2d_1a_3x3", three[1], 3, 2)),
        (
            Conv("Conv2d_0a_1x1", double[0], 1),
            Conv("Conv2d_0b_3x3", double[1], 3),
            Conv("Conv2d_1a_3x3", double[1], 3, 2),
        ),
        (Pool("max", 2),),
    )


BLOCKS: dict[str, Branches] = {
    "Mixed_3b": _mixed(64, (64, 64), (64, 96), 32),
    "Mixed_3c": _mixed(64, (64, 96), (64, 96), 64),
    "Mixed_4a": _halved((128, 160), (64, 96)),
    "Mixed_4b": _mixed(224, (64, 96), (96, 128), 128),
    "Mixed_4c": _mixed(192, (96, 128), (96, 128), 128),
    "Mixed_4d": _mixed(160, (128, 160), (128, 160), 96),
    "Mixed_4e": _mixed(96, (128, 192), (160, 192), 96),
    "Mixed_5a": _halved((128, 192), (192, 256)),
    "Mixed_5b": _mixed(352, (192, 320), (160, 224), 128),
    "Mixed_5c": _mixed(352, (192, 320), (192, 224), 128, Pool("max")),
}


def stem(graph: InceptionGraph, images: Array) -> Array:
    """Maps of stride 8 and 192 channels, before the first block."""
    channels = graph.depth(64)
    separable = graph.hyperparams.separable(
        channels,
        7,
        style_pointwise=True,
        strides=2,
        depth_multiplier=min(channels // 3, 8),
        name="Conv2d_1a_7x7",
    )
    x = graph.finished(separable(images), "Conv2d_1a_7x7")
    x = graph.step(x, Pool("max", 2), "MaxPool_2a_3x3")
    x = graph.step(x, Conv("Conv2d_2b_1x1", 64, 1), "Conv2d_2b_1x1")
    x = graph.step(x, Conv("Conv2d_2c_3x3", 192, 3), "Conv2d_2c_3x3")
    return graph.step(x, Pool("max", 2), "MaxPool_3a_3x3")


inception_v2 = functools.partial(inception_network, "inception_v2", stem, BLOCKS)


def region_networks(
    *, features_stride: int, hyperparams: ConvHyperparams, depth_multiplier: float = 1.0
) -> RegionNetworks:
    """Blocks up to `Mixed_4e` for the image, the others for the regions.

    Args:
        features_stride: has no effect: the stride is 16. Parity: so in the original.
        hyperparams: of all convolutions.
        depth_multiplier: multiplies the channels of every convolution.
    """
    graph = InceptionGraph(hyperparams, depth_multiplier)
    in_head = [name for name in BLOCKS if name.startswith("Mixed_5")]
    images = Input((None, None, 3))
    x = graph.blocks(
        stem(graph, images), {name: BLOCKS[name] for name in BLOCKS if name not in in_head}
    )
    patches = Input((None, None, x.shape[-1]))
    features = graph.blocks(patches, {name: BLOCKS[name] for name in in_head})
    return RegionNetworks(
        keras.Model(images, x, name="inception_v2_trunk"),
        "Mixed_4e",
        keras.Model(patches, features, name="box_features"),
    )


def _level_outputs(network: keras.Model) -> dict[int, str]:
    """Where levels 2–5 end: the last block of each stride."""
    return {2: "Conv2d_2c_3x3_act", 3: "Mixed_3c", 4: "Mixed_4e", 5: "Mixed_5c"}


backbones.register("inception_v2")(
    BackboneFamily(
        build=inception_v2,
        default_hyperparams=DEFAULT_HYPERPARAMS,
        normalize=normalize,
        pad_value=PAD_VALUE,
        level_outputs=_level_outputs,
        # Parity: ssd_inception_v2_feature_extractor.py.
        ssd_outputs=("Mixed_4c", "Mixed_5c"),
        ssd_extra_depths=(512, 256, 256, 128),
        tf1=Tf1Form(
            scope="InceptionV2",
            layers=TF1_LAYERS,
            last="Mixed_5c",
            coarse="bottom_up_Conv2d_{}",
            first_coarse=6,
            regions=RegionForm(
                name="inception_v2", build=region_networks, hyperparams=_REGION_HYPERPARAMS
            ),
        ),
    )
)
