"""Each training of a study has a config, which says in usual fields what is different."""

from __future__ import annotations

import pytest
from google.protobuf import text_format
from three_parts import three_parts

from detectune.config import schema
from detectune.config.own_network import network_block
from detectune.errors import CheckpointError, ConfigError, TrainingError
from detectune.study.cell_configs import (
    cell_config,
    refuse_own_freezing,
    remarks,
    start_checkpoints,
)
from detectune.study.checks import check_checkpoints
from detectune.study.grid import Cell
from detectune.study.outcomes import Outcome
from detectune.study.steps import steps_within, with_steps

CHECKPOINTS = {"classification": "imagenet", "detection": "zoo/ckpt-0"}


def training(config, start="detection", freeze="none", image_list="", steps=50):
    cell = Cell(4, 7, start, freeze)
    changed = cell_config(config, cell, checkpoints=CHECKPOINTS, steps=steps, image_list=image_list)
    return changed.train_config, changed


def test_images_and_seed_are_those_of_the_training(config):
    config.train_input_reader.sample_1_of_n_examples = 2
    train, changed = training(config, image_list="S/images/seed7-4.txt")
    assert changed.train_input_reader.image_list_path == "S/images/seed7-4.txt"
    assert changed.train_input_reader.sample_1_of_n_examples == 1
    assert train.seed == 7
    _, whole = training(config)
    assert not whole.train_input_reader.image_list_path
    assert whole.train_input_reader.sample_1_of_n_examples == 2


def test_data_for_evaluation_are_the_same_in_every_training(config):
    _, changed = training(config, image_list="list.txt")
    assert list(changed.eval_input_reader) == list(config.eval_input_reader)


@pytest.mark.parametrize(
    ("start", "checkpoint", "kind"),
    [
        ("scratch", "", ""),
        ("classification", "imagenet", "classification"),
        ("detection", "zoo/ckpt-0", "detection"),
    ],
)
def test_the_start_says_which_weights(config, start, checkpoint, kind):
    train, _ = training(config, start)
    assert (train.fine_tune_checkpoint, train.fine_tune_checkpoint_type) == (checkpoint, kind)


def test_a_start_from_a_detector_keeps_the_type_of_the_config(config):
    config.train_config.fine_tune_checkpoint_type = "fine_tune"
    assert training(config)[0].fine_tune_checkpoint_type == "fine_tune"
    assert training(config, "classification")[0].fine_tune_checkpoint_type == "classification"


def test_scratch_means_that_the_network_has_no_weights_either(config):
    extractor = config.model.ssd.feature_extractor
    extractor.type = "ssd_fpn_keras"
    extractor.backbone.name, extractor.backbone.weights = "ConvNeXtTiny", "imagenet"
    config.train_config.ClearField("fine_tune_checkpoint")
    block = network_block(training(config, "scratch")[1].model)
    assert block is not None
    assert block.name == "ConvNeXtTiny"
    assert block.weights == ""
    assert start_checkpoints(config, ("classification",), {}) == {"classification": "imagenet"}


def test_freezing_replaces_that_of_the_config(config):
    config.train_config.freeze.append("neck")
    config.train_config.unfreeze_at_step.add(step=9)
    config.train_config.feature_cache.views = 2
    train, _ = training(config, freeze="backbone")
    assert list(train.freeze) == ["backbone"]
    assert len(train.unfreeze_at_step) == 0
    assert train.feature_cache.views == 2
    train, _ = training(config)
    assert list(train.freeze) == []
    assert not train.HasField("feature_cache")
    assert "freeze and unfreeze_at_step of the config do not count: --freeze does" in remarks(
        config
    )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('freeze_variables: "conv"', "train_config.freeze_variables"),
        ('update_trainable_variables: "conv"', "train_config.update_trainable_variables"),
        ("learning_rate_factors { backbone: 0 }", "learning_rate_factors { backbone: 0 }"),
    ],
)
def test_freezing_that_would_hold_in_every_training_is_refused(config, text, named):
    text_format.Merge(text, config.train_config)
    with pytest.raises(ConfigError) as caught:
        refuse_own_freezing(config)
    found, _, next_step = three_parts(caught.value)
    assert named in found
    assert "--freeze" in next_step


def test_checkpoints_come_from_options_or_else_from_the_config(config):
    starts = ("scratch", "classification", "detection")
    assert start_checkpoints(config, starts, {"classification": "imagenet"}) == {
        "classification": "imagenet",
        "detection": "zoo/ckpt-0",
    }
    given = {"classification": "imagenet", "detection": "other"}
    assert start_checkpoints(config, starts, given)["detection"] == "other"


def test_a_start_of_which_nobody_says_the_weights_is_refused(config):
    with pytest.raises(ConfigError) as caught:
        start_checkpoints(config, ("classification",), {})
    found, _, next_step = three_parts(caught.value)
    assert found == (
        "--start classification: the config names no such weights: its fine_tune_checkpoint is of "
        'the type "detection".'
    )
    assert "--classification-checkpoint PATH" in next_step
    config.train_config.ClearField("fine_tune_checkpoint")
    with pytest.raises(ConfigError, match="it has no fine_tune_checkpoint"):
        start_checkpoints(config, ("detection",), {})


@pytest.mark.parametrize(
    ("start", "path", "found", "next_step"),
    [
        ("detection", "zo/ckpt-0", "there is no checkpoint zo/ckpt-0", "zoo download"),
        ("classification", "my.keras", "there is no checkpoint my.keras", "leave classification"),
        ("detection", "imagenet", "imagenet holds a classifier", "--start classification"),
    ],
)
def test_missing_weights_are_said_before_anything_begins(config, start, path, found, next_step):
    with pytest.raises(CheckpointError) as caught:
        check_checkpoints({start: path})
    first, _, last = three_parts(caught.value)
    assert found in first
    assert next_step in last


def rate(text: str, before: int, steps: int) -> schema.LearningRate:
    train = text_format.Parse(
        f"num_steps: {before} optimizer {{ momentum_optimizer {{ learning_rate {{ {text} }} }} }}",
        schema.TrainConfig(),
    )
    with_steps(train, steps)
    assert train.num_steps == steps
    return train.optimizer.momentum_optimizer.learning_rate


def test_the_schedule_shrinks_with_the_steps():
    cosine = rate(
        "cosine_decay_learning_rate { total_steps: 600 warmup_steps: 100 }", 600, 60
    ).cosine_decay_learning_rate
    assert (cosine.total_steps, cosine.warmup_steps) == (60, 10)
    assert cosine.hold_base_rate_steps == 0
    falling = rate(
        "exponential_decay_learning_rate { decay_steps: 5 burnin_steps: 30 }", 100, 10
    ).exponential_decay_learning_rate
    assert (falling.decay_steps, falling.burnin_steps) == (1, 3)
    listed = rate(
        "manual_step_learning_rate { schedule { step: 40 } schedule { step: 80 } }", 100, 50
    ).manual_step_learning_rate
    assert [entry.step for entry in listed.schedule] == [20, 40]


def test_a_schedule_that_says_nothing_of_its_steps_shrinks_by_its_defaults():
    cosine = rate("cosine_decay_learning_rate { }", 4_000_000, 400).cosine_decay_learning_rate
    assert (cosine.total_steps, cosine.warmup_steps) == (400, 1)


TRIAL = Outcome("done", 0.1, 0.2, steps=20, seconds=40.0, step_seconds=0.5, evaluation_seconds=10.0)


def test_minutes_are_steps_and_evaluations_and_the_start():
    # 10 s are neither steps nor evaluations, 170 are left; five evaluations take 50.
    assert steps_within(3, schema.TrainConfig(), TRIAL) == 240
    # An evaluation every 20 steps makes a step 0.5 s longer.
    assert steps_within(3, schema.TrainConfig(evaluate_every_steps=20), TRIAL) == 170


@pytest.mark.parametrize(
    ("trial", "found", "next_step"),
    [
        (TRIAL, "take 10 s here, an evaluation 10 s, a step 0.5 s", "--minutes 2 or more"),
        (Outcome("done", 0.1, 0.2), "says no speed of its steps", "Leave the option out"),
    ],
)
def test_too_few_minutes_are_refused_with_how_many_it_takes(trial, found, next_step):
    with pytest.raises(TrainingError) as caught:
        steps_within(0.5, schema.TrainConfig(), trial)
    first, _, last = three_parts(caught.value)
    assert found in first
    assert next_step in last
    if trial is TRIAL:
        assert steps_within(2, schema.TrainConfig(), trial) >= 1
