"""What a config reads of the data beside images, boxes and classes: to predict, train, evaluate.

The architecture says what its detector is given and learns (`config.architectures`); the readers
and `eval_config` say what is read of it.
"""

from __future__ import annotations

from detectune.config import schema
from detectune.config.architectures import chosen
from detectune.config.architectures.needs import BOXES_ONLY, Needs
from detectune.config.metrics import measures_masks

__all__ = ["BOXES_ONLY", "Needs", "evaluation_needs", "model_needs", "training_needs"]


def model_needs(model: schema.DetectionModel) -> Needs:
    """What the detector of `model { … }` is given and learns from.

    Nothing if no architecture is set: data can be looked at without one.
    """
    architecture = chosen(model)
    return BOXES_ONLY if architecture is None else architecture.needs


def training_needs(config: schema.TrainEvalPipelineConfig) -> Needs:
    """What is read to train: masks are read if `load_instance_masks` says so."""
    needs = model_needs(config.model).without("masks")
    masks = {"masks": 1} if config.train_input_reader.load_instance_masks else {}
    return Needs(needs.inputs, {**needs.annotations, **masks})


def evaluation_needs(config: schema.TrainEvalPipelineConfig) -> Needs:
    """What is read to evaluate: masks are read if they are measured."""
    masks = {"masks": 1} if measures_masks(config) else {}
    return Needs(model_needs(config.model).inputs, masks)
