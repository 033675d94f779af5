"""Inception networks from tables: a block is a tuple of branches, a branch a tuple of steps.

            ┌─► branch 0: 1x1 ──────────────────┐
    x ──────┼─► branch 1: 1x1 ─► 3x3 ───────────┼─► concatenated channels
            └─► branch 2: average ─► 1x1 ───────┘

Layers are named by their scopes in TF-Slim, with `_` for `/`: `Mixed_3b_Branch_0_Conv2d_0a_1x1`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import keras
from keras.layers import AveragePooling2D, Concatenate, Conv2D, MaxPooling2D

from detectune.layers.hyperparams import BatchNormSettings, ConvHyperparams
from detectune.structures import Array

Size = int | tuple[int, int]
Padding = Literal["same", "valid"]

# Parity: slim/nets/inception_utils.py. Used unless the config overrides the backbone's.
DEFAULT_HYPERPARAMS = ConvHyperparams(
    initializer={"class_name": "TruncatedNormal", "config": {"mean": 0.0, "stddev": 0.1}},
    regularizer=keras.regularizers.L2(0.00004 * 0.5),
    batch_norm=BatchNormSettings(momentum=0.9997, epsilon=1e-3, center=True, scale=False),
    activation="relu",
)

TF1_LAYERS = ((r"(Mixed_\d[a-z])_(Branch_\d)_(\w+)", r"\1/\2/\3"),)
"""Name of a layer → its scope, see `Tf1Form`."""


class Conv(NamedTuple):
    """A convolution with batch norm and activation."""

    name: str
    """As in TF-Slim: `Conv2d_0a_1x1`."""
    channels: int
    size: Size
    stride: int = 1
    padding: Padding = "same"
    dilation: int = 1


class Pool(NamedTuple):
    """A pooling of 3x3."""

    kind: Literal["max", "avg"]
    stride: int = 1
    padding: Padding = "same"


class Fork(NamedTuple):
    """Convolutions of the same input, whose channels are concatenated."""

    convs: tuple[Conv, ...]


Step = Conv | Pool | Fork
Branches = tuple[tuple[Step, ...], ...]


@dataclass
class InceptionGraph:
    """Adds steps and blocks to a functional graph.

    Args:
        hyperparams: how convolutions, batch norms and activations are made.
        depth_multiplier: multiplies the channels of every convolution.
        min_depth: the least channels of a convolution.
    """

    hyperparams: ConvHyperparams
    depth_multiplier: float = 1.0
    min_depth: int = 16

    def depth(self, channels: int) -> int:
        """`channels` after multiplication."""
        return max(int(channels * self.depth_multiplier), self.min_depth)

    def step(self, x: Array, step: Step, name: str) -> Array:
        """`x` after a step called `name`."""
        if isinstance(step, Conv):
            return self._conv(x, step, name)
        if isinstance(step, Pool):
            make = MaxPooling2D if step.kind == "max" else AveragePooling2D
            return make(3, strides=step.stride, padding=step.padding, name=name)(x)
        prefix = name.rpartition("_Fork")[0]
        forked = [self._conv(x, conv, f"{prefix}_{conv.name}") for conv in step.convs]
        return Concatenate(name=name)(forked)

    def steps(self, x: Array, table: Sequence[tuple[str, Step]]) -> Array:
        """`x` after all steps of `table`, in its order."""
        for name, step in table:
            x = self.step(x, step, name)
        return x

    def _conv(self, x: Array, step: Conv, name: str) -> Array:
        layer: Conv2D = self.hyperparams.conv(
            self.depth(step.channels),
            step.size,
            strides=step.stride,
            padding=step.padding,
            dilation_rate=step.dilation,
            name=name,
        )
        return self.finished(layer(x), name)

    def finished(self, x: Array, name: str) -> Array:
        """`x` after the batch norm and the activation of the convolution `name`."""
        return self.hyperparams.act(f"{name}_act")(self.hyperparams.norm(f"{name}_BN")(x))

    def block(self, x: Array, name: str, branches: Branches) -> Array:
        """The branches' outputs, concatenated by a layer called `name`."""
        ends = []
        for number, steps in enumerate(branches):
            end = x
            for position, step in enumerate(steps):
                prefix = f"{name}_Branch_{number}"
                end = self.step(end, step, f"{prefix}_{_own_name(step, position)}")
            ends.append(end)
        return Concatenate(name=name)(ends)

    def blocks(self, x: Array, table: Mapping[str, Branches]) -> Array:
        """`x` after all blocks of `table`, in its order."""
        for name, branches in table.items():
            x = self.block(x, name, branches)
        return x


def inception_network(
    name: str,
    stem: Sequence[tuple[str, Step]] | Callable[[InceptionGraph, Array], Array],
    blocks: Mapping[str, Branches],
    *,
    depth_multiplier: float = 1.0,
    min_depth: int = 16,
    hyperparams: ConvHyperparams | None = None,
    explicit_padding: bool = False,
) -> keras.Model:
    """The network of a stem and a table, up to its last block, without a classifier.

    Args:
        stem: a table of steps, or a function for one that no table can tell.
        depth_multiplier: multiplies the channels of every convolution.
        min_depth: the least channels of a convolution.
        hyperparams: of its convolutions; those of TF-Slim if None.
        explicit_padding: has no effect here, as in the original.
    """
    graph = InceptionGraph(hyperparams or DEFAULT_HYPERPARAMS, depth_multiplier, min_depth)
    images = keras.Input((None, None, 3))
    x = stem(graph, images) if callable(stem) else graph.steps(images, stem)
    return keras.Model(images, graph.blocks(x, blocks), name=name)


def _own_name(step: Step, position: int) -> str:
    if isinstance(step, Conv):
        return step.name
    return f"Fork_{position}" if isinstance(step, Fork) else f"Pool_{position}"
