"""A pipeline.config for one's own data, from a model of the zoo."""

from __future__ import annotations

import os
from collections.abc import Iterable

from detectune.config import schema
from detectune.config.plan import TrainingPlan
from detectune.config.save import config_text
from detectune.config.templates import template, two_stage_template

_SHORT_RUN_STEPS = 20_000
_SHORT_RUN_DECAY = 0.97
_SLOW_DECAY = 0.991
_FEW_IMAGES = 16
"""The zoo's two-stage detectors were trained with batch norms that learn for 64 images at a time,
and with batch norms that keep their statistics for 16."""


def new_config(
    model: str,
    *,
    num_classes: int,
    plan: TrainingPlan,
    train: str,
    evaluation: str,
    label_map_path: str = "",
    checkpoint: str = "",
) -> schema.TrainEvalPipelineConfig:
    """The config that fine-tunes `model`.

    Args:
        train, evaluation: data sets as SOURCE; TFRecords are written as the original does.
        checkpoint: where to start from, a detector; by default where `detectune zoo download` puts
            the one of that name, or the classifier that stands in for it.

    Raises:
        ConfigError: there is no such model.
    """
    config = template(model)
    config.train_config.fine_tune_checkpoint = checkpoint or default_checkpoint(model)
    begins_with_detector = bool(checkpoint) or not _classifier(model)
    config.train_config.fine_tune_checkpoint_type = (
        "detection" if begins_with_detector else "classification"
    )
    if config.model.HasField("faster_rcnn"):
        _fill_faster_rcnn(config, num_classes, plan, begins_with_detector)
    else:
        config.model.ssd.num_classes = num_classes
    if plan.num_steps < _SHORT_RUN_STEPS:
        _follow_quickly(config.model)
    _fill_training(config.train_config, plan)
    _fill_reader(config.train_input_reader, train, label_map_path)
    config.train_input_reader.shuffle = True
    reader = config.eval_input_reader.add()
    _fill_reader(reader, evaluation, label_map_path)
    reader.shuffle = False
    config.eval_config.metrics_set.append("coco_detection_metrics")
    if config.model.faster_rcnn.number_of_stages == 3:
        config.eval_config.metrics_set.append("coco_mask_metrics")
        config.train_input_reader.load_instance_masks = True
        reader.load_instance_masks = True
    config.eval_config.use_moving_averages = False
    return config


def default_checkpoint(model: str) -> str:
    """The checkpoint of `model` after `detectune zoo download`."""
    classifier = _classifier(model)
    return f"pre-trained/{classifier or model}" + ("" if classifier else "/checkpoint/ckpt-0")


def archive_to_download(model: str) -> str:
    """The archive of the zoo that a training of `model` begins with."""
    return _classifier(model) or model


def _classifier(model: str) -> str:
    two_stage = two_stage_template(model)
    return two_stage.classifier if two_stage else ""


def new_config_text(config: schema.TrainEvalPipelineConfig, reasons: Iterable[str]) -> str:
    """`config` as text, with `reasons` as comments above it."""
    return "".join(f"# {reason}\n" for reason in reasons) + "\n" + config_text(config)


def shipped_norm_reason(config: schema.TrainEvalPipelineConfig) -> str:
    """Why the batch norm differs from the zoo's; empty if it does not."""
    if config.model.HasField("faster_rcnn"):
        return _two_stage_norm_reason(config)
    decay = config.model.ssd.feature_extractor.conv_hyperparams.batch_norm.decay
    if config.model.ssd.feature_extractor.WhichOneof("feature_pyramid_oneof") != "fpn":
        return ""
    if abs(decay - _SHORT_RUN_DECAY) > 1e-6:
        return ""
    return (
        f"Batch-norm decay {_SHORT_RUN_DECAY}; with the zoo's 0.997 the averages would lag behind "
        "in a short training."
    )


def _two_stage_norm_reason(config: schema.TrainEvalPipelineConfig) -> str:
    extractor, train = config.model.faster_rcnn.feature_extractor, config.train_config
    if extractor.batch_norm_trainable:
        return ""
    at_once = train.batch_size // max(train.gradient_accumulation_steps, 1)
    return (
        "Batch norms keep the statistics of the checkpoint (batch_norm_trainable: false): "
        f"{at_once} images at a time are too few for better ones."
    )


def _fill_faster_rcnn(
    config: schema.TrainEvalPipelineConfig,
    num_classes: int,
    plan: TrainingPlan,
    begins_with_detector: bool,
) -> None:
    faster = config.model.faster_rcnn
    faster.num_classes = num_classes
    # What a classifier does not have begins without statistics worth keeping.
    if begins_with_detector and plan.images_at_once < _FEW_IMAGES:
        faster.feature_extractor.batch_norm_trainable = False


def _norms(model: schema.DetectionModel) -> list[schema.BatchNorm]:
    """The batch norms whose decay the config sets."""
    if model.HasField("faster_rcnn"):
        parts = [model.faster_rcnn.feature_extractor]
    else:
        kind = model.ssd.box_predictor.WhichOneof("box_predictor_oneof")
        assert kind is not None
        parts = [model.ssd.feature_extractor, getattr(model.ssd.box_predictor, kind)]
    parts = [part for part in parts if part.conv_hyperparams.HasField("batch_norm")]
    return [part.conv_hyperparams.batch_norm for part in parts]


def _follow_quickly(model: schema.DetectionModel) -> None:
    """Moving averages of 33 steps instead of 333, for runs of hundreds of steps.

    EfficientDet's, of 100 steps, are quick enough and stay the same as its backbone's, which no
    config sets.
    """
    for norm in _norms(model):
        if norm.decay > _SLOW_DECAY:
            norm.decay = _SHORT_RUN_DECAY


def _fill_training(train: schema.TrainConfig, plan: TrainingPlan) -> None:
    train.batch_size = plan.batch_size
    train.num_steps = plan.num_steps
    if plan.parts > 1:
        train.gradient_accumulation_steps = plan.parts
    if plan.clipping:
        train.gradient_clipping_by_norm = plan.clipping
    momentum = train.optimizer.momentum_optimizer
    momentum.momentum_optimizer_value = 0.9
    schedule = momentum.learning_rate.cosine_decay_learning_rate
    schedule.learning_rate_base = plan.learning_rate
    schedule.total_steps = plan.num_steps
    schedule.warmup_learning_rate = plan.warmup_learning_rate
    schedule.warmup_steps = plan.warmup_steps
    train.optimizer.use_moving_average = False


def _fill_reader(reader: schema.InputReader, source: str, label_map_path: str) -> None:
    if label_map_path:
        reader.label_map_path = label_map_path
    pattern = _record_pattern(source)
    if pattern:
        reader.tf_record_input_reader.input_path.append(pattern)
    else:
        reader.source = source


def _record_pattern(source: str) -> str:
    """The path or pattern if `source` means TFRecords, so that the original reads it too."""
    if source.startswith("tfrecord:"):
        return source.removeprefix("tfrecord:")
    name = os.path.basename(source)
    return source if ".record" in name or ".tfrecord" in name else ""
