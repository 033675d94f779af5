"""Weights that 16 bits can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detectune.registry import stages
from detectune.training.stages.base import Stage

if TYPE_CHECKING:
    from detectune.training.context import TrainingContext


@stages.register("round_weights")
class RoundWeights(Stage):
    """Rounds what was trained to bfloat16, in one step."""

    def finished(self, training: TrainingContext) -> str:
        return "weights are rounded" if training.progress.stage_step else ""

    def run(self, training: TrainingContext) -> None:
        from keras import ops

        for weight in training.detector.trainable_variables:
            weight.assign(ops.cast(ops.cast(weight, "bfloat16"), weight.dtype))
        training.progress.advance()
        training.checkpoints.evaluate(training.detector)
