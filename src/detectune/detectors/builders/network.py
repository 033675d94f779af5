"""`backbone { … }` → the family of the network that it means."""

from __future__ import annotations

from dataclasses import replace

import keras

from detectune.backbones.applications import application_family
from detectune.backbones.base import BackboneFamily
from detectune.backbones.levels import missing_level, named_levels
from detectune.backbones.own_network import own_family
from detectune.backbones.preprocessing import as_they_are
from detectune.backbones.stored import WAYS, read_description, read_keras_file
from detectune.config import schema
from detectune.config.application_names import APPLICATIONS, PUBLISHED, STORED
from detectune.errors import ConfigError, did_you_mean, three_part
from detectune.registry import backbones

FIELD = "feature_extractor.backbone"


def network_of(config: schema.BackboneNetwork, given: keras.Model | None) -> BackboneFamily:
    """The family of the network that `config` names, or of the model that is `given` instead.

    Raises:
        ConfigError: there is no such network, or no backbone can be made of it.
        CheckpointError: the file that it names is missing or damaged.
    """
    family = _family(config, given)
    way = schema.BackboneNetwork.Preprocessing.Name(config.preprocessing)
    if way != "AUTO" and not family.description:
        family = replace(family, normalize=WAYS[way].normalize, pad_value=WAYS[way].pad_value)
    if config.levels:
        names = list(config.levels)
        family = replace(
            family, level_outputs=lambda network: named_levels(network, names, f"{FIELD}.levels")
        )
    return family


def _family(config: schema.BackboneNetwork, given: keras.Model | None) -> BackboneFamily:
    way = schema.BackboneNetwork.Preprocessing.Name(config.preprocessing)
    if given is not None:
        return own_family(given, way)
    if config.saved.endswith(STORED):
        network, stored_way = read_description(config.saved)
        return own_family(network, way if way != "AUTO" else stored_way, config.saved)
    if config.saved:
        return own_family(read_keras_file(config.saved), way, config.saved)
    if config.name in APPLICATIONS:
        return application_family(config.name)
    if config.name in PUBLISHED:
        family = backbones[PUBLISHED[config.name]]
        return replace(family, pads_maps=True)
    known = [*APPLICATIONS, *PUBLISHED]
    raise ConfigError(
        three_part(
            f'{FIELD}.name: no network is called "{config.name}".',
            f"Known: {', '.join(known)}.",
            f"{did_you_mean(config.name, known)}Choose one of these, or name a .keras file with "
            "saved.",
        )
    )


def levels_between(
    levels: dict[int, str], low: int, high: int, what: str
) -> tuple[list[str], list[int]]:
    """Names of the maps of the levels `low` to `high`, and their strides in pixels.

    Raises:
        ConfigError: one is not there.
    """
    for level in range(low, high + 1):
        if level not in levels:
            raise missing_level(level, levels, what)
    wanted = range(low, high + 1)
    return [levels[level] for level in wanted], [2**level for level in wanted]


def refuse_settings(
    config: schema.SsdFeatureExtractor | schema.FasterRcnnFeatureExtractor, family: BackboneFamily
) -> None:
    """See that a config does not change a network that is taken as it is.

    Raises:
        ConfigError: it does.
    """
    if not family.own_settings:
        return
    name = "override_base_feature_extractor_hyperparams"
    if getattr(config, name):
        raise ConfigError(
            three_part(
                f"feature_extractor.{name}: true, with a network of Keras.",
                "Such a network is taken as it is; conv_hyperparams are those of what stands on "
                "it.",
                "Remove the line.",
            )
        )
    placeholder = "replace_preprocessor_with_placeholder"
    if family.normalize is as_they_are and getattr(config, placeholder, False):
        raise ConfigError(
            three_part(
                f"feature_extractor.{placeholder}: true, with a network that normalizes images "
                "itself.",
                "It would normalize them a second time.",
                "Remove the line, and give images from 0 to 255.",
            )
        )
