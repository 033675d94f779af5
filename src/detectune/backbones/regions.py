"""What a two-stage detector needs of a backbone: a trunk, and a head for what it cuts out.

image ─► trunk ─► map ─► one patch for each region ─► box head ─► features of the region
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import keras

from detectune.layers.hyperparams import ConvHyperparams


class RegionNetworks(NamedTuple):
    """The two halves of a network."""

    trunk: keras.Model
    """Images → feature maps, among them the one that regions are proposed from, and cut out of."""
    features: str
    """The layer of the trunk that makes this map."""
    box_features: keras.Model
    """Patches `[M, h, w, C]` of the map → features `[M, h', w', C']` of each."""


class BuildRegionNetworks(Protocol):
    """Makes both halves."""

    def __call__(self, *, features_stride: int, hyperparams: ConvHyperparams) -> RegionNetworks: ...


@dataclass(frozen=True)
class RegionForm:
    """A family as two-stage detectors use it.

    Args:
        name: what the types of feature extractors call the family.
        build: both halves of the network, for detectors without a pyramid.
        hyperparams: of their convolutions; a config cannot override them.
        strides: what `first_stage_features_stride` may be, in pixels.
    """

    name: str
    build: BuildRegionNetworks
    hyperparams: ConvHyperparams = field(default_factory=ConvHyperparams)
    strides: tuple[int, ...] = (8, 16)
