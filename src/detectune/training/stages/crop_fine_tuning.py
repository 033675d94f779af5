"""The stage in which the network of an R-CNN learns to classify crops, before anything else.

A softmax over classes and background stands on the network while it learns, and is dropped
afterwards: the support vector machines of the next stage take its place.
Source: Girshick et al. 2014 (R-CNN), section 2.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detectune.config import schema
from detectune.config.architectures.rcnn import FINE_TUNING
from detectune.registry import stages
from detectune.training.rcnn.config_conflicts import check_stages
from detectune.training.sources import TRAIN
from detectune.training.stages.base import Stage

if TYPE_CHECKING:
    from detectune.training.context import TrainingContext


@stages.register(FINE_TUNING)
class CropFineTuning(Stage):
    """`num_steps` steps of `model { rcnn { fine_tuning { } } }`."""

    def check(self, config: schema.TrainEvalPipelineConfig) -> None:
        check_stages(config)

    def prepare(self, training: TrainingContext) -> None:
        from detectune.training.rcnn.crop_steps import prepare_classifier
        from detectune.training.rcnn.fit_detector import rcnn_of

        prepare_classifier(training, rcnn_of(training.detector))

    def finished(self, training: TrainingContext) -> str:
        steps, done = training.config.model.rcnn.fine_tuning.num_steps, training.progress.stage_step
        return f"step {done} of {steps} on crops is reached" if done >= steps else ""

    def run(self, training: TrainingContext) -> None:
        from detectune.training.rcnn.crop_steps import take_crop_steps
        from detectune.training.rcnn.crop_vectors import CropVectors
        from detectune.training.rcnn.fit_detector import rcnn_of

        detector = rcnn_of(training.detector)
        vectors = CropVectors(detector, training.run.path, training.console)
        vectors.forecast(training.streams[TRAIN], training.config.model.rcnn.svm)
        take_crop_steps(training, detector)
