"""`loss { ... }` → the loss of a single-shot detector."""

from __future__ import annotations

from typing import Any

from detectune.boxes.coders import BoxCoder
from detectune.config import schema
from detectune.detectors.parts.choice import choice
from detectune.losses.anchor_loss import AnchorLoss
from detectune.losses.classification import (
    ClassificationLoss,
    SigmoidFocalLoss,
    SigmoidLoss,
    SoftmaxLoss,
)
from detectune.losses.hard_mining import HardExampleMiner
from detectune.losses.localization import L2Loss, LocalizationLoss, SmoothL1Loss


def classification_loss(config: schema.ClassificationLoss) -> ClassificationLoss:
    """The loss on class logits."""
    offered = ["weighted_sigmoid", "weighted_sigmoid_focal", "weighted_softmax"]
    kind = choice(config, "classification_loss", offered)
    if kind == "weighted_sigmoid":
        return SigmoidLoss()
    if kind == "weighted_softmax":
        return SoftmaxLoss(config.weighted_softmax.logit_scale)
    focal = config.weighted_sigmoid_focal
    return SigmoidFocalLoss(focal.gamma, focal.alpha if focal.HasField("alpha") else None)


def localization_loss(config: schema.LocalizationLoss) -> LocalizationLoss:
    """The loss on box codes."""
    kind = choice(config, "localization_loss", ["weighted_smooth_l1", "weighted_l2"])
    if kind == "weighted_l2":
        return L2Loss()
    return SmoothL1Loss(config.weighted_smooth_l1.delta)


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
        miner=hard_example_miner(loss) if loss.HasField("hard_example_miner") else None,
    )


def hard_example_miner(config: schema.Loss) -> HardExampleMiner:
    """The choice of anchors whose losses count."""
    settings = config.hard_example_miner
    kind: Any = schema.HardExampleMiner.LossType.Name(settings.loss_type).lower()
    return HardExampleMiner(
        num_hard_examples=settings.num_hard_examples or None,
        iou_threshold=settings.iou_threshold,
        loss_type=kind,
        max_negatives_per_positive=settings.max_negatives_per_positive or None,
        min_negatives_per_image=settings.min_negatives_per_image,
        classification_weight=config.classification_weight,
        localization_weight=config.localization_weight,
    )
