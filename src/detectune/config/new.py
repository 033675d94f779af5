"""A pipeline.config for one's own data, from a model of the zoo."""

from __future__ import annotations

import os
from collections.abc import Iterable

from detectune.config import schema
from detectune.config.plan import TrainingPlan
from detectune.config.save import config_text
from detectune.config.templates import template

_SHORT_RUN_STEPS = 20_000
_SHORT_RUN_DECAY = 0.97
_SLOW_DECAY = 0.991


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
        checkpoint: where to start from; by default where `detectune zoo download` puts it.

    Raises:
        ConfigError: there is no such model.
    """
    config = template(model)
    config.model.ssd.num_classes = num_classes
    if plan.num_steps < _SHORT_RUN_STEPS:
        _follow_quickly(config.model.ssd)
    _fill_training(config.train_config, plan)
    config.train_config.fine_tune_checkpoint = checkpoint or default_checkpoint(model)
    config.train_config.fine_tune_checkpoint_type = "detection"
    _fill_reader(config.train_input_reader, train, label_map_path)
    config.train_input_reader.shuffle = True
    reader = config.eval_input_reader.add()
    _fill_reader(reader, evaluation, label_map_path)
    reader.shuffle = False
    config.eval_config.metrics_set.append("coco_detection_metrics")
    config.eval_config.use_moving_averages = False
    return config


def default_checkpoint(model: str) -> str:
    """The checkpoint of `model` after `detectune zoo download`."""
    return f"pre-trained/{model}/checkpoint/ckpt-0"


def new_config_text(config: schema.TrainEvalPipelineConfig, reasons: Iterable[str]) -> str:
    """`config` as text, with `reasons` as comments above it."""
    return "".join(f"# {reason}\n" for reason in reasons) + "\n" + config_text(config)


def shipped_norm_reason(config: schema.TrainEvalPipelineConfig) -> str:
    """Why the batch norm differs from the zoo's; empty if it does not."""
    decay = config.model.ssd.feature_extractor.conv_hyperparams.batch_norm.decay
    if config.model.ssd.feature_extractor.WhichOneof("feature_pyramid_oneof") != "fpn":
        return ""
    if abs(decay - _SHORT_RUN_DECAY) > 1e-6:
        return ""
    return (
        f"Batch-norm decay {_SHORT_RUN_DECAY}; with the zoo's 0.997 the averages would lag behind "
        "in a short training."
    )


def _follow_quickly(ssd: schema.Ssd) -> None:
    """Moving averages of 33 steps instead of 333, for runs of hundreds of steps.

    EfficientDet's, of 100 steps, are quick enough and stay the same as its backbone's, which no
    config sets.
    """
    kind = ssd.box_predictor.WhichOneof("box_predictor_oneof")
    assert kind is not None
    for part in (ssd.feature_extractor, getattr(ssd.box_predictor, kind)):
        norm = part.conv_hyperparams.batch_norm
        if norm.decay > _SLOW_DECAY:
            norm.decay = _SHORT_RUN_DECAY


def _fill_training(train: schema.TrainConfig, plan: TrainingPlan) -> None:
    train.batch_size = plan.batch_size
    train.num_steps = plan.num_steps
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
