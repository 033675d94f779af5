"""Blocks: five convolutions of stride 2."""

from __future__ import annotations

import keras

from detectune.backbones.base import BackboneFamily
from detectune.backbones.conv_graph import ConvGraph
from detectune.layers.hyperparams import BatchNormSettings, ConvHyperparams
from detectune.registry import backbones

DEFAULT_HYPERPARAMS = ConvHyperparams(batch_norm=BatchNormSettings(momentum=0.9))


def blocks(
    *,
    depth_multiplier: float = 1.0,
    min_depth: int = 8,
    hyperparams: ConvHyperparams | None = None,
    explicit_padding: bool = False,
) -> keras.Model:
    """Images to the map of stride 32."""
    graph = ConvGraph(hyperparams or DEFAULT_HYPERPARAMS, explicit_padding)
    x = images = keras.Input((None, None, 3))
    for level in range(1, 6):
        channels = max(int(8 * level * depth_multiplier), min_depth)
        x = graph.conv(
            x, channels, 3, stride=2,
            name=f"conv{level}", norm=f"norm{level}", activation=f"block{level}",
        )  # fmt: skip
    return keras.Model(images, x, name="blocks")


backbones.register("blocks")(
    BackboneFamily(
        build=blocks,
        default_hyperparams=DEFAULT_HYPERPARAMS,
        normalize=lambda images: images / 127.5 - 1.0,
        pad_value=(127.5, 127.5, 127.5),
        level_outputs=lambda network: {level: f"block{level}" for level in (2, 3, 4, 5)},
        necks=("fpn", "bifpn"),
    )
)
