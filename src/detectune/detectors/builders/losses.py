"""`loss { ... }` → the loss of a single-shot detector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from detectune.boxes.coders import BoxCoder
from detectune.config import schema
from detectune.detectors.builders.choice import choice
from detectune.detectors.builders.targets import free_anchor
from detectune.errors import ConfigError, three_part
from detectune.losses.anchor_loss import AnchorLoss, DenseLoss
from detectune.losses.classification import (
    BootstrappedSigmoidLoss,
    ClassificationLoss,
    DiceLoss,
    PenaltyReducedFocalLoss,
    SigmoidFocalLoss,
    SigmoidLoss,
    SoftmaxAgainstLogitsLoss,
    SoftmaxLoss,
)
from detectune.losses.free_anchor import FreeAnchorLoss
from detectune.losses.hard_mining import HardExampleMiner
from detectune.losses.localization import (
    GiouLoss,
    IouLoss,
    L1Loss,
    L2Loss,
    LocalizationLoss,
    SmoothL1Loss,
)
from detectune.losses.negative_weights import NegativeWeights
from detectune.targets.samplers import BalancedSampler

_CLASSIFICATION: dict[str, Callable[[Any], ClassificationLoss]] = {
    "weighted_sigmoid_focal": lambda focal: SigmoidFocalLoss(
        focal.gamma, focal.alpha if focal.HasField("alpha") else None
    ),
    "weighted_sigmoid": lambda _: SigmoidLoss(),
    "weighted_softmax": lambda softmax: SoftmaxLoss(softmax.logit_scale),
    "weighted_logits_softmax": lambda softmax: SoftmaxAgainstLogitsLoss(softmax.logit_scale),
    "bootstrapped_sigmoid": lambda mixed: BootstrappedSigmoidLoss(
        mixed.alpha, mixed.hard_bootstrap
    ),
    "penalty_reduced_logistic_focal_loss": lambda focal: PenaltyReducedFocalLoss(
        focal.alpha, focal.beta
    ),
    "weighted_dice_classification_loss": lambda dice: DiceLoss(dice.squared_normalization),
}

_LOCALIZATION: dict[str, Callable[[Any], LocalizationLoss]] = {
    "weighted_smooth_l1": lambda huber: SmoothL1Loss(huber.delta),
    "weighted_l2": lambda _: L2Loss(),
    "l1_localization_loss": lambda _: L1Loss(),
    "weighted_iou": lambda _: IouLoss(),
    "weighted_giou": lambda _: GiouLoss(),
}


def classification_loss(config: schema.ClassificationLoss) -> ClassificationLoss:
    """The loss on class logits."""
    kind = choice(config, "classification_loss", list(_CLASSIFICATION))
    return _CLASSIFICATION[kind](getattr(config, kind))


def localization_loss(config: schema.LocalizationLoss) -> LocalizationLoss:
    """The loss on box codes."""
    kind = choice(config, "localization_loss", list(_LOCALIZATION))
    return _LOCALIZATION[kind](getattr(config, kind))


def dense_loss(config: schema.Ssd, coder: BoxCoder) -> DenseLoss:
    """The whole loss of an SSD: its own, or that of a matcher that brings one."""
    free = free_anchor(config)
    if free is None:
        return anchor_loss(config, coder)
    return FreeAnchorLoss(
        coder,
        config.num_classes,
        alpha=free.alpha,
        gamma=free.gamma,
        iou_threshold=free.iou_threshold,
        box_weight=free.box_weight,
        delta=free.delta,
    )


def anchor_loss(config: schema.Ssd, coder: BoxCoder) -> AnchorLoss:
    """The whole loss of `ssd { loss { ... } }`."""
    loss = config.loss
    return AnchorLoss(
        classification=classification_loss(loss.classification_loss),
        localization=localization_loss(loss.localization_loss),
        coder=coder,
        classification_weight=loss.classification_weight,
        localization_weight=loss.localization_weight,
        normalize_by_matches=config.normalize_loss_by_num_matches,
        normalize_by_code_size=config.normalize_loc_loss_by_codesize,
        sampler=random_sampler(loss) if loss.HasField("random_example_sampler") else None,
        miner=_miner(loss) if loss.HasField("hard_example_miner") else None,
        negative_weights=negative_weights(loss),
    )


def _miner(loss: schema.Loss) -> HardExampleMiner:
    return hard_example_miner(
        loss.hard_example_miner,
        classification_weight=loss.classification_weight,
        localization_weight=loss.localization_weight,
    )


def random_sampler(config: schema.Loss) -> BalancedSampler:
    """All positives, and as many random negatives as their share asks for."""
    fraction = config.random_example_sampler.positive_sample_fraction
    if not 0.0 < fraction <= 1.0:
        raise ConfigError(
            three_part(
                f"random_example_sampler.positive_sample_fraction: {fraction:g} is no share.",
                "Allowed: above 0, at most 1.",
                "Write 0.25, for example, for three negatives per positive.",
            )
        )
    return BalancedSampler(fraction)


def negative_weights(config: schema.Loss) -> NegativeWeights | None:
    """How much anchors without an object count, as `expected_loss_weights` asks."""
    if config.expected_loss_weights == schema.Loss.NONE:
        return None
    return NegativeWeights(
        per_positive=config.desired_negative_sampling_ratio,
        least=config.min_num_negative_samples,
        as_sampled=config.expected_loss_weights == schema.Loss.EXPECTED_SAMPLING,
    )


def hard_example_miner(
    settings: schema.HardExampleMiner, *, classification_weight: float, localization_weight: float
) -> HardExampleMiner:
    """The choice of anchors, or of proposals, whose losses count.

    Args:
        classification_weight, localization_weight: of the two losses.
    """
    kind: Any = schema.HardExampleMiner.LossType.Name(settings.loss_type).lower()
    return HardExampleMiner(
        num_hard_examples=settings.num_hard_examples or None,
        iou_threshold=settings.iou_threshold,
        loss_type=kind,
        max_negatives_per_positive=settings.max_negatives_per_positive or None,
        min_negatives_per_image=settings.min_negatives_per_image,
        classification_weight=classification_weight,
        localization_weight=localization_weight,
    )
