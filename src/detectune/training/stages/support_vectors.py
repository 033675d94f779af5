"""The stage in which an R-CNN learns: features of crops, machines for classes, boxes.

step 1  vectors of all crops, kept in the run directory
step 2  a support vector machine for each class
step 3  a regression of boxes for each class, and the evaluation
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detectune.config import schema
from detectune.config.architectures import architecture_name, stage_names
from detectune.config.architectures.rcnn import STAGE
from detectune.errors import ConfigError, three_part
from detectune.registry import stages
from detectune.training.sources import TRAIN
from detectune.training.stages.base import Stage

if TYPE_CHECKING:
    from detectune.detectors.rcnn import RCNN
    from detectune.training.context import TrainingContext
    from detectune.training.rcnn.crop_vectors import ImageCrops

_STEPS = 3
_OF_GRADIENT_DESCENT = (
    "num_steps", "optimizer", "data_augmentation_options", "freeze", "unfreeze_at_step",
    "learning_rate_factors", "freeze_variables", "update_trainable_variables", "feature_cache",
    "early_stopping_evaluations", "evaluate_every_steps",
)  # fmt: skip


@stages.register(STAGE)
class SupportVectors(Stage):
    """Three steps, none of which has a gradient. The network stays as it is."""

    def check(self, config: schema.TrainEvalPipelineConfig) -> None:
        found = architecture_name(config.model)
        unused = [
            field.name
            for field, _ in config.train_config.ListFields()
            if field.name in _OF_GRADIENT_DESCENT
        ]
        if unused and "gradient_descent" not in stage_names(config):
            raise ConfigError(
                three_part(
                    f"train_config: it has {', '.join(unused)}, and nothing is trained by gradient "
                    "descent.",
                    "The network of an R-CNN stays as it is, and looks at every image once.",
                    "Remove these fields.",
                )
            )
        if found != "rcnn":
            raise ConfigError(
                three_part(
                    f'train_config.stage: "{STAGE}" with model {{ {found} {{ }} }}.',
                    "This stage finds the support vector machines of model { rcnn { } }.",
                    "Remove the line: the stages of this model are chosen for it.",
                )
            )

    def finished(self, training: TrainingContext) -> str:
        return "classes and boxes are fitted" if training.progress.stage_step >= _STEPS else ""

    def run(self, training: TrainingContext) -> None:
        crops = _crops(training)
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


def _crops(training: TrainingContext) -> list[ImageCrops]:
    from detectune.training.rcnn.crop_vectors import CropVectors

    vectors = CropVectors(_detector(training), training.run.path, training.console)
    return vectors.of(training.streams[TRAIN])


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
    from detectune.detectors.rcnn import RCNN  # it loads Keras

    detector = training.detector
    if not isinstance(detector, RCNN):
        raise TypeError(f"{STAGE} is for RCNN, not for {type(detector).__name__}")
    return detector
