"""The stage in which an optimizer changes the weights, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from detectune.config import schema
from detectune.config.conflicts import training_conflicts
from detectune.config.problems import refuse
from detectune.errors import ConfigError, three_part
from detectune.registry import stages
from detectune.training.sources import StreamRequest, target_stream
from detectune.training.stages.base import Stage

if TYPE_CHECKING:
    from detectune.training.context import TrainingContext


@stages.register("gradient_descent")
class GradientDescent(Stage):
    """`num_steps` steps of the optimizer, or fewer with `early_stopping_evaluations`, which waits
    until everything is unfrozen that is to be."""

    def streams(self, config: schema.TrainEvalPipelineConfig) -> Mapping[str, StreamRequest]:
        return target_stream(config)

    def check(self, config: schema.TrainEvalPipelineConfig) -> None:
        if not config.train_config.num_steps:
            raise ConfigError(
                three_part(
                    "train_config.num_steps: it is 0 or missing.",
                    "A run has at least one step.",
                    "Set it, for example with --set train_config.num_steps=1000.",
                )
            )
        refuse(training_conflicts(config))

    def prepare(self, training: TrainingContext) -> None:
        from detectune.training.gradient_steps import prepare_network

        prepare_network(training)

    def finished(self, training: TrainingContext) -> str:
        settings, progress = training.config.train_config, training.progress
        if progress.stage_step >= settings.num_steps:
            return f"step {progress.stage_step} of {settings.num_steps} is reached"
        patience = settings.early_stopping_evaluations
        steps = [entry.step for entry in settings.unfreeze_at_step]
        waits = any(progress.stage_step <= step < settings.num_steps for step in steps)
        if patience and progress.evaluations_without_gain >= patience and not waits:
            return f"the run stopped early at step {progress.step}"
        return ""

    def run(self, training: TrainingContext) -> None:
        from detectune.training.gradient_steps import take_steps

        take_steps(training)
