"""A part of a functional network, computed from some of its tensors to others.

Keras can make a model of such a part, but it then counts every layer as used twice, and
`layer.output` no longer says which of the two is meant. Here the network stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
from keras import tree

from detectune.structures import Array


class Step(NamedTuple):
    """One call of a layer or operation."""

    operation: Any
    arguments: Any
    """What it was called with, symbolic tensors among them."""
    outputs: Sequence[keras.KerasTensor]

    @property
    def inputs(self) -> Sequence[keras.KerasTensor]:
        """The symbolic tensors among its arguments."""
        return self.arguments.keras_tensors


def steps_of(network: keras.Model) -> list[Step]:
    """All calls in a functional `network`, each after those that it needs."""
    by_depth = network._nodes_by_depth
    nodes = [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]
    return [
        Step(node.operation, node.arguments, node.outputs) for node in nodes if not node.is_input
    ]


class GraphPart:
    """Values of the tensors `inputs` → those of `outputs`.

    Args:
        steps: what lies between, in order.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        inputs: Sequence[keras.KerasTensor],
        outputs: Sequence[keras.KerasTensor],
    ) -> None:
        self.steps, self.inputs, self.outputs = list(steps), list(inputs), list(outputs)
        self._done_with = self._last_uses()

    def _last_uses(self) -> list[list[int]]:
        """For each step the tensors that nothing after it needs."""
        needed = {id(tensor) for tensor in self.outputs}
        done: list[list[int]] = []
        for step in reversed(self.steps):
            mine = {id(tensor) for tensor in (*step.inputs, *step.outputs)}
            done.insert(0, sorted(mine - needed))
            needed |= mine
        return done

    def __call__(self, values: Sequence[Array], *, training: bool) -> list[Array]:
        """Compute it; a value is let go when nothing needs it any more."""
        known = {id(tensor): value for tensor, value in zip(self.inputs, values, strict=True)}
        for step, done in zip(self.steps, self._done_with, strict=True):
            arguments, named = step.arguments.fill_in(known)
            named = {name: value for name, value in named.items() if name != "training"}
            if getattr(step.operation, "_call_has_training_arg", False):
                named["training"] = training
            found = tree.flatten(step.operation(*arguments, **named))
            known |= {id(tensor): value for tensor, value in zip(step.outputs, found, strict=True)}
            for tensor in done:
                del known[tensor]
        return [known[id(tensor)] for tensor in self.outputs]
