"""What a training and an evaluation read of the data beside images, boxes and classes."""

from __future__ import annotations

from detectune.config import schema
from detectune.config.architectures import model_needs
from detectune.config.metrics import measures_masks
from detectune.config.needs import Needs


def training_needs(config: schema.TrainEvalPipelineConfig) -> Needs:
    """What is read to train: what the detector is given and learns.

    Masks are read if `load_instance_masks` says so, whoever learns them.
    """
    needs = model_needs(config.model).without("masks")
    masks = {"masks": 1} if config.train_input_reader.load_instance_masks else {}
    return Needs(needs.inputs, {**needs.annotations, **masks})


def evaluation_needs(config: schema.TrainEvalPipelineConfig) -> Needs:
    """What is read to evaluate: what the detector is given, and masks if they are measured."""
    masks = {"masks": 1} if measures_masks(config) else {}
    return Needs(model_needs(config.model).inputs, masks)
