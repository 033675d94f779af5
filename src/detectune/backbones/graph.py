"""The graph of a functional network: its nodes in order, and the sizes of their maps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import keras
from keras import tree

# A size at which every map of a network is still large, in pixels.
_PROBE = 1024
# How far the ratio of two sizes may be from a power of 2, as an exponent. Without padding a map of
# stride 32 loses two of 32 cells.
_TOLERANCE = 0.3


@dataclass
class Node:
    """One call of a layer or operation."""

    operation: Any
    depends_on: list[int]
    """Places of the nodes that its inputs come from."""
    level: int | None = None
    """`n` if its output is a map `[B, h, w, C]` of stride `2**n`."""
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.operation.name


def nodes_of(network: keras.Model) -> list[Node]:
    """The nodes of `network` in an order in which each follows what it depends on."""
    specs = {id(one): _probe(one) for one in network.inputs}
    places: dict[int, int] = {}
    found: list[Node] = []
    for node in ordered_nodes(network):
        if any(id(one) not in specs for one in node.input_tensors):
            continue
        arguments, keywords = node.arguments.fill_in(specs)
        outputs = tree.flatten(node.operation.compute_output_spec(*arguments, **keywords))
        sources = {places[id(one)] for one in node.input_tensors if id(one) in places}
        level = _level(outputs[0]) if len(outputs) == 1 else None
        found.append(Node(node.operation, sorted(sources), level))
        for tensor, spec in zip(node.outputs, outputs, strict=True):
            specs[id(tensor)] = spec
            places[id(tensor)] = len(found) - 1
    return found


def functional(model: keras.Model) -> keras.Model:
    """`model` as a graph: a `Sequential` that was built has one inside."""
    return getattr(model, "_functional", model) if isinstance(model, keras.Sequential) else model


def operations_of(model: keras.Model) -> Iterator[Any]:
    """The layers and operations of `model` and of models inside of it, in the order of graphs.

    One that is called several times comes as often.
    """
    for node in ordered_nodes(functional(model)):
        if isinstance(node.operation, keras.Model):
            yield from operations_of(node.operation)
        else:
            yield node.operation


def ordered_nodes(network: keras.Model) -> Iterator[Any]:
    """The nodes of Keras that `network` computes, each after what it depends on."""
    by_depth = network._nodes_by_depth
    for depth in sorted(by_depth, reverse=True):
        yield from (node for node in by_depth[depth] if node.operation and not node.is_input)


def rebuilt(
    network: keras.Model, inputs: list[Any], call: Callable[[Any, tuple, dict], Any]
) -> list[Any]:
    """The outputs of `network` for other symbolic `inputs`, computed with `call`.

    Args:
        call: operation, positional and keyword arguments → what it gives.
    """
    values = {id(one): new for one, new in zip(network.inputs, inputs, strict=True)}
    for node in ordered_nodes(network):
        if any(id(one) not in values for one in node.input_tensors):
            continue
        outputs = call(node.operation, *node.arguments.fill_in(values))
        for tensor, value in zip(node.outputs, tree.flatten(outputs), strict=True):
            values[id(tensor)] = value
    return [values[id(one)] for one in tree.flatten(network.outputs)]


def _probe(tensor: Any) -> keras.KerasTensor:
    return keras.KerasTensor((1, _PROBE, _PROBE, tensor.shape[-1]), dtype=tensor.dtype)


def _level(spec: Any) -> int | None:
    if len(spec.shape) != 4 or not spec.shape[1] or spec.shape[1] != spec.shape[2]:
        return None
    exponent = math.log2(_PROBE / spec.shape[1])
    level = round(exponent)
    return level if abs(exponent - level) < _TOLERANCE and level < 7 else None
