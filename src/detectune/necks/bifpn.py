"""BiFPN: a pyramid that is run through repeatedly, down and up, with learned weights per input.

    level 7 ─────────────┬────────► (+) ─►        each (+) is a `Node`:
                         ▼           ▲             inputs, brought to its size and channels
    level 6 ──────┬───► (+) ───┬─► (+) ─►          ─► `Fusion` ─► swish ─► separable 3x3 ─► norm
                  │      ▼     │     ▲
    …             └────────────┘     …            coarser inputs are doubled, finer ones max-pooled
    level 3 ───────────► (+) ────────┴──►

Source: Tan et al. 2020 (EfficientDet), figure 2d and section 3.3.
Parity: models/bidirectional_feature_pyramid_generators.py and utils/bifpn_utils.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, get_args

from keras import ops
from keras.layers import Layer, MaxPooling2D

from detectune.layers.hyperparams import ConvHyperparams, run
from detectune.layers.upsample import double_size
from detectune.structures import Array

FusionMethod = Literal["sum", "weighted_sum", "attention", "fast_attention"]
FUSION_METHODS: tuple[str, ...] = get_args(FusionMethod)

# Parity: keeps the sum of non-negative weights from being zero.
_SMALL = 1e-4


class Node(NamedTuple):
    """One place where maps meet."""

    name: str
    """As in the original: `<round>_<dn|up>_lvl_<level>`."""
    level: int
    inputs: tuple[int, ...]
    """Places in the list of all maps: the backbone's, then one per node. The first is of this
    level, unless it is the only one."""


def nodes_of(*, min_level: int, max_level: int, num_inputs: int, iterations: int) -> list[Node]:
    """The nodes of a BiFPN in the order in which they are computed.

    The last `max_level − min_level + 1` of them are its output, fine to coarse.
    """
    nodes: list[Node] = []
    latest = {min_level + place: place for place in range(num_inputs)}

    def add(name: str, level: int, *inputs: int) -> None:
        nodes.append(Node(name, level, inputs))
        latest[level] = num_inputs + len(nodes) - 1

    for level in range(min_level + num_inputs, max_level + 1):
        add(f"0_up_lvl_{level}", level, latest[level - 1])
    for number in range(1, iterations + 1):
        before = dict(latest)
        for level in range(max_level - 1, min_level - 1, -1):
            add(f"{number}_dn_lvl_{level}", level, before[level], latest[level + 1])
        for level in range(min_level + 1, max_level + 1):
            down = [latest[level]] if level < max_level else []
            add(f"{number}_up_lvl_{level}", level, before[level], *down, latest[level - 1])
    return nodes


class Fusion(Layer):
    """One map from several of the same shape.

    Args:
        method: "sum"; "weighted_sum", with learned factors; "fast_attention", with factors that
            are not negative and sum to 1; "attention", a sum with factors in its checkpoint.

    Parity: the original's "attention" is a softmax over an axis of one element. Its factors,
    whatever their values, count as 1 and never train.
    """

    def __init__(self, method: FusionMethod, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.method = method
        self.factors: Any = None

    def build(self, input_shape: Sequence[tuple]) -> None:
        """Make one factor per input, unless they are just added."""
        if self.method != "sum":
            shape = (len(input_shape), 1)
            self.factors = self.add_weight(
                name="bifpn_combine_weights",
                shape=shape,
                initializer="ones",
                trainable=self.method != "attention",
            )
        self.built = True

    def compute_output_shape(self, input_shape: Sequence[tuple]) -> tuple:
        return input_shape[0]

    def call(self, inputs: Sequence[Array]) -> Array:
        if self.method in ("sum", "attention"):
            return sum(inputs[1:], start=inputs[0])
        factors = self._final_factors()
        weighted = [factors[index] * one for index, one in enumerate(inputs)]
        return sum(weighted[1:], start=weighted[0])

    def _final_factors(self) -> Array:
        if self.method == "weighted_sum":
            return self.factors
        positive = ops.relu(self.factors)
        return positive / (ops.sum(positive) + _SMALL)


class BiFpn(Layer):
    """Levels `min_level` to `max_level`, all of `filters` channels.

    Args:
        num_inputs: how many feature maps come from the backbone, from `min_level` on.
        min_level, max_level: the finest and the coarsest level that comes out.
        iterations: how often the pyramid is run through.
        filters: channels of every level.
        fusion: how maps that meet become one.
        hyperparams: of all convolutions.
    """

    def __init__(
        self,
        *,
        num_inputs: int,
        min_level: int,
        max_level: int,
        iterations: int,
        filters: int,
        fusion: FusionMethod,
        hyperparams: ConvHyperparams,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.hyperparams, self.filters = hyperparams, filters
        self.min_level, self.num_inputs = min_level, num_inputs
        self.num_levels = max_level - min_level + 1
        self.nodes = nodes_of(
            min_level=min_level, max_level=max_level, num_inputs=num_inputs, iterations=iterations
        )
        self.halve = MaxPooling2D(3, strides=2, padding="same")
        # One entry per node; nodes with one input have neither.
        self.fusions = [Fusion(fusion) if len(n.inputs) > 1 else None for n in self.nodes]
        self.after = [self._after_fusion() if len(n.inputs) > 1 else [] for n in self.nodes]
        # Per node and input: 1x1 convolution and norm, where the channels differ.
        self.projections: list[list[list[Layer]]] = []

    def _after_fusion(self) -> list[Layer]:
        hyperparams = self.hyperparams
        return [
            hyperparams.act(),
            hyperparams.separable(self.filters, 3, style_pointwise=True),
            hyperparams.norm(),
        ]

    def build(self, input_shape: list[tuple]) -> None:
        """Make the variables from the shapes of the backbone's feature maps."""
        channels = [shape[-1] for shape in input_shape] + [self.filters] * len(self.nodes)
        inner = (None, None, None, self.filters)
        for node, fusion, after in zip(self.nodes, self.fusions, self.after, strict=True):
            self.projections.append([self._projection(channels[index]) for index in node.inputs])
            if fusion is not None:
                fusion.build([inner] * len(node.inputs))
            for layer in after:
                layer.build(inner)
        self.built = True

    def _projection(self, channels: int) -> list[Layer]:
        if channels == self.filters:
            return []
        conv, norm = self.hyperparams.conv(self.filters, 1), self.hyperparams.norm()
        conv.build((None, None, None, channels))
        norm.build((None, None, None, self.filters))
        return [conv, norm]

    def compute_output_shape(self, input_shape: list[tuple]) -> list[tuple]:
        """Shapes of the levels, of which only the channels are known."""
        return [(None, None, None, self.filters)] * self.num_levels

    def call(self, features: list[Array], training: bool = False) -> list[Array]:
        """Levels, fine to coarse, from backbone `features`, fine to coarse."""
        maps = list(features)
        for index, fusion in enumerate(self.fusions):
            inputs = self._inputs(index, maps, training)
            fused = inputs[0] if fusion is None else fusion(inputs)
            maps.append(run(self.after[index], fused, training))
        return maps[-self.num_levels :]

    def _level(self, place: int) -> int:
        if place < self.num_inputs:
            return self.min_level + place
        return self.nodes[place - self.num_inputs].level

    def map_name(self, place: int) -> str:
        """What the original calls the map at `place` in the list of all maps."""
        if place < self.num_inputs:
            return f"0_up_lvl_{self.min_level + place}"
        return self.nodes[place - self.num_inputs].name

    def _inputs(self, index: int, maps: list[Array], training: bool) -> list[Array]:
        """The maps that meet at a node, of one size and with the same channels."""
        node, ready = self.nodes[index], []
        for place, layers in zip(node.inputs, self.projections[index], strict=True):
            one = run(layers, maps[place], training)
            if self._level(place) < node.level:
                one = self.halve(one)
            elif self._level(place) > node.level:
                one = double_size(one, ready[0])
            ready.append(one)
        return ready
