"""Values that are allowed and probably not meant."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from detectune.config import schema
from detectune.config.architectures import Architecture, chosen
from detectune.config.checkpoint_paths import is_keras_start
from detectune.config.domain_adaptation import adaptation_warnings
from detectune.config.freezing import freezing_warnings
from detectune.config.problems import Problem

_HIGH_RATE_PER_IMAGE = 0.0099
"""Momentum's learning rate divided by the batch size. The zoo's configs have 0.0006 to 0.0016; runs
with 0.005 went well; 0.01 is the rate for a batch of 128 kept with a batch of 8."""

GOOD_RATE_PER_IMAGE = 0.005
"""What short fine-tunings of small batches went well with: 0.04 for a batch of 8."""

_HIGH_ADAM_RATE = 0.01


def warnings(config: schema.TrainEvalPipelineConfig) -> list[Problem]:
    """A warning for each value of `config` that defeats the purpose of a training."""
    architecture = chosen(config.model)
    return [
        *(architecture.warnings() if architecture is not None else ()),
        *_rates(config.train_config),
        *freezing_warnings(config.train_config),
        *adaptation_warnings(config.train_config),
        *_start(config.train_config, architecture),
        *_data(config),
    ]


def _rates(train: schema.TrainConfig) -> Iterator[Problem]:
    kind = train.optimizer.WhichOneof("optimizer")
    if kind is None:
        return
    path = f"train_config.optimizer.{kind}.learning_rate"
    rate = getattr(train.optimizer, kind).learning_rate
    schedule = rate.WhichOneof("learning_rate")
    if schedule is None:
        return
    path = f"{path}.{schedule}"
    if schedule == "cosine_decay_learning_rate":
        yield from _cosine(rate.cosine_decay_learning_rate, train.num_steps, path)
    yield from _high(kind, highest_rate(rate), train.batch_size, path)


def highest_rate(rate: schema.LearningRate) -> float:
    """The highest learning rate that the schedule reaches; 0 if none is chosen."""
    schedule = rate.WhichOneof("learning_rate")
    if schedule is None:
        return 0.0
    chosen = getattr(rate, schedule)
    if schedule == "constant_learning_rate":
        return chosen.learning_rate
    if schedule == "cosine_decay_learning_rate":
        return chosen.learning_rate_base
    if schedule == "exponential_decay_learning_rate":
        return max(chosen.initial_learning_rate, chosen.burnin_learning_rate)
    return max([chosen.initial_learning_rate, *(step.learning_rate for step in chosen.schedule)])


def _high(kind: str, rate: float, batch_size: int, path: str) -> Iterator[Problem]:
    if kind == "momentum_optimizer" and batch_size and rate / batch_size >= _HIGH_RATE_PER_IMAGE:
        yield Problem(
            "warning",
            path,
            f"the learning rate reaches {rate:g} with a batch of {batch_size}.",
            "The zoo's learning rates are made for batches of 64 to 512.",
            f"Try {GOOD_RATE_PER_IMAGE * batch_size:.2g}, or watch the loss of the first steps.",
        )
    if kind == "adam_optimizer" and rate >= _HIGH_ADAM_RATE:
        yield Problem(
            "warning",
            path,
            f"the learning rate reaches {rate:g}.",
            "With Adam it usually lies between 0.0001 and 0.001.",
            "Try 0.001.",
        )


def _cosine(
    schedule: schema.CosineDecayLearningRate, num_steps: int, path: str
) -> Iterator[Problem]:
    total, warm_up = schedule.total_steps, schedule.warmup_steps
    if warm_up > total:
        return  # an error, see config.ranges.pairs
    if num_steps > total:
        yield Problem(
            "warning",
            f"{path}.total_steps",
            f"the schedule ends at step {total}, the training at {num_steps}.",
            "After its end the learning rate is 0 and nothing is learned.",
            f"Write total_steps: {num_steps}.",
        )
    elif 0 < num_steps <= warm_up:
        yield Problem(
            "warning",
            f"{path}.warmup_steps",
            f"the warm-up takes {warm_up} of {num_steps} steps.",
            "The learning rate never comes down, or never reaches its full height.",
            f"Write warmup_steps: {max(1, num_steps // 10)}.",
        )
    elif 0 < num_steps < total // 2:
        yield Problem(
            "warning",
            f"{path}.total_steps",
            f"the training ends at step {num_steps} of a schedule of {total}.",
            "The learning rate is still high then; results are better when it has come down.",
            f"Write total_steps: {num_steps}.",
        )


def _start(train: schema.TrainConfig, architecture: Architecture | None) -> Iterator[Problem]:
    if architecture is not None and architecture.brings_weights:
        return
    if not train.fine_tune_checkpoint and architecture is not None:
        yield from _statistics(architecture)
    if not train.fine_tune_checkpoint:
        yield Problem(
            "warning",
            "train_config",
            "there is no fine_tune_checkpoint.",
            "Training from random weights needs many thousands of images.",
            "`detectune zoo download NAME` fetches a pre-trained detector to start from.",
        )
    elif is_keras_start(train.fine_tune_checkpoint):
        return  # it cannot mean anything but "classification"
    elif not train.fine_tune_checkpoint_type and not train.from_detection_checkpoint:
        yield Problem(
            "warning",
            "train_config.fine_tune_checkpoint",
            "there is no fine_tune_checkpoint_type.",
            'As in the original this means "classification": only the backbone is restored.',
            'Write fine_tune_checkpoint_type: "detection" for a detector of the zoo.',
        )


def _statistics(architecture: Architecture) -> Iterator[Problem]:
    if architecture.keeps_statistics:
        yield Problem(
            "warning",
            f"{architecture.path}.feature_extractor",
            "batch norms keep their statistics, and there is no checkpoint to have them from.",
            "With random weights such a network does not train: its loss grows without end.",
            "Write batch_norm_trainable: true here (and freeze_batchnorm: false), or name a "
            "fine_tune_checkpoint.",
        )


def _data(config: schema.TrainEvalPipelineConfig) -> Iterator[Problem]:
    train = _sources(config.train_input_reader)
    listed = config.train_input_reader.image_list_path
    for index, reader in enumerate(config.eval_input_reader):
        if reader.image_list_path != listed:
            continue  # the images themselves are compared when they are read
        both = train & _sources(reader) - {"PATH_TO_BE_CONFIGURED"}
        if common := sorted(name for name in both if not _may_be_divided(name)):
            yield Problem(
                "warning",
                f"eval_input_reader[{index}]",
                f"{common[0]} is used for training too.",
                "Metrics on training images say nothing about new images.",
                "`detectune data split SOURCE DEST` makes a separate set.",
            )


def _may_be_divided(source: str) -> bool:
    """Whether each reader may take its part of `source`; the images themselves are compared when
    they are read."""
    path = re.sub(r"^[A-Za-z_]{2,}:", "", source)
    inside = ("train", "training", "data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
    return path.lower().endswith((".yaml", ".yml", ".zip")) or any(
        os.path.exists(os.path.join(path, name)) for name in inside
    )


def _sources(reader: schema.InputReader) -> set[str]:
    return {*reader.tf_record_input_reader.input_path, *filter(None, [reader.source])}
