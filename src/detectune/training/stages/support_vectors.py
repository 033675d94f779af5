"""The stage in which an R-CNN learns: features of crops, machines for classes, boxes.

step 1  vectors of all crops, kept in the run directory
step 2  a support vector machine for each class
step 3  a regression of boxes for each class, and the evaluation
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detectune.config import schema
from detectune.config.architectures.rcnn import STAGE
from detectune.registry import stages
from detectune.training.rcnn.config_conflicts import check_stages
from detectune.training.sources import TRAIN
from detectune.training.stages.base import Stage

if TYPE_CHECKING:
    from detectune.detectors.rcnn import RCNN
    from detectune.training.context import TrainingContext
    from detectune.training.rcnn.crop_vectors import ImageCrops

_STEPS = 3


@stages.register(STAGE)
class SupportVectors(Stage):
    """Three steps, none of which has a gradient."""

    def check(self, config: schema.TrainEvalPipelineConfig) -> None:
        check_stages(config)

    def finished(self, training: TrainingContext) -> str:
        return "classes and boxes are fitted" if training.progress.stage_step >= _STEPS else ""

    def run(self, training: TrainingContext) -> None:
        from detectune.training.rcnn.crop_vectors import CropVectors

        vectors = CropVectors(_detector(training), training.run.path, training.console)
        stream = training.streams[TRAIN]
        if training.progress.stage_step < 1:
            vectors.forecast(stream, training.config.model.rcnn.svm)
        crops = vectors.of(stream)
        if training.progress.stage_step < 1:
            training.progress.advance()
            training.checkpoints.save(training.detector)
        if training.progress.stage_step < 2:
            _fit_margins(training, crops)
            training.progress.advance()
            training.checkpoints.save(training.detector)
        _fit_boxes(training, crops)
        training.progress.advance()
        training.checkpoints.evaluate(training.detector)


def _fit_margins(training: TrainingContext, crops: list[ImageCrops]) -> None:
    from detectune.training.rcnn.fit_detector import fit_margins

    training.console.phase("support vector machines")
    detector = _detector(training)
    fit_margins(
        detector,
        crops,
        training.config.model.rcnn.svm,
        names=_names(training),
        seed=training.config.train_config.seed,
        say=training.console.say,
    )


def _fit_boxes(training: TrainingContext, crops: list[ImageCrops]) -> None:
    from detectune.training.rcnn.fit_detector import fit_regression

    training.console.phase("regression of boxes")
    fit_regression(
        _detector(training),
        crops,
        training.config.model.rcnn.box_regression,
        names=_names(training),
        say=training.console.say,
    )


def _names(training: TrainingContext) -> list[str]:
    count = training.detector.num_classes
    return [training.label_map.name_of_index(index) for index in range(count)]


def _detector(training: TrainingContext) -> RCNN:
    from detectune.training.rcnn.fit_detector import rcnn_of

    return rcnn_of(training.detector)
