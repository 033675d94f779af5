"""Faster R-CNN, Mask R-CNN and Fast R-CNN; see `recipes.base`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from detectune.config import schema
from detectune.config.architectures.two_stage import TwoStage
from detectune.recipes.base import Recipe
from detectune.recipes.memory import Measured
from detectune.recipes.training_plan import Shipped, TrainingPlan
from detectune.registry import recipes
from detectune.wording import plural

_FEW_IMAGES = 16
"""The zoo's two-stage detectors were trained with batch norms that learn for 64 images at a time,
and with batch norms that keep their statistics for 16."""


@recipes.register("fast_rcnn")
@recipes.register("faster_rcnn")
class TwoStageRecipe(Recipe):
    """Its learning rate is the zoo's, in proportion to the batch.

    Batches are computed in parts where memory is short: batch norms need not learn.
    """

    message: TwoStage
    measured: ClassVar[Mapping[str, Measured]] = {
        "faster_rcnn_resnet50_keras": Measured(1.3, 0.15, 2.15),
        "faster_rcnn_resnet101_keras": Measured(2.3, 0.15, 2.15),
        "faster_rcnn_resnet152_keras": Measured(3.4, 0.15, 2.15),
        "faster_rcnn_resnet50_fpn_keras": Measured(2.1, 0.05, 2.05),
        "faster_rcnn_inception_resnet_v2_keras": Measured(2.15, 1.1, 2.75),
    }
    masks_gb = 0.3

    @property
    def norms(self) -> list[schema.BatchNorm]:
        hyperparams = self.message.feature_extractor.conv_hyperparams
        return [hyperparams.batch_norm] if hyperparams.HasField("batch_norm") else []

    def shipped(self, train: schema.TrainConfig) -> Shipped | None:
        schedule = train.optimizer.momentum_optimizer.learning_rate.cosine_decay_learning_rate
        return Shipped(
            train.batch_size,
            float(f"{schedule.learning_rate_base:g}"),  # as written; the message rounds to float32
            train.gradient_clipping_by_norm,
        )

    def prepare(self, plan: TrainingPlan, *, begins_with_detector: bool) -> None:
        """Keep the statistics of a checkpoint if few images at a time would spoil them.

        What a classifier does not have begins without statistics worth keeping.
        """
        if begins_with_detector and plan.images_at_once < _FEW_IMAGES:
            self.message.feature_extractor.batch_norm_trainable = False

    def begin_at_random(self) -> None:
        self.message.feature_extractor.batch_norm_trainable = True

    def norm_reason(self, train: schema.TrainConfig) -> str:
        if self.message.feature_extractor.batch_norm_trainable:
            return ""
        at_once = train.batch_size // max(train.gradient_accumulation_steps, 1)
        return (
            "Batch norms keep the statistics of the checkpoint (batch_norm_trainable: false): "
            f"{plural(at_once, 'image')} at a time: too few for better ones."
        )
