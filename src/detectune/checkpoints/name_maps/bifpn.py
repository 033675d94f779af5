"""BiFPN: layer → key in a zoo checkpoint, and the name the original gave the layer.

Three lists run over the nodes. A node's inputs are pairs of a number and a list of layers, hence
the 1 in their keys; the activation stands first among the layers after a fusion.
"""

from __future__ import annotations

from collections.abc import Iterator

from keras.layers import Layer

from detectune.necks.bifpn import BiFpn, Node

_ROOT = "_feature_extractor/_bifpn_stage"


def bifpn_layers(neck: BiFpn) -> Iterator[tuple[str, str, Layer]]:
    """Key, original name and layer of everything in `neck`, node by node."""
    for index, node in enumerate(neck.nodes):
        name = f"bifpn/node_{index:02}/{node.name}"
        yield from _projections(neck, index, node, name)
        fusion = neck.fusions[index]
        if fusion is not None:
            yield f"{_ROOT}/node_combine_op/{index}", f"{name}/combine", fusion
        names = ("activation", "separable_conv", "batchnorm")
        for place, layer in enumerate(neck.after[index]):
            key = f"{_ROOT}/node_post_combine_block/{index}/{place}"
            yield key, f"{name}/post_combine/{names[place]}", layer


def _projections(
    neck: BiFpn, index: int, node: Node, name: str
) -> Iterator[tuple[str, str, Layer]]:
    for number, layers in enumerate(neck.projections[index]):
        source = neck.map_name(node.inputs[number])
        for place, layer in enumerate(layers):
            key = f"{_ROOT}/node_input_blocks/{index}/{number}/1/{place}"
            kind = ("conv", "batchnorm")[place]
            yield key, f"{name}/input_{source}/1x1_pre_sample/{kind}", layer
