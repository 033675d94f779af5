"""What TensorFlow 1 did otherwise with a backbone, and what it called its variables."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from detectune.backbones.regions import RegionForm
from detectune.layers.hyperparams import ConvHyperparams

_NORM = re.compile(r"^bn_|_bn$|_BN$")


def unchanged(hyperparams: ConvHyperparams) -> ConvHyperparams:
    """`hyperparams`: what most families do with the hyperparameters of a config."""
    return hyperparams


@dataclass(frozen=True)
class Tf1Form:
    """A family as TF-Slim and the original's feature extractors for TensorFlow 1 had it.

    Args:
        scope: variable scope of the network, below `FeatureExtractor/`.
        layers: (pattern, replacement) pairs that turn the name of a convolution into its scope;
            the first whose pattern matches the whole name counts.
        last: what names of the added maps of SSD begin with.
        coarse, first_coarse: names of the added levels of a pyramid, with the number of the first.
        build, build_thin, default_hyperparams, from_config, ignored_fields, regions: as in
            `BackboneFamily`, where they differ.
        box_scope: what some scopes begin with, and what they begin with instead where the layers
            make features of regions.
    """

    scope: str
    layers: tuple[tuple[str, str], ...]
    last: str
    coarse: str
    first_coarse: int
    build: Callable[..., Any] | None = None
    build_thin: Callable[..., Any] | None = None
    default_hyperparams: ConvHyperparams | None = None
    from_config: Callable[[ConvHyperparams], ConvHyperparams] | None = None
    ignored_fields: frozenset[str] | None = None
    regions: RegionForm | None = None
    box_scope: tuple[str, str] = ("", "")

    def scope_of(self, layer: str) -> str:
        """The scope below `scope` of a convolution, or of its batch norm, called `layer`."""
        name = _NORM.sub("", layer)
        for pattern, replacement in self.layers:
            if re.fullmatch(pattern, name):
                return re.sub(pattern, replacement, name)
        return name

    def box_scope_of(self, layer: str) -> str:
        """The same, where `layer` makes features of regions."""
        usual, there = self.box_scope
        scope = self.scope_of(layer)
        return there + scope.removeprefix(usual) if scope.startswith(usual) else scope

    def changes(self) -> dict[str, Any]:
        """What is otherwise than in the family itself, by the family's names for it."""
        settings = (
            "build",
            "build_thin",
            "default_hyperparams",
            "from_config",
            "ignored_fields",
            "regions",
        )
        found = {name: getattr(self, name) for name in settings}
        return {name: value for name, value in found.items() if value is not None}
