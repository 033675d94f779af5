"""Inception V3: eleven blocks, with large convolutions split in two.

    image ─► stem, stride 8 ─► Mixed_5b–5d (35x35) ─► Mixed_6a–6e (17x17) ─► Mixed_7a–7c (8x8)

The stem and the blocks that halve do not pad, so the sides of the maps of a 299-pixel image are 35,
17 and 8. The original had no pyramid on it.

Source: Szegedy et al. 2016, table 1. Parity: slim/nets/inception_v3.py.
"""

from __future__ import annotations

import functools

from detectune.backbones.base import BackboneFamily
from detectune.backbones.inception_graph import (
    DEFAULT_HYPERPARAMS,
    TF1_LAYERS,
    Branches,
    Conv,
    Fork,
    Pool,
    Step,
    inception_network,
)
from detectune.backbones.keras_form import KerasForm
from detectune.backbones.mobilenet_v2 import PAD_VALUE, normalize
from detectune.backbones.tf1 import Tf1Form
from detectune.registry import backbones

STEM: tuple[tuple[str, Step], ...] = (
    ("Conv2d_1a_3x3", Conv("", 32, 3, 2, "valid")),
    ("Conv2d_2a_3x3", Conv("", 32, 3, 1, "valid")),
    ("Conv2d_2b_3x3", Conv("", 64, 3)),
    ("MaxPool_3a_3x3", Pool("max", 2, "valid")),
    ("Conv2d_3b_1x1", Conv("", 80, 1, 1, "valid")),
    ("Conv2d_4a_3x3", Conv("", 192, 3, 1, "valid")),
    ("MaxPool_5a_3x3", Pool("max", 2, "valid")),
)


def _wide(pooled: int, names: tuple[str, str] = ("Conv2d_0a_1x1", "Conv2d_0b_5x5")) -> Branches:
    """A block of 35x35: 1x1; 5x5; twice 3x3; 1x1 of `pooled` channels after pooling."""
    return (
        (Conv("Conv2d_0a_1x1", 64, 1),),
        (Conv(names[0], 48, 1), Conv(names[1], 64, 5)),
        (
            Conv("Conv2d_0a_1x1", 64, 1),
            Conv("Conv2d_0b_3x3", 96, 3),
            Conv("Conv2d_0c_3x3", 96, 3),
        ),
        (Pool("avg"), Conv("Conv2d_0b_1x1", pooled, 1)),
    )


def _long(inner: int) -> Branches:
    """A block of 17x17: 1x1; 7x7 split in two; the same twice; 1x1 after pooling."""
    return (
        (Conv("Conv2d_0a_1x1", 192, 1),),
        (
            Conv("Conv2d_0a_1x1", inner, 1),
            Conv("Conv2d_0b_1x7", inner, (1, 7)),
            Conv("Conv2d_0c_7x1", 192, (7, 1)),
        ),
        (
            Conv("Conv2d_0a_1x1", inner, 1),
            Conv("Conv2d_0b_7x1", inner, (7, 1)),
            Conv("Conv2d_0c_1x7", inner, (1, 7)),
            Conv("Conv2d_0d_7x1", inner, (7, 1)),
            Conv("Conv2d_0e_1x7", 192, (1, 7)),
        ),
        (Pool("avg"), Conv("Conv2d_0b_1x1", 192, 1)),
    )


def _forked(second: str) -> Branches:
    """A block of 8x8: 1x1; 3x3 as 1x3 beside 3x1; the same after 3x3; 1x1 after pooling.

    Args:
        second: name of the first 3x1 convolution, which differs among the blocks.
    """
    return (
        (Conv("Conv2d_0a_1x1", 320, 1),),
        (
            Conv("Conv2d_0a_1x1", 384, 1),
            Fork((Conv("Conv2d_0b_1x3", 384, (1, 3)), Conv(second, 384, (3, 1)))),
        ),
        (
            Conv("Conv2d_0a_1x1", 448, 1),
            Conv("Conv2d_0b_3x3", 384, 3),
            Fork((Conv("Conv2d_0c_1x3", 384, (1, 3)), Conv("Conv2d_0d_3x1", 384, (3, 1)))),
        ),
        (Pool("avg"), Conv("Conv2d_0b_1x1", 192, 1)),
    )


# Parity: the names of some convolutions do not say what they are; checkpoints have them so.
BLOCKS: dict[str, Branches] = {
    "Mixed_5b": _wide(32),
    "Mixed_5c": _wide(64, ("Conv2d_0b_1x1", "Conv_1_0c_5x5")),
    "Mixed_5d": _wide(64),
    "Mixed_6a": (
        (Conv("Conv2d_1a_1x1", 384, 3, 2, "valid"),),
        (
            Conv("Conv2d_0a_1x1", 64, 1),
            Conv("Conv2d_0b_3x3", 96, 3),
            Conv("Conv2d_1a_1x1", 96, 3, 2, "valid"),
        ),
        (Pool("max", 2, "valid"),),
    ),
    "Mixed_6b": _long(128),
    "Mixed_6c": _long(160),
    "Mixed_6d": _long(160),
    "Mixed_6e": _long(192),
    "Mixed_7a": (
        (Conv("Conv2d_0a_1x1", 192, 1), Conv("Conv2d_1a_3x3", 320, 3, 2, "valid")),
        (
            Conv("Conv2d_0a_1x1", 192, 1),
            Conv("Conv2d_0b_1x7", 192, (1, 7)),
            Conv("Conv2d_0c_7x1", 192, (7, 1)),
            Conv("Conv2d_1a_3x3", 192, 3, 2, "valid"),
        ),
        (Pool("max", 2, "valid"),),
    ),
    "Mixed_7b": _forked("Conv2d_0b_3x1"),
    "Mixed_7c": _forked("Conv2d_0c_3x1"),
}

inception_v3 = functools.partial(inception_network, "inception_v3", STEM, BLOCKS)

_LEVELS = {2: "Conv2d_4a_3x3_act", 3: "Mixed_5d", 4: "Mixed_6e", 5: "Mixed_7c"}


backbones.register("inception_v3")(
    BackboneFamily(
        pads_maps=True,
        build=inception_v3,
        default_hyperparams=DEFAULT_HYPERPARAMS,
        normalize=normalize,
        pad_value=PAD_VALUE,
        level_outputs=lambda network: _LEVELS,
        necks=("extras", "fpn", "bifpn"),
        # Parity: ssd_inception_v3_feature_extractor.py.
        ssd_outputs=("Mixed_5d", "Mixed_6e", "Mixed_7c"),
        ssd_extra_depths=(512, 256, 128),
        min_image_side=75,  # VALID padding, where other families have SAME
        keras=KerasForm("InceptionV3"),
        tf1=Tf1Form(
            scope="InceptionV3",
            layers=TF1_LAYERS,
            last="Mixed_7c",
            coarse="bottom_up_Conv2d_{}",
            first_coarse=6,
        ),
    )
)
