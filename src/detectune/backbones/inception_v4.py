"""Inception V4: a stem of three blocks, then fourteen blocks of three kinds.

    image ─► stem, stride 8 ─► Mixed_5b–5e (35x35) ─► Mixed_6a–6h (17x17) ─► Mixed_7a–7d (8x8)

The stem and the blocks that halve do not pad, so the sides of the maps of a 299-pixel image are 35,
17 and 8. No detector of the original used it.

Source: Szegedy et al. 2016, "Inception-v4, Inception-ResNet and the Impact of Residual Connections
on Learning", figures 3 to 9. Parity: slim/nets/inception_v4.py.
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
from detectune.backbones.mobilenet_v2 import PAD_VALUE, normalize
from detectune.backbones.tf1 import Tf1Form
from detectune.registry import backbones

STEM: tuple[tuple[str, Step], ...] = (
    ("Conv2d_1a_3x3", Conv("", 32, 3, 2, "valid")),
    ("Conv2d_2a_3x3", Conv("", 32, 3, 1, "valid")),
    ("Conv2d_2b_3x3", Conv("", 64, 3)),
)

# Figure 4.
_BLOCK_A: Branches = (
    (Conv("Conv2d_0a_1x1", 96, 1),),
    (Conv("Conv2d_0a_1x1", 64, 1), Conv("Conv2d_0b_3x3", 96, 3)),
    (Conv("Conv2d_0a_1x1", 64, 1), Conv("Conv2d_0b_3x3", 96, 3), Conv("Conv2d_0c_3x3", 96, 3)),
    (Pool("avg"), Conv("Conv2d_0b_1x1", 96, 1)),
)
# Figure 5.
_BLOCK_B: Branches = (
    (Conv("Conv2d_0a_1x1", 384, 1),),
    (
        Conv("Conv2d_0a_1x1", 192, 1),
        Conv("Conv2d_0b_1x7", 224, (1, 7)),
        Conv("Conv2d_0c_7x1", 256, (7, 1)),
    ),
    (
        Conv("Conv2d_0a_1x1", 192, 1),
        Conv("Conv2d_0b_7x1", 192, (7, 1)),
        Conv("Conv2d_0c_1x7", 224, (1, 7)),
        Conv("Conv2d_0d_7x1", 224, (7, 1)),
        Conv("Conv2d_0e_1x7", 256, (1, 7)),
    ),
    (Pool("avg"), Conv("Conv2d_0b_1x1", 128, 1)),
)
# Figure 6.
_BLOCK_C: Branches = (
    (Conv("Conv2d_0a_1x1", 256, 1),),
    (
        Conv("Conv2d_0a_1x1", 384, 1),
        Fork((Conv("Conv2d_0b_1x3", 256, (1, 3)), Conv("Conv2d_0c_3x1", 256, (3, 1)))),
    ),
    (
        Conv("Conv2d_0a_1x1", 384, 1),
        Conv("Conv2d_0b_3x1", 448, (3, 1)),
        Conv("Conv2d_0c_1x3", 512, (1, 3)),
        Fork((Conv("Conv2d_0d_1x3", 256, (1, 3)), Conv("Conv2d_0e_3x1", 256, (3, 1)))),
    ),
    (Pool("avg"), Conv("Conv2d_0b_1x1", 256, 1)),
)

BLOCKS: dict[str, Branches] = {
    "Mixed_3a": (
        (Pool("max", 2, "valid"),),
        (Conv("Conv2d_0a_3x3", 96, 3, 2, "valid"),),
    ),
    "Mixed_4a": (
        (Conv("Conv2d_0a_1x1", 64, 1), Conv("Conv2d_1a_3x3", 96, 3, 1, "valid")),
        (
            Conv("Conv2d_0a_1x1", 64, 1),
            Conv("Conv2d_0b_1x7", 64, (1, 7)),
            Conv("Conv2d_0c_7x1", 64, (7, 1)),
            Conv("Conv2d_1a_3x3", 96, 3, 1, "valid"),
        ),
    ),
    "Mixed_5a": (
        (Conv("Conv2d_1a_3x3", 192, 3, 2, "valid"),),
        (Pool("max", 2, "valid"),),
    ),
    **{f"Mixed_5{letter}": _BLOCK_A for letter in "bcde"},
    "Mixed_6a": (
        (Conv("Conv2d_1a_3x3", 384, 3, 2, "valid"),),
        (
            Conv("Conv2d_0a_1x1", 192, 1),
            Conv("Conv2d_0b_3x3", 224, 3),
            Conv("Conv2d_1a_3x3", 256, 3, 2, "valid"),
        ),
        (Pool("max", 2, "valid"),),
    ),
    **{f"Mixed_6{letter}": _BLOCK_B for letter in "bcdefgh"},
    "Mixed_7a": (
        (Conv("Conv2d_0a_1x1", 192, 1), Conv("Conv2d_1a_3x3", 192, 3, 2, "valid")),
        (
            Conv("Conv2d_0a_1x1", 256, 1),
            Conv("Conv2d_0b_1x7", 256, (1, 7)),
            Conv("Conv2d_0c_7x1", 320, (7, 1)),
            Conv("Conv2d_1a_3x3", 320, 3, 2, "valid"),
        ),
        (Pool("max", 2, "valid"),),
    ),
    **{f"Mixed_7{letter}": _BLOCK_C for letter in "bcd"},
}

inception_v4 = functools.partial(inception_network, "inception_v4", STEM, BLOCKS)

_LEVELS = {2: "Mixed_4a", 3: "Mixed_5e", 4: "Mixed_6h", 5: "Mixed_7d"}


backbones.register("inception_v4")(
    BackboneFamily(
        pads_maps=True,
        build=inception_v4,
        default_hyperparams=DEFAULT_HYPERPARAMS,
        normalize=normalize,
        pad_value=PAD_VALUE,
        level_outputs=lambda network: _LEVELS,
        necks=("extras", "fpn", "bifpn"),
        # As for Inception V3.
        ssd_outputs=("Mixed_5e", "Mixed_6h", "Mixed_7d"),
        ssd_extra_depths=(512, 256, 128),
        min_image_side=75,  # VALID padding, where other families have SAME
        tf1=Tf1Form(
            scope="InceptionV4",
            layers=TF1_LAYERS,
            last="Mixed_7d",
            coarse="bottom_up_Conv2d_{}",
            first_coarse=6,
        ),
    )
)
