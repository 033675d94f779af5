"""`faster_rcnn { feature_extractor { ... } }` → backbone, neck and the head for regions."""

from __future__ import annotations

from typing import NamedTuple

import keras
from keras.layers import Layer

from detectune.backbones.base import Backbone, BackboneFamily
from detectune.backbones.regions import RegionForm
from detectune.config import schema
from detectune.config.architectures.two_stage import REGION_EXTRACTORS
from detectune.detectors.builders.feature_extractor import pyramid_levels
from detectune.detectors.builders.layers import conv_hyperparams
from detectune.detectors.builders.network import levels_between, network_of, refuse_settings
from detectune.errors import ConfigError, did_you_mean, three_part
from detectune.heads.dense_features import dense_features
from detectune.layers.hyperparams import ConvHyperparams
from detectune.necks.fpn import FeaturePyramid
from detectune.registry import backbones


class RegionFeatures(NamedTuple):
    """The parts of a two-stage detector that look at pixels."""

    backbone: Backbone
    """Images → feature maps, fine to coarse; a single one if there is no neck."""
    neck: Layer | None
    """Feature maps of the backbone → the levels of a pyramid."""
    box_features: keras.Model
    """Patches `[M, h, w, C]` of those maps → features `[M, h', w', C']`."""


# Parity: models/faster_rcnn_resnet_v1_fpn_keras_feature_extractor.py, where the config has no fpn.
_DEFAULT_PYRAMID = schema.FeaturePyramidNetworks(min_level=2, max_level=6)


def region_feature_types() -> dict[str, tuple[str, bool]]:
    """Type in the config → (backbone, whether it has a pyramid).

    The grammar is `faster_rcnn_<backbone>[_fpn]_keras`. Above a pyramid no family needs layers of
    its own for regions, so whatever can be under the pyramid of an SSD can be under this one.
    """
    types = {}
    for backbone in backbones:
        family: BackboneFamily = backbones[backbone]
        form = family.regions
        if form is not None:
            types[f"faster_rcnn_{form.name}_keras"] = backbone, False
        if "fpn" in family.necks:
            types[f"faster_rcnn_{form.name if form else backbone}_fpn_keras"] = backbone, True
    return types


def tf1_region_feature_types() -> dict[str, str]:
    """Type in a config for TensorFlow 1 → backbone: the grammar is `faster_rcnn_<backbone>`."""
    types = {}
    for backbone in backbones:
        tf1 = backbones[backbone].tf1
        if tf1 is not None and tf1.regions is not None:
            types[f"faster_rcnn_{tf1.regions.name}"] = backbone
    return types


def region_features(
    config: schema.FasterRcnnFeatureExtractor,
    *,
    patch_size: tuple[int, int] | None,
    network: keras.Model | None = None,
) -> RegionFeatures:
    """The feature extractor of both stages.

    Args:
        network: the one that `backbone { }` means, where it comes from Python or a run directory.
        patch_size: height and width of what the second stage cuts out of a map, after pooling;
            None if it looks at the whole map.

    Raises:
        ConfigError: there is no such feature extractor, or it does not take a field.
    """
    family, pyramid = _family(config, network)
    refuse_settings(config, family)
    if pyramid:
        if patch_size is None:
            raise _needs_patches(config.type)
        return _with_pyramid(config, family, patch_size)
    return _without_pyramid(config, family)


def _family(
    config: schema.FasterRcnnFeatureExtractor, network: keras.Model | None
) -> tuple[BackboneFamily, bool]:
    """What the type stands for, and whether it has a pyramid.

    For an old name it is the family as TensorFlow 1 had it.
    """
    name = config.type
    if name in REGION_EXTRACTORS.neck_only:
        return network_of(config.backbone, network), True
    types = region_feature_types()
    old_types = tf1_region_feature_types()
    if refusal := REGION_EXTRACTORS.refusal(name):
        raise ConfigError(three_part(f"feature_extractor.type: {refusal[0]}", *refusal[1:]))
    if name not in (*types, *old_types):
        raise ConfigError(
            three_part(
                f'feature_extractor.type: no feature extractor is called "{name}".',
                REGION_EXTRACTORS.offered(old_types),
                f"{did_you_mean(name, [*types, *old_types])}Choose one of these names.",
            )
        )
    backbone, pyramid = types.get(name) or (old_types[name], False)
    family: BackboneFamily = backbones[backbone]
    if name in old_types:
        family = family.in_tf1()
    return family, pyramid


def _needs_patches(name: str) -> ConfigError:
    return ConfigError(
        three_part(
            f"feature_extractor.type: {name} makes several maps.",
            "The rfcn_box_predictor looks at a single one.",
            "Take a feature extractor without fpn in its name, or mask_rcnn_box_predictor.",
        )
    )


def _without_pyramid(
    config: schema.FasterRcnnFeatureExtractor, family: BackboneFamily
) -> RegionFeatures:
    form = family.regions
    assert form is not None  # there is no such type otherwise
    _check_fields(config, form)
    hyperparams = form.hyperparams.with_frozen_statistics(not config.batch_norm_trainable)
    networks = form.build(
        features_stride=config.first_stage_features_stride, hyperparams=hyperparams
    )
    backbone = family.backbone(networks.trunk, [networks.features])
    return RegionFeatures(backbone, None, networks.box_features)


def _with_pyramid(
    config: schema.FasterRcnnFeatureExtractor,
    family: BackboneFamily,
    patch_size: tuple[int, int],
) -> RegionFeatures:
    frozen = not config.batch_norm_trainable
    hyperparams = _pyramid_hyperparams(config, frozen)
    override = config.override_base_feature_extractor_hyperparams
    built = family.build(
        depth_multiplier=1.0,
        min_depth=8,
        hyperparams=(
            hyperparams if override else family.default_hyperparams.with_frozen_statistics(frozen)
        ),
        explicit_padding=False,
    )
    levels = family.level_outputs(built)
    settings = config.fpn if config.HasField("fpn") else _DEFAULT_PYRAMID
    low, high = pyramid_levels("fpn", settings, finest=min(levels, default=1))
    base = min(high, 5)
    outputs, strides = levels_between(levels, low, base, built.name)
    neck = FeaturePyramid(
        num_inputs=base - low + 1,
        num_coarse=high - base,
        depth=settings.additional_layer_depth,
        hyperparams=hyperparams,
        name="neck",
    )
    backbone = family.backbone(built, outputs, strides=strides)
    neck.build(backbone.output_shapes)
    patch_shape = (*patch_size, settings.additional_layer_depth)
    return RegionFeatures(backbone, neck, dense_features(patch_shape, hyperparams))


def _pyramid_hyperparams(
    config: schema.FasterRcnnFeatureExtractor, frozen: bool
) -> ConvHyperparams:
    if not config.HasField("conv_hyperparams"):
        raise ConfigError(
            three_part(
                f"feature_extractor: {config.type} has no conv_hyperparams.",
                "They say how the layers of the pyramid are made.",
                "Copy conv_hyperparams from faster_rcnn_resnet50_v1_fpn_640x640_coco17_tpu-8.",
            )
        )
    return conv_hyperparams(config.conv_hyperparams, freeze_batch_norm=frozen)


def _check_fields(config: schema.FasterRcnnFeatureExtractor, form: RegionForm) -> None:
    """Parity: builders/model_builder.py hands these to classes that do not take them."""
    for field in ("conv_hyperparams", "fpn"):
        if config.HasField(field):
            raise ConfigError(
                three_part(
                    f"feature_extractor.{field}: {config.type} does not take it.",
                    "Allowed: only where the type says fpn.",
                    "Remove it, or take a feature extractor with fpn in its name.",
                )
            )
    if config.first_stage_features_stride not in form.strides:
        strides = " or ".join(map(str, form.strides))
        raise ConfigError(
            three_part(
                "feature_extractor.first_stage_features_stride: "
                f"{config.first_stage_features_stride}.",
                f"Allowed with {config.type}: {strides}.",
                "Correct the stride, and that of the anchor generator with it.",
            )
        )
