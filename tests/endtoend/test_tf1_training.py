"""A config of TensorFlow 1 trains unchanged, from a checkpoint of TensorFlow 1."""

from __future__ import annotations

import io

import numpy as np
from google.protobuf import text_format
from rich.console import Console
from tiny import tiny_config, write_squares
from tiny_tf1 import variables_of, write_tf1_checkpoint

from detectune.checkpoints.run_directory import open_run
from detectune.detectors.build import build_detector
from detectune.inference.predictor import Predictor
from detectune.training.console import RunConsole
from detectune.training.train import train

OLD_FIELDS = """
  batch_size: 2
  num_steps: 2
  evaluate_every_steps: 100
  batch_queue_capacity: 2
  prefetch_queue_capacity: 2
  keep_checkpoint_every_n_hours: 1.0
  from_detection_checkpoint: true
  data_augmentation_options { random_horizontal_flip { } }
  data_augmentation_options { ssd_random_crop { } }
  optimizer { rms_prop_optimizer {
    learning_rate { exponential_decay_learning_rate {
      initial_learning_rate: 0.0004 decay_steps: 800720 decay_factor: 0.95
    } }
    momentum_optimizer_value: 0.9 decay: 0.9 epsilon: 1.0
  } }
"""


def test_an_old_config_trains_from_an_old_checkpoint(tmp_path):
    config = tiny_config(write_squares(tmp_path / "data"))
    config.model.ssd.feature_extractor.type = "ssd_mobilenet_v1_fpn"
    config.train_config.Clear()
    text_format.Parse(OLD_FIELDS, config.train_config)
    config.train_config.fine_tune_checkpoint = str(tmp_path / "model.ckpt")
    del config.eval_input_reader[:]
    values = variables_of(build_detector(config.model), seed=4)
    slots = {f"{name}/RMSProp": np.zeros_like(value) for name, value in values.items()}
    write_tf1_checkpoint(tmp_path / "model.ckpt", {**values, **slots})
    said = io.StringIO()
    run = train(config, tmp_path / "run", console=RunConsole(Console(file=said)))
    text = " ".join(said.getvalue().split())
    assert text.count('"ssd_mobilenet_v1_fpn" is the name in TensorFlow 1') == 1
    assert f"set aside: {len(slots)} (" in text
    # The run keeps the old name, and with it the old form of the network.
    assert open_run(run.path).config.model.ssd.feature_extractor.type == "ssd_mobilenet_v1_fpn"
    found = Predictor.load(run.path).predict(np.zeros((80, 100, 3), np.uint8))
    assert np.isfinite(found.scores).all()
