"""Which layers of a detector are its backbone, its neck and its heads.

    backbone  all that a classifier has too: `detector.backbone`; of two-stage detectors without a
              pyramid also the box features of the second stage, which are the rest of the network
    neck      `detector.neck`: a pyramid, or the feature maps that SSD adds
    heads     everything else: prediction heads, the region proposal network, dense box features
              above a pyramid, masks

The words of a config that mean these parts stand in `config/freezing.py`. A detector of another
package has the parts that its attributes `backbone` and `neck` name.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import keras
from keras.layers import BatchNormalization, Layer

from detectune.backbones.base import Backbone
from detectune.checkpoints.name_maps.classifier import layers_of_backbone
from detectune.checkpoints.name_maps.networks import taken_apart
from detectune.config.freezing import Part
from detectune.detectors.base import Detector
from detectune.errors import ConfigError, three_part
from detectune.registry import name_maps
from detectune.training.layer_numbers import LayerNumbers, numbered, numbered_by_keras, place_of


class DetectorParts:
    """The parts of `detector`, as sets of `id`s of variables."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        backbone, neck = (getattr(detector, name, None) for name in ("backbone", "neck"))
        self._backbone = backbone if isinstance(backbone, Layer) else None
        self._neck = neck if isinstance(neck, Layer) else None

    def variables(self, part: Part, field: str) -> set[int]:
        """`id`s of the variables of `part`, statistics of batch norms among them.

        Args:
            field: where the config names it.

        Raises:
            ConfigError: the detector has no such part, or no such layers.
        """
        if part.name == "batch-norm":
            return _ids(batch_norms(self.detector))
        if part.name == "neck" and self._neck is None:
            raise self._missing("neck", field)
        if part.name == "neck":
            return self.neck
        if self._backbone is None:
            raise self._missing("backbone", field)
        if part.name == "all-but-heads":
            return self.backbone | self.neck
        if not (part.layers or part.last_layer):
            return self.backbone
        place = self._place(part, field)
        return _ids(layer for layer, at in self._numbered if at < place)

    @cached_property
    def backbone(self) -> set[int]:
        """Variables of the backbone; none if there is no such attribute."""
        if self._backbone is None:
            return set()
        return _ids([self._backbone, *(layer for layer, _ in self._numbered)])

    @cached_property
    def neck(self) -> set[int]:
        """Variables of the neck; none if there is no such attribute."""
        return set() if self._neck is None else _ids([self._neck]) - self.backbone

    @property
    def known(self) -> bool:
        """Whether the detector says what its backbone is."""
        return self._backbone is not None

    @property
    def has_neck(self) -> bool:
        """Whether something stands between backbone and heads."""
        return self._neck is not None

    def name_of(self, variable: Any) -> str:
        """The part that `variable` belongs to: "backbone", "neck" or "heads"."""
        if id(variable) in self.backbone:
            return "backbone"
        return "neck" if id(variable) in self.neck else "heads"

    @cached_property
    def numbers(self) -> list[LayerNumbers]:
        """The layers of the backbone in Keras's order: first those that are counted, then the same
        under the names that they have here."""
        backbone = self._backbone
        own = numbered(self.layers)
        if not isinstance(backbone, Backbone) or backbone.keras_form is None:
            return [own]
        known = backbone.keras_form.application
        return [numbered_by_keras(known, prepares=backbone.is_of_keras), own]

    def layer_numbers(self) -> dict[int, int]:
        """`id` of each layer of the backbone with weights → its place in `numbers[0]`, from 0."""
        counts = enumerate(self.numbers[0].weighted)
        places = [at for at, count in counts for _ in range(count)]
        return {id(layer): places[at] for layer, at in self._numbered if at < len(places)}

    def held(self, part: str) -> set[int]:
        """`id`s of all layers of the "backbone" or the "neck", those without weights among them."""
        if part == "neck":
            return set() if self._neck is None else _inside([self._neck])
        return _inside([*([self._backbone] if self._backbone else []), *self.layers])

    def _place(self, part: Part, field: str) -> int:
        """How many layers with weights `part` holds."""
        if not self.layers:
            raise ConfigError(
                three_part(
                    f'{field}: "{part}": the layers of this backbone have no order.',
                    "Layers are counted in a network that Keras has as a functional or sequential "
                    "model.",
                    'Write "backbone" for all of it, or patterns in freeze_variables.',
                )
            )
        if part.layers:
            return self.numbers[0].first(part.layers, field)
        return place_of(part.last_layer, self.numbers, field)

    @cached_property
    def _numbered(self) -> list[tuple[Layer, int]]:
        """Every layer of the backbone with weights, and its number among these.

        Two layers have one number where both stages of a detector have a copy.
        """
        rows = list(name_maps[type(self.detector)].classifier_layers(self.detector))
        if not rows and isinstance(self._backbone, Backbone):
            rows = list(layers_of_backbone(self._backbone))
        if rows:
            return [(row.layer, row.place) for row in rows]
        weighted = [layer for layer in taken_apart(self.layers) if layer.weights]
        return [(layer, at) for at, layer in enumerate(weighted)]

    @cached_property
    def layers(self) -> list[Layer]:
        """The layers of the backbone in the order of its graph; none if it has no graph."""
        backbone = self._backbone
        if isinstance(backbone, Backbone):
            rest: Any = getattr(self.detector, "box_features", None)
            goes_on = isinstance(rest, keras.Model) and not self.has_neck
            after = rest.layers[1:] if goes_on else backbone.unused
            return [*_layers_of(backbone.network), *after]
        return _layers_of(backbone) if isinstance(backbone, keras.Model) else []

    def _missing(self, name: str, field: str) -> ConfigError:
        kind = type(self.detector).__name__
        if name == "neck" and self.known:
            return ConfigError(
                three_part(
                    f'{field}: "neck": nothing stands between the backbone and the heads of this '
                    f"{kind}.",
                    "A neck is a pyramid, or the feature maps that SSD adds.",
                    'Remove it; "all-but-heads" means the backbone here.',
                )
            )
        return ConfigError(
            three_part(
                f'{field}: "{name}": {kind} does not say what its {name} is.',
                f"It is the layer that a detector has as its attribute `{name}`.",
                f"Freeze by patterns with freeze_variables, or let {kind} keep the layer in "
                f"self.{name}.",
            )
        )


def batch_norms(detector: Detector) -> list[BatchNormalization]:
    """Batch norms of `detector` that have been built, of Keras or of ours."""
    return [
        layer
        for layer in detector._flatten_layers()
        if isinstance(layer, BatchNormalization) and layer.weights
    ]


def _layers_of(network: Any) -> list[Layer]:
    return list(network.layers)


def _inside(layers: Iterable[Layer]) -> set[int]:
    return {id(inner) for layer in layers for inner in layer._flatten_layers()}


def _ids(layers: Iterable[Layer]) -> set[int]:
    return {id(variable) for layer in layers for variable in layer.weights}
