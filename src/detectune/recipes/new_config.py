"""A pipeline.config for one's own data, from a model of the zoo."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import PurePosixPath

from detectune.config import schema
from detectune.config.checkpoint_paths import is_keras_start
from detectune.config.metrics import MASK_METRICS
from detectune.config.save import config_text
from detectune.recipes.base import recipe_of
from detectune.recipes.own_backbone import default_start, put_under
from detectune.recipes.templates import begins_with_classifier, template
from detectune.recipes.training_plan import TrainingPlan
from detectune.zoo.catalog import CLASSIFICATION

NO_CHECKPOINT = "none"
"""Instead of a checkpoint: begin with random weights."""

_SHORT_RUN_STEPS = 20_000
_RANDOM_START_CLIPPING = 10.0
"""The zoo's own for Mask R-CNN; the first steps of random weights are the wildest."""


def new_config(
    model: str,
    *,
    num_classes: int,
    plan: TrainingPlan,
    train: str,
    evaluation: str,
    label_map_path: str = "",
    checkpoint: str = "",
    backbone: str = "",
) -> schema.TrainEvalPipelineConfig:
    """The config that fine-tunes `model`.

    Args:
        train, evaluation: data sets as SOURCE; TFRecords are written as the original does.
        checkpoint: where to start from: a detector, a classifier of the zoo or of Keras; by default
            where
            `detectune zoo download` puts the one of that name, or the classifier that stands in
            for it. `NO_CHECKPOINT` for random weights, "imagenet" for those that Keras offers.
        backbone: another network under the model, see `own_backbone`.

    Raises:
        ConfigError: there is no such model, or network.
    """
    zoo, config = template(model), schema.TrainEvalPipelineConfig()
    config.model.CopyFrom(put_under(zoo.model, backbone) if backbone else zoo.model)
    recipe = recipe_of(config.model)
    recipe.message.num_classes = num_classes
    if backbone:
        start = checkpoint or default_start(backbone)
        from_classifier = not start or is_classifier(start)
    else:
        start = checkpoint or zoo.train_config.fine_tune_checkpoint
        from_classifier = is_classifier(start) if checkpoint else begins_with_classifier(zoo)
    at_random = checkpoint == NO_CHECKPOINT
    recipe.prepare(plan, begins_with_detector=not (from_classifier or at_random))
    if at_random:
        recipe.begin_at_random()
    if plan.num_steps < _SHORT_RUN_STEPS:
        recipe.follow_quickly()
    settings = config.train_config
    settings.data_augmentation_options.extend(zoo.train_config.data_augmentation_options)
    if start and not at_random:
        settings.fine_tune_checkpoint = start
        settings.fine_tune_checkpoint_type = "classification" if from_classifier else "detection"
    _fill_training(settings, plan)
    if at_random and not settings.gradient_clipping_by_norm:
        settings.gradient_clipping_by_norm = _RANDOM_START_CLIPPING
    reader = fill_readers(config, train, evaluation, label_map_path)
    config.train_input_reader.shuffle = True
    reader.shuffle = False
    config.eval_config.metrics_set.append("coco_detection_metrics")
    if recipe.architecture.predicts_masks:
        config.eval_config.metrics_set.append(MASK_METRICS)
        config.train_input_reader.load_instance_masks = True
        reader.load_instance_masks = True
    config.eval_config.use_moving_averages = False
    return config


def default_checkpoint(model: str) -> str:
    """Where a training of `model` begins, after `detectune zoo download`."""
    return template(model).train_config.fine_tune_checkpoint


def is_classifier(checkpoint: str) -> bool:
    """Whether `checkpoint` is of Keras, or lies in an unpacked archive of a classifier."""
    if is_keras_start(checkpoint):
        return True
    classifiers = {archive.name for archive in CLASSIFICATION}
    return not classifiers.isdisjoint(checkpoint.replace("\\", "/").split("/"))


def archive_to_download(model: str) -> str:
    """The archive of the zoo that a training of `model` begins with."""
    return PurePosixPath(default_checkpoint(model)).parts[1]


def new_config_text(config: schema.TrainEvalPipelineConfig, reasons: Iterable[str]) -> str:
    """`config` as text, with `reasons` as comments above it."""
    return "".join(f"# {reason}\n" for reason in reasons) + "\n" + config_text(config)


def norm_reason(config: schema.TrainEvalPipelineConfig) -> str:
    """Why the batch norms of a new config differ from the zoo's; empty if they do not."""
    return recipe_of(config.model).norm_reason(config.train_config)


def _fill_training(train: schema.TrainConfig, plan: TrainingPlan) -> None:
    train.batch_size = plan.batch_size
    train.num_steps = plan.num_steps
    if plan.accumulation > 1:
        train.gradient_accumulation_steps = plan.accumulation
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


def fill_readers(
    config: schema.TrainEvalPipelineConfig, train: str, evaluation: str, label_map_path: str
) -> schema.InputReader:
    """Let `config` read these data sets; the reader of the evaluation."""
    _fill_reader(config.train_input_reader, train, label_map_path)
    reader = config.eval_input_reader.add()
    _fill_reader(reader, evaluation, label_map_path)
    return reader


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
