"""The layers of a backbone as Keras numbers those of the classification network.

    model.layers[:100]      input, paddings and activations count, whether they have weights or not

Our networks join some convolutions to what follows them, leave out paddings and classifiers, and
cut a network into two stages. A number in a config means what it means in Keras all the same: where
`keras.applications` has the network, its layers are counted, else those of our graph, taken apart.
What is frozen are weights, and both have their layers with weights in one order.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

import keras
from keras.layers import Layer

from detectune.checkpoints.name_maps.networks import taken_apart
from detectune.errors import ConfigError, did_you_mean, three_part
from detectune.layers.conv_norm import ConvNorm
from detectune.wording import one_line


class LayerNumbers(NamedTuple):
    """Names of layers in Keras's order, and how many layers with weights each of them is.

    A model inside of a network is one layer of it for Keras, and as many as it holds here.
    """

    names: tuple[str, ...]
    weighted: tuple[int, ...]

    @property
    def counts(self) -> list[int]:
        """How many layers with weights there are up to each layer and with it."""
        return list(accumulate(self.weighted))

    def first(self, layers: int, field: str) -> int:
        """How many layers with weights are among the first `layers`.

        Raises:
            ConfigError: there are fewer layers.
        """
        if layers > len(self.names):
            raise ConfigError(
                three_part(
                    f'{field}: "backbone:{layers}": the backbone has {len(self.names)} layers.',
                    f"Allowed: 1 to {len(self.names)}, as Keras numbers the layers of the "
                    "classification network.",
                    'Write a smaller number, or "backbone" for all of it.',
                )
            )
        return self.counts[layers - 1]

    def up_to(self, name: str) -> int:
        """How many layers with weights there are up to the layer `name` and with it; 0 if none is
        called so."""
        return self.counts[self.names.index(name)] if name in self.names else 0


def numbered(layers: Sequence[Layer]) -> LayerNumbers:
    """The layers of a functional network, convolutions and what was joined to them apart."""
    rows = list(_rows(layers))
    return LayerNumbers(tuple(name for name, _ in rows), tuple(has for _, has in rows))


@functools.cache
def numbered_by_keras(network: str, *, prepares: bool = False) -> LayerNumbers:
    """The layers of the network that `keras.applications` calls `network`, its classifier too.

    Args:
        prepares: whether the backbone has its layers that normalize images, too.
    """
    model = getattr(keras.applications, network)(weights=None)
    # Inputs may be normalized by layers whose weights are statistics of ImageNet.
    preparing = () if prepares else (keras.layers.Normalization, keras.layers.Rescaling)
    return LayerNumbers(
        tuple(layer.name for layer in model.layers),
        tuple(
            sum(map(bool, _weights_inside(layer))) if not isinstance(layer, preparing) else 0
            for layer in model.layers
        ),
    )


def _weights_inside(layer: Layer) -> list[list]:
    inner = layer.layers if isinstance(layer, keras.Model) else [layer]
    return [one.weights for one in inner]


def place_of(name: str, known: Sequence[LayerNumbers], field: str) -> int:
    """How many layers with weights there are up to `name`, in the first of `known` that has it.

    Raises:
        ConfigError: none has.
    """
    for numbers in known:
        if name in numbers.names:
            return numbers.up_to(name)
    names = list(dict.fromkeys(layer for numbers in known for layer in numbers.names))
    samples = ", ".join(names[:: max(len(names) // 6, 1)][1:6])
    raise ConfigError(
        three_part(
            f'{field}: "backbone:{one_line(name)}": the backbone has no layer of this name.',
            f"Its {len(known[0].names)} layers are called, for example: {samples}.",
            f"{did_you_mean(name, names)}`detectune model summary FILE --layers` shows all.",
        )
    )


def _rows(layers: Sequence[Layer]) -> Iterator[tuple[str, bool]]:
    """Name of every layer, and whether it has weights; activations joined to a norm follow it."""
    pairs = {id(layer.norm): layer for layer in layers if isinstance(layer, ConvNorm)}
    waiting: list[str] = []
    for layer in taken_apart(layers):
        pair = pairs.get(id(layer))
        if pair is None:
            yield from ((name, False) for name in waiting)
            waiting = []
        yield layer.name, bool(layer.weights)
        if pair is not None and pair.activation is not keras.activations.linear:
            waiting.append(f"{layer.name}_activation")
    yield from ((name, False) for name in waiting)
