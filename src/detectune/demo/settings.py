"""The demo's config: the template `pipeline.config` beside this file, filled in."""

from __future__ import annotations

import os
from pathlib import Path

from detectune.config import schema
from detectune.config.load import load_config

CHECKPOINT = Path(__file__).with_name("checkpoint")
TEMPLATE = Path(__file__).with_name("pipeline.config")


def demo_config(folder: Path, steps: int) -> schema.TrainEvalPipelineConfig:
    """The config of the fine-tuning, on the scenes below `folder`."""
    config = load_config(TEMPLATE)
    config.train_config.fine_tune_checkpoint = os.fspath(CHECKPOINT / "checkpoint" / "ckpt-0")
    set_steps(config, steps)
    set_data(config, folder / "scenes" / "train", folder / "scenes" / "test")
    return config


def set_steps(config: schema.TrainEvalPipelineConfig, steps: int) -> None:
    """Trains `config` for `steps`, its learning rate warmed up and brought down within them."""
    settings = config.train_config
    settings.num_steps = settings.evaluate_every_steps = steps
    schedule = settings.optimizer.adam_optimizer.learning_rate.cosine_decay_learning_rate
    schedule.total_steps, schedule.warmup_steps = steps, min(100, steps // 10)


def set_data(config: schema.TrainEvalPipelineConfig, train_folder: Path, test: Path) -> None:
    """Lets `config` read scenes that `write_scenes` wrote into two folders."""
    reader, eval_reader = config.train_input_reader, config.eval_input_reader[0]
    for part, scenes in ((reader, train_folder), (eval_reader, test)):
        part.source = f"csv:{scenes / 'labels.csv'}"
        part.label_map_path = os.fspath(scenes / "label_map.pbtxt")
