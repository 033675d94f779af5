"""The beginning of a network in which nothing trains.

    images ─► frozen layers ─► the cut ─► layers that train ─► feature maps
                      └──────────────────────────────────────► maps that are ready at the cut

A layer belongs to it if nothing in it trains, if it does not measure batch statistics, and if all
that it looks at comes from such layers. So a network may be cut anywhere, across branches too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras.layers import BatchNormalization, Layer

from detectune.layers.batch_norm import FreezableBatchNormalization
from detectune.layers.conv_norm import ConvNorm
from detectune.layers.folding import fold
from detectune.layers.graph_part import GraphPart, Step, steps_of


class FrozenPrefix:
    """A network in two parts.

    Args:
        begin: the input of the network → the tensors at the cut, batch norms folded.
        rest: tensors at the cut → the outputs of the network.
        layers: those of the beginning, in order.
        whole: whether there is nothing behind the cut.
    """

    def __init__(
        self, begin: GraphPart, rest: GraphPart, layers: Sequence[Layer], *, whole: bool
    ) -> None:
        self.begin, self.rest, self.layers, self.whole = begin, rest, list(layers), whole


def frozen_prefix(network: keras.Model) -> FrozenPrefix | None:
    """The two parts of `network` as it is now; None if it has no frozen beginning."""
    steps = steps_of(network)
    frozen = _without_loose_ends(_frozen_steps(network, steps))
    if not any(_has_weights(step) for step in frozen):
        return None
    made = {id(step.outputs[0]) for step in frozen}
    rest = [step for step in steps if id(step.outputs[0]) not in made]
    cut = _cut(network, frozen, rest)
    begin = GraphPart(fold(frozen, cut), network.inputs, cut)
    layers = list(
        {id(s.operation): s.operation for s in frozen if isinstance(s.operation, Layer)}.values()
    )
    return FrozenPrefix(begin, GraphPart(rest, cut, network.outputs), layers, whole=not rest)


def is_settled(operation: Any) -> bool:
    """Whether nothing in a layer or operation changes in training."""
    if not isinstance(operation, Layer):
        return True
    if operation.trainable_variables:
        return False
    if isinstance(operation, ConvNorm):
        return not operation.norm.learns_statistics
    if isinstance(operation, FreezableBatchNormalization):
        return not operation.learns_statistics
    if isinstance(operation, BatchNormalization):
        return not operation.trainable
    inner = list(operation._flatten_layers(include_self=False))
    if inner:
        return all(is_settled(layer) for layer in inner)
    return not (operation.trainable and _moves_variables(operation))


def _moves_variables(layer: Layer) -> bool:
    """Whether it may change numbers of its own in training; seeds of random numbers aside."""
    frozen = {id(variable) for variable in layer._trainable_variables}  # one by one
    moving = [v for v in layer.non_trainable_variables if id(v) not in frozen]
    knows_training = bool(getattr(layer, "_call_has_training_arg", False))
    return knows_training and any("float" in v.dtype for v in moving)


def _frozen_steps(network: keras.Model, steps: Sequence[Step]) -> list[Step]:
    known = {id(tensor) for tensor in network.inputs}
    frozen = []
    for step in steps:
        if all(id(tensor) in known for tensor in step.inputs) and is_settled(step.operation):
            known |= {id(tensor) for tensor in step.outputs}
            frozen.append(step)
    return frozen


def _without_loose_ends(frozen: Sequence[Step]) -> list[Step]:
    """`frozen` without dropout behind its last weights: what trains sees that as before.

    Inside the frozen part nothing is dropped.
    """
    wanted: set[int] = set()  # tensors that a frozen layer with weights depends on
    for step in reversed(frozen):
        if _has_weights(step) or any(id(tensor) in wanted for tensor in step.outputs):
            wanted |= {id(tensor) for tensor in step.inputs}
    left_out: set[int] = set()
    kept = []
    for step in frozen:
        loose = _is_random(step) and not any(id(tensor) in wanted for tensor in step.outputs)
        if loose or any(id(tensor) in left_out for tensor in step.inputs):
            left_out |= {id(tensor) for tensor in step.outputs}
        else:
            kept.append(step)
    return kept


def _has_weights(step: Step) -> bool:
    return isinstance(step.operation, Layer) and bool(step.operation.weights)


def _is_random(step: Step) -> bool:
    """Whether it does something else in training, without weights."""
    takes_training = getattr(step.operation, "_call_has_training_arg", False)
    return bool(takes_training) and not _has_weights(step)


def _cut(
    network: keras.Model, frozen: Sequence[Step], rest: Sequence[Step]
) -> list[keras.KerasTensor]:
    """The tensors of the frozen part, or of the input, that are needed behind it."""
    needed = {id(tensor) for tensor in network.outputs}
    needed |= {id(tensor) for step in rest for tensor in step.inputs}
    made = [*network.inputs, *(tensor for step in frozen for tensor in step.outputs)]
    return [tensor for tensor in made if id(tensor) in needed]
