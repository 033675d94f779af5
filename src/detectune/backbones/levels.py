"""Where the feature levels of a network end: found in its graph, not listed.

    image ─► … ─► last map of stride 4 ─► … ─► last of stride 8 ─► … ─► 16 ─► … ─► 32
                       level 2                    level 3        level 4      level 5

"Last" is the last map that everything deeper depends on: inside a residual block, the branch that
goes around the map would be lost. Where there is none, as in NASNet, whose cells look at the two
before them, it is the last sum or concatenation. Paddings are no maps.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras.layers import Add, Concatenate, ZeroPadding2D

from detectune.backbones.graph import Node, nodes_of
from detectune.errors import ConfigError, did_you_mean, three_part
from detectune.layers.adopted import SizedPadding

COARSEST = 5
"""The last level of a backbone: stride 32."""


def find_levels(network: keras.Model) -> dict[int, str]:
    """Level → name of the layer, or operation, that its map comes from, for the levels 1 to 5.

    Source: Lin et al. 2017 (FPN), section 3, takes the last map of every stage.
    """
    nodes = nodes_of(network)
    maps = [place for place, node in enumerate(nodes) if _is_map(node)]
    if not maps:
        return {}
    needed = _ancestors(nodes, max(maps))
    passed = _passed_by_all(nodes, needed)
    found = {}
    for level in range(1, COARSEST + 1):
        own = [place for place in maps if nodes[place].level == level and place in needed]
        merged = [place for place in own if isinstance(nodes[place].operation, Add | Concatenate)]
        best = [place for place in own if place in passed] or merged or own
        if best:
            found[level] = nodes[max(best)].name
    return found


def named_levels(network: keras.Model, names: Sequence[str], field: str) -> dict[int, str]:
    """The levels of the layers that a config names.

    Raises:
        ConfigError: there is no such layer, or its output is no map of stride 2 to 32, or two are
            of the same stride, or not in the order of their strides.
    """
    by_name = {node.name: node for node in nodes_of(network)}
    found: dict[int, str] = {}
    for name in names:
        if name not in by_name:
            raise ConfigError(
                three_part(
                    f'{field}: no layer of {network.name} is called "{name}".',
                    f"It has {len(by_name)} layers; `detectune model summary FILE --layers` lists "
                    "them.",
                    f"{did_you_mean(name, by_name)}Correct the name, or remove levels: they are "
                    "found then.",
                )
            )
        level = by_name[name].level or 0
        if not 1 <= level <= COARSEST:
            raise ConfigError(
                three_part(
                    f'{field}: what "{name}" gives is no feature map of stride 2, 4, 8, 16 or 32.',
                    f"Those are: {_listed(find_levels(network))}.",
                    "Name layers of a convolutional part, or remove levels.",
                )
            )
        if found and level <= max(found):
            raise ConfigError(
                three_part(
                    f'{field}: "{name}" has stride {2**level}, and stands behind one of stride '
                    f"{2 ** max(found)}.",
                    "Levels stand from fine to coarse, one for each stride.",
                    "Put them in this order, or remove one.",
                )
            )
        found[level] = name
    return found


def missing_level(level: int, levels: dict[int, str], what: str) -> ConfigError:
    """That there is no map of `level` in the network `what`."""
    return ConfigError(
        three_part(
            f"feature_extractor: {what} has no feature map of stride {2**level} (level {level}).",
            f"It has: {_listed(levels) or 'none'}.",
            "Choose min_level and max_level among these, name layers in backbone { levels }, or "
            "take another network.",
        )
    )


def _listed(levels: dict[int, str]) -> str:
    return ", ".join(f"{name} (stride {2**level})" for level, name in sorted(levels.items()))


def _is_map(node: Node) -> bool:
    if isinstance(node.operation, ZeroPadding2D | SizedPadding):
        return False
    shared = len(node.operation._inbound_nodes) > 1
    return node.level in range(1, COARSEST + 1) and not shared


def _ancestors(nodes: list[Node], last: int) -> set[int]:
    """`last`, and the places of all nodes that it depends on."""
    found, waiting = set(), [last]
    while waiting:
        place = waiting.pop()
        if place not in found:
            found.add(place)
            waiting += nodes[place].depends_on
    return found


def _passed_by_all(nodes: list[Node], needed: set[int]) -> set[int]:
    """Those of `needed` that every path from the image to the last of them goes through."""
    passed = set()
    # The image itself is a source, too.
    open_until = max(place for place in needed if not nodes[place].depends_on)
    reached = dict.fromkeys(needed, -1)
    for place in needed:
        for source in nodes[place].depends_on:
            reached[source] = max(reached[source], place)
    for place in sorted(needed):
        if open_until <= place:
            passed.add(place)
        open_until = max(open_until, reached[place])
    return passed
