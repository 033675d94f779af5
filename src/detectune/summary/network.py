"""A detector in numbers: its layers one by one, and its stages.

    build_detector ─► frozen as its config says ─► steps ─► layers ─► stages

Stages of the backbone are the maps of one size, a power of two smaller than the image.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

import keras
from keras.layers import BatchNormalization, Layer

from detectune.checkpoints.keys import variable_keys
from detectune.checkpoints.name_maps.layer_key import own_variables
from detectune.config import schema
from detectune.config.architectures import architecture_of, image_resizer
from detectune.detectors.base import Detector
from detectune.detectors.build import build_detector
from detectune.summary.input_size import InputSize, size_of_inputs
from detectune.summary.traced import CutOut, Step, steps_of
from detectune.training.detector_parts import DetectorParts
from detectune.training.freezing import Freezing, Frozen

OUTSIDE = "outside the graph"
"""The stage of weights that no call of a layer uses: a classifier's, or those that are used in
another way."""
_ROOMS = {
    "head": "prediction heads", "rpn": "region proposals", "roi_head": "second stage",
    "roi_head/box_features": "box features", "roi_head/head": "box head",
    "roi_head/mask_head": "mask head",
}  # fmt: skip


@dataclass(frozen=True)
class LayerRow:
    """One layer."""

    name: str
    kind: str
    """Its class."""
    stage: str
    number: int | None
    """Of a layer of the backbone, from 1: what `freeze: "backbone:N"` counts."""
    shapes: Sequence[Sequence[int | None]]
    """Of what it makes in each call, without the batch."""
    parameters: int
    trainable: int
    """How many of them train, with what the config freezes."""
    multiply_adds: int
    state: str
    """"trains", "frozen", "partly" or, without weights, ""."""
    inputs: Sequence[int]
    """Places of the layers that it takes something from, in the list of all layers."""


@dataclass(frozen=True)
class StageRow:
    """Layers that stand together."""

    name: str
    shapes: Sequence[Sequence[int | None]]
    """What the next stages get."""
    layers: int
    parameters: int
    trainable: int
    multiply_adds: int


@dataclass(frozen=True)
class Summary:
    """A detector."""

    model: str
    input_size: InputSize
    layers: Sequence[LayerRow]
    """In the order in which they are called, the image first."""
    stages: Sequence[StageRow]
    parameters: int
    trainable: int
    multiply_adds: int
    frozen: str
    """What the config freezes, in words; empty if it freezes nothing."""
    unfrozen: Sequence[str]
    """What it trains later, in words."""

    def to_json(self) -> str:
        """Everything, for programs."""
        return json.dumps(asdict(self), indent=1) + "\n"


def part_of(stage: str) -> str:
    """`backbone` of `backbone 1/16`: stages of one part are drawn as one."""
    return stage.partition(" 1/")[0]


def summarize(config: schema.TrainEvalPipelineConfig) -> Summary:
    """The detector that `config` describes, with random weights.

    Raises:
        ConfigError: it cannot be built, or what is to be frozen is not there.
    """
    size = size_of_inputs(image_resizer(config.model))
    detector = build_detector(config.model)
    freezing = Freezing(detector, config.train_config)
    frozen = freezing.at(0)
    layers = layer_rows(detector, steps_of(detector, (size.height, size.width)), size)
    return Summary(
        model=architecture_of(config.model).describe(),
        input_size=size,
        layers=layers,
        stages=list(_stages(layers)),
        parameters=sum(row.parameters for row in layers),
        trainable=sum(row.trainable for row in layers),
        multiply_adds=sum(row.multiply_adds for row in layers),
        frozen=_said(freezing, frozen),
        unfrozen=[one.summary() for one in freezing.unfrozen],
    )


def _said(freezing: Freezing, frozen: Frozen) -> str:
    return frozen.summary() if freezing.anything else ""


def layer_rows(detector: Detector, steps: Sequence[Step], size: InputSize) -> list[LayerRow]:
    """A row for every layer that is called, then for what has weights and is not."""
    parts, names = DetectorParts(detector), _names(detector)
    stages, numbers = _stages_of_steps(detector, parts, steps, size), _numbers(parts, steps)
    rows = [
        _row(step.layer, stage, step, names, numbers)
        for step, stage in zip(steps, stages, strict=True)
    ]
    seen = {id(variable) for step in steps for variable in step.layer.weights}
    for layer in detector._flatten_layers():
        own = [variable for variable in own_variables(layer) if id(variable) not in seen]
        if own:
            seen |= set(map(id, own))
            nothing = Step(layer)
            rows.append(_row(layer, OUTSIDE, nothing, names, numbers, own))
    return rows


def _row(
    layer: Layer,
    stage: str,
    step: Step,
    names: Mapping[int, str],
    numbers: Mapping[int, int],
    weights: Sequence[Any] | None = None,
) -> LayerRow:
    weights = layer.weights if weights is None else weights
    return LayerRow(
        name=names.get(id(layer), layer.name),
        kind="Image" if isinstance(layer, keras.layers.InputLayer) else _kind(layer),
        stage=stage,
        number=numbers.get(id(layer)),
        shapes=[list(shape) for shape in step.shapes],
        parameters=_size(weights),
        trainable=_size(variable for variable in weights if variable.trainable),
        multiply_adds=step.multiply_adds,
        state=_state(layer, weights),
        inputs=sorted(step.inputs),
    )


def _kind(layer: Layer) -> str:
    if isinstance(layer, CutOut):
        return "RegionCrops"
    name = type(layer).__name__.removeprefix("Freezable")
    activation = getattr(layer, "activation", None)
    if isinstance(layer, keras.layers.Activation) and callable(activation):
        return getattr(activation, "__name__", name)
    return name


def _state(layer: Layer, weights: Sequence[Any]) -> str:
    statistics = isinstance(layer, BatchNormalization)
    could = [v for v in weights if "moving" not in v.name]
    trains = [variable.trainable for variable in could]
    if statistics:
        trains.append(layer.trainable and not getattr(layer, "frozen_statistics", False))
    if not trains:
        return ""
    return "trains" if all(trains) else "partly" if any(trains) else "frozen"


def _size(weights: Any) -> int:
    return sum(math.prod(variable.shape) for variable in weights)


def _names(detector: Detector) -> dict[int, str]:
    """`id` of a layer → its name in a checkpoint, where Keras would number it."""
    of_variables = {id(row.variable): row for row in variable_keys(detector)}
    names = {}
    for layer in detector._flatten_layers():
        row = next((of_variables.get(id(v)) for v in own_variables(layer)), None)
        if row is not None and not row.in_classifier:
            names[id(layer)] = row.original_name.rpartition("/")[0] or row.path.rpartition("/")[0]
    return names


def _numbers(parts: DetectorParts, steps: Sequence[Step]) -> dict[int, int]:
    """`id` of a layer of the backbone → its number as Keras counts, from 1."""
    if not parts.known:
        return {}
    found = {key: place + 1 for key, place in parts.layer_numbers().items()}
    named = {name: place + 1 for place, name in enumerate(parts.numbers[0].names)}
    inside = {id(layer) for layer in parts.layers}
    for step in steps:
        if id(step.layer) in inside and step.layer.name in named:
            found.setdefault(id(step.layer), named[step.layer.name])
    return found


def _stages_of_steps(
    detector: Detector, parts: DetectorParts, steps: Sequence[Step], size: InputSize
) -> list[str]:
    rooms, stages = _rooms(detector), list[str]()
    of_backbone, of_neck = parts.held("backbone"), parts.held("neck")
    level, side = 1, max(size.height, size.width)
    for step in steps:
        key = id(step.layer)
        if isinstance(step.layer, keras.layers.InputLayer):
            stages.append("image")
        elif key in of_backbone:
            level = max(level, _level(step.shapes[0], side, level))
            second = rooms.get(key) == "roi_head/box_features"
            stages.append("backbone, second stage" if second else f"backbone 1/{2**level}")
        elif key in of_neck:
            stages.append("neck")
        else:
            room = "regions" if isinstance(step.layer, CutOut) else rooms.get(key, "")
            stages.append(_ROOMS.get(room, room or stages[-1]))
    return stages


def _level(shape: Sequence[int | None], side: int, before: int) -> int:
    """How often the side of the image was halved for a map; squeezed maps are none."""
    longest = max((one or 0 for one in shape[:-1]), default=0)
    if longest <= 1 and side > 2 ** (before + 1):
        return before
    return round(math.log2(side / max(longest, 1)))


def _rooms(holder: Layer) -> dict[int, str]:
    """`id` of each layer inside `holder` → the attribute that holds it; of the second stage its
    part, too: `roi_head/head`."""
    rooms: dict[int, str] = {}
    attributes = {**vars(holder), **vars(holder).get("_modules", {})}
    for name, value in attributes.items():
        for layer in keras.tree.flatten(value) if not name.startswith("_") else ():
            if isinstance(layer, Layer):
                inner = _rooms(layer) if name == "roi_head" else {}
                for one in layer._flatten_layers():
                    part = inner.get(id(one), "")
                    rooms.setdefault(id(one), f"{name}/{part}" if part else name)
    return rooms


def _stages(layers: Sequence[LayerRow]) -> Iterator[StageRow]:
    """Rows of a stage together, also where its layers are not called one after the other."""
    order = {name: place for place, name in enumerate(dict.fromkeys(r.stage for r in layers))}
    places = sorted(range(len(layers)), key=lambda place: order[layers[place].stage])
    for name, group in groupby(places, key=lambda place: layers[place].stage):
        members = list(group)
        rows = [layers[place] for place in members]
        ends = [layers[place] for place in _ends(members, layers)]
        shapes = [list(shape) for row in ends for shape in row.shapes]
        yield StageRow(
            name,
            [list(shape) for shape in dict.fromkeys(map(tuple, shapes))],
            len(rows),
            sum(row.parameters for row in rows),
            sum(row.trainable for row in rows),
            sum(row.multiply_adds for row in rows),
        )


def _ends(members: Sequence[int], layers: Sequence[LayerRow]) -> list[int]:
    """Those layers of a stage whose outputs other parts of the detector take, or nobody; the last
    layer where only the next stage of the same part does."""
    part = part_of(layers[members[0]].stage)
    inside = set(members)
    takers: dict[int, set[str]] = {place: set() for place in members}
    for row in layers:
        for place in inside.intersection(row.inputs):
            takers[place].add(row.stage)
    elsewhere = [
        place
        for place, stages in takers.items()
        if layers[place].shapes and (not stages or any(part_of(stage) != part for stage in stages))
    ]
    return elsewhere or [place for place in members if layers[place].shapes][-1:]
