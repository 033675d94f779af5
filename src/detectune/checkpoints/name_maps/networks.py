"""The layers of a backbone's network in the order in which checkpoints count them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from keras.layers import Layer

from detectune.backbones.base import Backbone
from detectune.layers.conv_norm import ConvNorm


def backbone_layers(backbone: Backbone) -> list[Layer]:
    """The layers of the network that have variables, in the order of its graph."""
    used = [layer for layer in taken_apart(backbone.network.layers) if layer.weights]
    return [*used, *taken_apart(backbone.unused)]


def taken_apart(layers: Sequence[Layer]) -> Iterator[Layer]:
    """The layers of a functional network, as if no convolution were joined to its batch norm.

    Layers stand in the order of their distance from the output. Two pairs at the same distance,
    as before a sum, are therefore two convolutions and then two batch norms.
    """
    side_by_side: list[ConvNorm] = []
    for layer in layers:
        is_pair = isinstance(layer, ConvNorm)
        if not is_pair or (side_by_side and layer.input is side_by_side[-1].output):
            yield from _convolutions_first(side_by_side)
            side_by_side = []
        if is_pair:
            side_by_side.append(layer)
        else:
            yield layer
    yield from _convolutions_first(side_by_side)


def _convolutions_first(pairs: list[ConvNorm]) -> list[Layer]:
    return [*(pair.conv for pair in pairs), *(pair.norm for pair in pairs)]
