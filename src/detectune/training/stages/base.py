"""What every stage of a training offers, whatever it does to the detector.

    streams  config  → the data it reads          ┐ before anything is computed
    check    config  → refuses what cannot work   ┘
    prepare  detector made ready: frozen, compiled, given layers
    finished why nothing is left to do
    run      the work, with checkpoints on the way

A run goes through the stages that `train_config { stage: … }` names, in order. A stage hands on the
weights of its last checkpoint. What it is killed in, it takes up again: `Progress` says which stage
is under way and how many of its steps are done.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING

from detectune.config import schema
from detectune.config.architectures import stage_names
from detectune.registry import stages
from detectune.training.sources import StreamRequest

if TYPE_CHECKING:  # this module is read before Keras is loaded
    from detectune.training.context import TrainingContext


class Stage(ABC):
    """One part of a training. Modules of stages load Keras only inside `prepare` and `run`."""

    def streams(self, config: schema.TrainEvalPipelineConfig) -> Mapping[str, StreamRequest]:
        """The streams it reads beside "train" and "evaluate", by name."""
        del config
        return {}

    def check(self, config: schema.TrainEvalPipelineConfig) -> None:
        """Refuse a config with which the stage cannot work, before data are opened.

        Raises:
            ConfigError: a field is missing, or contradicts another.
        """
        del config

    def prepare(self, training: TrainingContext) -> None:
        """Make the detector ready for `run`.

        It follows from the config alone and is the same in a run that goes on: the stages before
        are prepared, too, and then the values of all variables are read from the last checkpoint.

        Layers that are added here serve the training alone: whoever opens the run later builds the
        detector from the config, without them. What predicts is a part of the detector.

        Raises:
            ConfigError: the config does not fit the detector.
        """
        del training

    @abstractmethod
    def finished(self, training: TrainingContext) -> str:
        """Why nothing is left to do; empty as long as `run` has something to do."""

    @abstractmethod
    def run(self, training: TrainingContext) -> None:
        """Do what is left, from `training.progress.stage_step` on.

        Count what is done with `progress.advance()`, and keep it with `training.checkpoints`. A
        checkpoint is named after its step, so between two of them at least one step is counted.
        """


def stages_of(config: schema.TrainEvalPipelineConfig) -> list[Stage]:
    """The stages that `config` names, in order.

    Raises:
        ConfigError: no stage has such a name.
    """
    return [stages[name]() for name in stage_names(config)]
