"""`domain_adaptation { … }` → discriminators beside a detector that is about to be trained.

    config ─► what its maps and regions look like ─► DomainAdversary ─► detector.add_losses

The discriminators are trained by the optimizer of the run. They are a part of the state that a run
goes on from, and of no checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from detectune.config import schema
from detectune.config.domain_adaptation import adaptation_of
from detectune.detectors.base import Detector
from detectune.detectors.domain_adversary import DomainAdversary, MapTerm, RegionTerm, Reversal
from detectune.detectors.extra_losses import ExtraLosses
from detectune.detectors.two_stage import TwoStageDetector
from detectune.errors import ConfigError, three_part
from detectune.training.context import TrainingContext
from detectune.training.optimizers import Pace
from detectune.training.weights import batch_norms
from detectune.wording import plural

_PATH = "train_config.domain_adaptation"
# Any size will do to learn how many channels maps have.
_SIDE = 256


def prepare_adaptation(training: TrainingContext) -> ExtraLosses | None:
    """Add the discriminators that the config asks for to the detector; None if it asks for none.

    Raises:
        ConfigError: the detector has no such map, or no second stage.
    """
    detector, settings = training.detector, training.config.train_config
    adaptation = adaptation_of(settings)
    if adaptation is None:
        return None
    if detector.extra_losses is None:
        detector.add_losses(build_adversary(detector, adaptation, settings))
    learning = [norm for norm in batch_norms(detector) if norm.learns_statistics]
    if learning:
        training.note(
            "Domain adaptation",
            f"note: {plural(len(learning), 'batch norm')} measure statistics of the training "
            "images, and images of the target domain are computed with their moving averages; "
            'while these lag, the discriminators see it. freeze: "batch-norm" avoids it.',
        )
    return detector.extra_losses


def build_adversary(
    detector: Detector, adaptation: schema.DomainAdaptation, settings: schema.TrainConfig
) -> DomainAdversary:
    """The discriminators of `adaptation`, as `adaptation_of` gives it, for `detector`.

    Raises:
        ConfigError: the detector has no such map, or no second stage.
    """
    channels = map_channels(detector)
    maps = regions = None
    if adaptation.HasField("image_level"):
        image = adaptation.image_level
        levels = _levels(list(image.level), len(channels))
        maps = MapTerm(image.weight, levels, image.channels)
    shape = None
    if adaptation.HasField("instance_level"):
        instance, shape = adaptation.instance_level, _region_shape(detector, channels)
        regions = RegionTerm(instance.weight, instance.units, instance.proposals)
    return DomainAdversary(
        map_channels=channels,
        region_shape=shape,
        reversal=Reversal(
            settings.num_steps,
            max(settings.gradient_accumulation_steps, 1),
            adaptation.final_lambda,
            adaptation.steepness,
        ),
        maps=maps,
        regions=regions,
        consistency_weight=adaptation.consistency_weight,
        seed=settings.seed,
    )


def adversary_paces(training: TrainingContext, extra: ExtraLosses | None) -> dict[int, Pace]:
    """How the discriminators learn: at a rate of their own, clipped apart from the network.

    Call it when all is trainable that ever trains.

    Raises:
        ConfigError: nothing trains that the discriminators look at.
    """
    if extra is None:
        return {}
    _check_adapts(training.detector)
    factor = training.config.train_config.domain_adaptation.learning_rate_factor
    return {id(variable): Pace(factor, apart=True) for variable in extra.trainable_variables}


def map_channels(detector: Detector) -> list[int]:
    """How many channels each map of `detector` has, fine to coarse."""
    parts = detector.feature_parts
    if parts is None:
        images = keras.KerasTensor((1, _SIDE, _SIDE, 3))
        compute: Any = keras.backend.compute_output_spec
        return [int(one.shape[-1]) for one in compute(detector.features, images)]
    backbone, neck = parts
    shapes: Any = backbone.output_shapes
    shapes = shapes if neck is None else neck.compute_output_shape(shapes)
    return [int(shape[-1]) for shape in shapes]


def _levels(wanted: list[int], count: int) -> tuple[int, ...]:
    wrong = [level for level in wanted if level >= count]
    if wrong or len(set(wanted)) < len(wanted):
        said = f"there is no map {wrong[0]}" if wrong else "a map is named twice"
        raise ConfigError(
            three_part(
                f"{_PATH}.image_level.level: {said}.",
                f"The detector has {plural(count, 'map')}, 0 the finest.",
                "Name each that is to be looked at once, or none for all.",
            )
        )
    return tuple(sorted(wanted)) or tuple(range(count))


def _region_shape(detector: Detector, channels: Sequence[int]) -> tuple:
    """Of the features of regions."""
    head = detector.roi_head if isinstance(detector, TwoStageDetector) else None
    if head is None:
        raise ConfigError(
            three_part(
                f"{_PATH}.instance_level: the detector has no second stage.",
                "Proposed regions are looked at where there are some: in Fast and Faster R-CNN.",
                "Keep image_level { } alone.",
            )
        )
    patches = (None, *(head.crops.output_size or (None, None)), channels[0])
    return head.box_features.compute_output_shape(patches)


def _check_adapts(detector: Detector) -> None:
    parts = detector.feature_parts
    layers = [] if parts is None else [layer for layer in parts if layer is not None]
    trained = sum(len(layer.trainable_variables) for layer in layers)
    if layers and not trained:
        raise ConfigError(
            three_part(
                f"{_PATH}: backbone and neck are frozen to the end.",
                "Adapting to another domain changes the feature maps, so some of what makes them "
                "has to train.",
                'Write freeze: "backbone" if there is a neck, or freeze less.',
            )
        )
