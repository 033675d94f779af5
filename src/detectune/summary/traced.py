"""Which layers a detector calls, on what, and where their outputs go.

A detector is called on tensors without values. Layers that are made of layers are followed inside,
on any backend, until a layer is a single step; whatever happens between two steps without a layer
joins them. A layer that cannot be followed inside is one step.

    image ─► detector.features ─► maps ─► detector.heads
                                    └──► regions ─► detector.roi_head, for as many as it looks at
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
from keras.layers import Layer

from detectune.detectors.base import Detector
from detectune.detectors.two_stage import TwoStageDetector
from detectune.summary.multiply_adds import multiply_adds

Size = tuple[int, int]


@dataclass
class Step:
    """A layer, with everything that it is called on in one image."""

    layer: Layer
    shapes: list[tuple[int | None, ...]] = field(default_factory=list)
    """Of its output in each call, without the batch; regions are a batch."""
    multiply_adds: int = 0
    """Of all calls."""
    inputs: set[int] = field(default_factory=set)
    """Numbers of the steps that it takes something from."""


class CutOut(Layer):
    """Stands for cutting regions out of feature maps: maps → patches `[M, h, w, D]`.

    It is part of a drawing, of which Keras asks shapes alone; were it computed, that is a defect.
    """

    def __init__(self, count: int, size: Size | None, name: str) -> None:
        super().__init__(name=name)
        self.count, self.size = count, size

    def compute_output_shape(self, shapes: Any) -> tuple:
        first = shapes[0] if isinstance(shapes[0], tuple | list) else shapes
        return tuple(first) if self.size is None else (self.count, *self.size, first[-1])

    def call(self, maps: Any) -> Any:
        raise NotImplementedError("it is never computed")


def steps_of(detector: Detector, size: Size) -> list[Step]:
    """The steps of `detector` on an image of `size` `(height, width)`, each layer once, in the
    order of their first calls. The first is the image.

    Raises:
        ConfigError: an image of this size is too small.
    """
    trace = _Trace()
    with trace.following():
        image = trace.image(size)
        maps = detector.features(image)
        inputs: Any = {"images": image}
        for name, count in detector.needs.inputs.items():
            inputs[name] = keras.KerasTensor((1, count, 4), name=name)
        detector.heads(inputs, maps)
        if isinstance(detector, TwoStageDetector) and detector.roi_head is not None:
            _second_stage(detector, maps)
    return trace.steps


def steps_of_network(network: keras.Model, size: Size) -> list[Step]:
    """The same of a network of Keras, such as a classifier."""
    trace = _Trace()
    with trace.following():
        network(trace.image(size))
    return trace.steps


def _second_stage(detector: TwoStageDetector, maps: Sequence[Any]) -> None:
    head: Any = detector.roi_head
    rpn: Any = getattr(detector, "rpn", None)
    regions = rpn.nms.max_detections if rpn is not None else detector.needs.size("proposals")

    def features(count: int, name: str) -> Any:
        size = head.crops.output_size
        return head.box_features(CutOut(count, size, name if size else "whole map")(list(maps)))

    head.head(features(regions, f"{regions} regions"), boxes=keras.KerasTensor((1, regions, 4)))
    if head.mask_head is not None:
        found = head.nms.max_detections
        head.mask_head(features(found, f"{found} detected regions"))


class _Trace:
    """Steps as they are called."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._numbers: dict[int, int] = {}  # id of a layer → number of its step
        self._made: dict[int, int] = {}  # id of a tensor → number of the step that made it
        self._kept: list[Any] = []  # tensors, so that no other gets their id
        self._resolved: dict[int, frozenset[int]] = {}

    def image(self, size: Size) -> Any:
        """The tensor of an image, as the first step."""
        image = keras.Input(batch_shape=(1, *size, 3), name="image")
        layer = keras.layers.InputLayer(batch_shape=(1, *size, 3), name="image")
        self._note(layer, [], [image])
        return image

    @contextmanager
    def following(self) -> Iterator[None]:
        """Inside, every layer that is called on tensors without values is noted."""
        original = Layer.__call__

        def follow(layer: Any, *args: Any, **kwargs: Any) -> Any:
            given = _tensors((args, kwargs))
            if not given:
                return original(layer, *args, **kwargs)
            if list(layer._flatten_layers(include_self=False)):
                before = len(self.steps)
                try:
                    return layer.call(*args, **kwargs)
                # What a layer does to a tensor without values may fail in any way.
                except Exception:
                    if len(self.steps) > before:
                        raise
            out = original(layer, *args, **kwargs)
            self._note(layer, given, _tensors(out))
            return out

        Layer.__call__ = follow
        try:
            with warnings.catch_warnings():
                # Networks are called with a tensor where Keras noted a list of one.
                warnings.filterwarnings("ignore", "The structure of `inputs` doesn't match")
                yield
        finally:
            Layer.__call__ = original

    def _note(self, layer: Layer, given: list[Any], made: list[Any]) -> None:
        number = self._numbers.setdefault(id(layer), len(self.steps))
        if number == len(self.steps):
            self.steps.append(Step(layer))
        step = self.steps[number]
        step.shapes.append(tuple(made[0].shape[1:]))
        if given:
            step.multiply_adds += multiply_adds(layer, given[0].shape, made[0].shape)
        step.inputs |= {one for tensor in given for one in self._sources(tensor)} - {number}
        self._kept += made
        self._made |= dict.fromkeys(map(id, made), number)

    def _sources(self, tensor: Any) -> frozenset[int]:
        """Numbers of the steps whose outputs `tensor` is computed from, without a step between."""
        if id(tensor) in self._made:
            return frozenset({self._made[id(tensor)]})
        known = self._resolved.get(id(tensor))
        if known is None:
            history = getattr(tensor, "_keras_history", None)
            before = []
            if history is not None:
                before = history.operation._inbound_nodes[history.node_index].input_tensors
            known = frozenset(one for each in before for one in self._sources(each))
            self._kept.append(tensor)
            self._resolved[id(tensor)] = known
        return known


def _tensors(structure: Any) -> list[Any]:
    """The tensors without values in arguments or results."""
    return [one for one in keras.tree.flatten(structure) if isinstance(one, keras.KerasTensor)]
