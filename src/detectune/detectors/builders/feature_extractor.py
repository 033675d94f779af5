"""`feature_extractor { ... }` → backbone and neck."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import keras
from google.protobuf.message import Message
from keras.layers import Layer

from detectune.backbones.base import Backbone, BackboneFamily
from detectune.backbones.levels import missing_level
from detectune.config import schema
from detectune.config.architectures.ssd import SSD_EXTRACTORS
from detectune.detectors.builders.layers import conv_hyperparams
from detectune.detectors.builders.network import levels_between, network_of, refuse_settings
from detectune.errors import ConfigError, did_you_mean, three_part
from detectune.layers.hyperparams import ConvHyperparams
from detectune.necks.bifpn import FUSION_METHODS, BiFpn, FusionMethod
from detectune.necks.fpn import FeaturePyramid
from detectune.necks.ssd_extras import SsdExtraLayers
from detectune.registry import backbones
from detectune.structures import Array


def feature_extractor_types() -> dict[str, tuple[str, str]]:
    """Type in the config → (backbone, neck): the grammar `ssd_<backbone>[_<neck>]_keras`.

    The types of `NECK_ONLY` say nothing of the backbone: `backbone { }` does.
    """
    endings = {"extras": "", "fpn": "_fpn", "bifpn": "_bifpn"}
    return {
        f"ssd_{name}{endings[neck]}_keras": (name, neck)
        for name in backbones
        for neck in backbones[name].necks
    }


def backbone_and_neck(
    config: schema.SsdFeatureExtractor,
    *,
    freeze_batch_norm: bool,
    network: keras.Model | None = None,
) -> tuple[Backbone, Layer]:
    """The two halves of `ssd { feature_extractor { ... } }`.

    Args:
        network: the one that `backbone { }` means, where it comes from Python or a run directory.
    """
    family, neck = _family_and_neck(config, network)
    refuse_settings(config, family)
    config = _as_received(config, family)
    freeze_batch_norm = freeze_batch_norm or not config.batch_norm_trainable
    hyperparams = conv_hyperparams(
        config.conv_hyperparams,
        freeze_batch_norm=freeze_batch_norm,
        tf1=SSD_EXTRACTORS.is_tf1(config.type),
    )
    thin = neck == "fpn" and config.use_depthwise
    build = (family.build_thin if thin else None) or family.build
    built = build(
        depth_multiplier=config.depth_multiplier,
        min_depth=config.min_depth,
        hyperparams=_backbone_hyperparams(config, family, hyperparams, freeze_batch_norm),
        explicit_padding=config.use_explicit_padding,
    )
    makers = {"extras": _extras, "fpn": _pyramid, "bifpn": _bifpn}
    outputs, strides, made_neck = makers[neck](config, family, built, hyperparams)
    if config.replace_preprocessor_with_placeholder:
        family = replace(family, normalize=_as_it_is, pad_value=(0.0, 0.0, 0.0))
    backbone = family.backbone(
        built,
        outputs,
        config.pad_to_multiple,
        strides,
        depth_multiplier=config.depth_multiplier,
    )
    return backbone, made_neck


def _family_and_neck(
    config: schema.SsdFeatureExtractor, network: keras.Model | None
) -> tuple[BackboneFamily, str]:
    """What the type stands for; for an old name the family as TensorFlow 1 had it."""
    name, types = config.type, feature_extractor_types()
    if name in SSD_EXTRACTORS.neck_only:
        return network_of(config.backbone, network), SSD_EXTRACTORS.neck_only[name]
    if refusal := SSD_EXTRACTORS.refusal(name):
        raise ConfigError(three_part(f"feature_extractor.type: {refusal[0]}", *refusal[1:]))
    if SSD_EXTRACTORS.keras_name(name) not in types:
        raise ConfigError(
            three_part(
                f'feature_extractor.type: no feature extractor is called "{name}".',
                SSD_EXTRACTORS.offered(),
                f"{did_you_mean(name, types)}Choose one of these names.",
            )
        )
    backbone, neck = types[SSD_EXTRACTORS.keras_name(name)]
    family: BackboneFamily = backbones[backbone]
    return family.in_tf1() if SSD_EXTRACTORS.is_tf1(name) else family, neck


def _as_it_is(images: Array) -> Array:
    """Images that were normalized before they came here."""
    return images


def _as_received(
    config: schema.SsdFeatureExtractor, family: BackboneFamily
) -> schema.SsdFeatureExtractor:
    """`config` without the fields that the original never hands to this family."""
    received = schema.SsdFeatureExtractor()
    received.CopyFrom(config)
    for field in family.ignored_fields:
        *parents, name = field.split(".")
        message: Message = received
        for parent in parents:
            message = getattr(message, parent)
        message.ClearField(name)
    return received


def _backbone_hyperparams(
    config: schema.SsdFeatureExtractor,
    family: BackboneFamily,
    hyperparams: ConvHyperparams,
    freeze_batch_norm: bool,
) -> ConvHyperparams:
    if config.override_base_feature_extractor_hyperparams:
        return family.from_config(hyperparams)
    return family.default_hyperparams.with_frozen_statistics(freeze_batch_norm)


def _pyramid(
    config: schema.SsdFeatureExtractor,
    family: BackboneFamily,
    network: keras.Model,
    hyperparams: ConvHyperparams,
) -> tuple[list[str], list[int], Layer]:
    _refuse_num_layers(config)
    levels = family.level_outputs(network)
    low, high = pyramid_levels("fpn", config.fpn, finest=min(levels, default=1))
    base = min(high, 5)
    outputs, strides = levels_between(levels, low, base, network.name)
    neck = FeaturePyramid(
        num_inputs=base - low + 1,
        num_coarse=high - base,
        depth=max(
            int(config.fpn.additional_layer_depth * config.depth_multiplier), config.min_depth
        ),
        hyperparams=hyperparams,
        use_depthwise=config.use_depthwise,
        explicit_padding=config.use_explicit_padding,
        carry_smoothed=not SSD_EXTRACTORS.is_tf1(config.type),
        name="neck",
    )
    return outputs, strides, neck


def _refuse_num_layers(config: schema.SsdFeatureExtractor) -> None:
    if config.HasField("num_layers"):
        raise ConfigError(
            three_part(
                f"feature_extractor.num_layers: {config.type} has a pyramid.",
                "Allowed: only where the type says neither fpn nor bifpn.",
                "Remove the line; min_level and max_level say how many levels there are.",
            )
        )


def pyramid_levels(
    field: str,
    settings: schema.FeaturePyramidNetworks | schema.BidirectionalFeaturePyramidNetworks,
    *,
    finest: int,
) -> tuple[int, int]:
    """The least and the greatest level that `feature_extractor { field { … } }` asks for.

    Args:
        finest: the least level that the backbone has.

    Raises:
        ConfigError: there are no such levels.
    """
    low, high = settings.min_level, settings.max_level
    if not finest <= low <= min(high, 5):
        raise ConfigError(
            three_part(
                f"feature_extractor.{field}: min_level {low} and max_level {high} do not fit.",
                f"Allowed: {finest} ≤ min_level ≤ 5 and min_level ≤ max_level.",
                "Correct the levels, and those of the anchor generator with them.",
            )
        )
    return low, high


def _bifpn(
    config: schema.SsdFeatureExtractor,
    family: BackboneFamily,
    network: keras.Model,
    hyperparams: ConvHyperparams,
) -> tuple[list[str], list[int], Layer]:
    for field in ("use_depthwise", "use_explicit_padding"):
        if getattr(config, field):
            raise ConfigError(
                three_part(
                    f"feature_extractor.{field}: a BiFPN has separable convolutions and SAME "
                    "padding in any case.",
                    "Allowed: false.",
                    "Remove the line.",
                )
            )
    _refuse_num_layers(config)
    levels, size = family.level_outputs(network), family.bifpn
    low, high = pyramid_levels("bifpn", config.bifpn, finest=min(levels, default=1))
    base = min(high, 5)
    outputs, strides = levels_between(levels, low, base, network.name)
    neck = BiFpn(
        num_inputs=base - low + 1,
        min_level=low,
        max_level=high,
        iterations=config.bifpn.num_iterations or size.iterations,
        filters=max(config.bifpn.num_filters or size.filters, config.min_depth),
        fusion=_fusion(config, size.combine_method),
        hyperparams=hyperparams,
        name="neck",
    )
    return outputs, strides, neck


def _fusion(config: schema.SsdFeatureExtractor, default: str) -> FusionMethod:
    # Parity: a `bifpn` block without the field means fast_attention for every backbone; only a
    # config without the block takes the backbone's own.
    method = config.bifpn.combine_method if config.HasField("bifpn") else default
    if method not in FUSION_METHODS:
        raise ConfigError(
            three_part(
                f'feature_extractor.bifpn.combine_method: there is no method "{method}".',
                f"Allowed: {', '.join(FUSION_METHODS)}.",
                f"{did_you_mean(method, FUSION_METHODS)}Correct the pipeline.config.",
            )
        )
    return cast("FusionMethod", method)


def _extras(
    config: schema.SsdFeatureExtractor,
    family: BackboneFamily,
    network: keras.Model,
    hyperparams: ConvHyperparams,
) -> tuple[list[str], list[int], Layer]:
    if config.num_layers < 1:
        raise ConfigError(
            three_part(
                f"feature_extractor.num_layers: {config.num_layers} feature maps.",
                "Allowed: 1 to 6.",
                "Correct the number, and that of the anchor generator with it.",
            )
        )
    maps = family.ssd_maps(network)
    if not maps:
        raise missing_level(5, family.level_outputs(network), network.name)
    inputs = list(maps)[: config.num_layers]
    neck = SsdExtraLayers(
        num_inputs=len(inputs),
        depths=family.ssd_extra_depths[: config.num_layers - len(inputs)],
        depth_multiplier=config.depth_multiplier,
        min_depth=config.min_depth,
        hyperparams=hyperparams,
        use_depthwise=config.use_depthwise,
        explicit_padding=config.use_explicit_padding,
        name="neck",
    )
    return inputs, [maps[name] for name in inputs], neck
