"""A backbone of five convolutions, for tests in which the network does not matter."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import keras
import pytest

import detectune.config.choices as choices
from detectune.backbones.base import BackboneFamily
from detectune.backbones.conv_graph import ConvGraph
from detectune.backbones.mobilenet_v2 import PAD_VALUE, normalize
from detectune.layers.hyperparams import ConvHyperparams
from detectune.registry import backbones

EXTRACTOR = "ssd_five_convolutions_fpn_keras"
REGION_EXTRACTOR = "faster_rcnn_five_convolutions_fpn_keras"


def five_convolutions(
    *,
    depth_multiplier: float,
    min_depth: int,
    hyperparams: ConvHyperparams | None,
    explicit_padding: bool,
) -> keras.Model:
    """One convolution for each level, each with stride 2."""
    graph = ConvGraph(hyperparams or ConvHyperparams(), explicit_padding)
    images = x = keras.Input((None, None, 3))
    for level in range(1, 6):
        channels = max(int(8 * 2**level * depth_multiplier), min_depth)
        x = graph.conv(
            x, channels, 3, stride=2,
            name=f"conv{level}", norm=f"norm{level}", activation=f"level{level}",
        )  # fmt: skip
    return keras.Model(images, x)


def register_small_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let both be feature extractors, of SSDs and of two stages, for the time of a test."""
    family = BackboneFamily(
        build=five_convolutions,
        default_hyperparams=ConvHyperparams(),
        normalize=normalize,
        pad_value=PAD_VALUE,
        necks=("extras", "fpn", "bifpn"),
        level_outputs=lambda _: {level: f"level{level}" for level in range(2, 6)},
    )
    monkeypatch.setitem(backbones._parts, "five_convolutions", family)
    # Configs know backbones of other packages by their entry points.
    own = EntryPoint("five_convolutions", "small_backbone", "detectune.backbones")
    monkeypatch.setattr(choices, "entry_points", lambda **_: (own,))
