"""SSD, RetinaNet and EfficientDet; see `recipes.base`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from detectune.config import schema
from detectune.recipes.base import SHORT_RUN_DECAY, Recipe
from detectune.recipes.memory import Measured, input_pixels
from detectune.registry import recipes


@recipes.register("ssd")
class SsdRecipe(Recipe):
    """Its learning rate follows the batch, as went well in short trainings."""

    message: schema.Ssd
    measured: ClassVar[Mapping[str, Measured]] = {
        "ssd_mobilenet_v2_keras": Measured(1.0, 0.0, 1.1),
        "ssd_mobilenet_v2_fpn_keras": Measured(1.1, 0.0, 1.5),
        "ssd_mobilenet_v1_fpn_keras": Measured(1.2, 0.0, 1.6),
        "ssd_resnet50_v1_fpn_keras": Measured(1.9, 0.0, 2.0),
        "ssd_resnet152_v1_fpn_keras": Measured(3.5, 0.0, 2.0),
        "ssd_efficientnet-b0_bifpn_keras": Measured(1.6, 0.0, 2.05),
    }

    @property
    def largest_batch(self) -> int:
        pixels = input_pixels(self.message.image_resizer)
        if self.architecture.feature_extractor.startswith("ssd_mobilenet_v2_"):
            return 16 if pixels <= 320**2 else 8
        return 4 if pixels <= 640**2 else 2

    @property
    def norms(self) -> list[schema.BatchNorm]:
        parts = [self.message.feature_extractor]
        kind = self.message.box_predictor.WhichOneof("box_predictor_oneof")
        parts += [getattr(self.message.box_predictor, kind)] if kind else []
        parts = [part for part in parts if part.conv_hyperparams.HasField("batch_norm")]
        return [part.conv_hyperparams.batch_norm for part in parts]

    def begin_at_random(self) -> None:
        self.message.freeze_batchnorm = False
        self.message.feature_extractor.batch_norm_trainable = True

    def norm_reason(self, train: schema.TrainConfig) -> str:
        extractor = self.message.feature_extractor
        quick = abs(extractor.conv_hyperparams.batch_norm.decay - SHORT_RUN_DECAY) < 1e-6
        if not (quick and extractor.HasField("fpn")):
            return ""
        return (
            f"Batch-norm decay {SHORT_RUN_DECAY}; with the zoo's 0.997 the averages would lag "
            "behind in a short training."
        )
