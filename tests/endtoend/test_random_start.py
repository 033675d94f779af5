"""`config new --checkpoint none`, and what it advises next: a Faster R-CNN from random weights."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from command import detectune
from tiny import write_squares

pytestmark = pytest.mark.slow

MODEL = "faster_rcnn_resnet50_v1_640x640_coco17_tpu-8"
SMALL = (
    "model.faster_rcnn.image_resizer={fixed_shape_resizer{height: 128 width: 128}}",
    "train_config.batch_size=4",
    "train_config.gradient_accumulation_steps=1",
    "train_config.evaluate_every_steps=6",
    "train_config.seed=1",
)


def test_a_faster_rcnn_without_a_checkpoint_trains_as_its_next_step_says(tmp_path, monkeypatch):
    """With batch norms that kept their statistics the loss was 3e15 after three steps."""
    monkeypatch.chdir(tmp_path)
    write_squares(tmp_path / "train")
    write_squares(tmp_path / "eval")
    made = detectune(
        *("config", "new", "--model", MODEL, "--train", "train", "--eval", "eval"),
        *("--checkpoint", "none", "--steps", "6", "-o", "new.config"),
    )
    assert made.status == 0, made.err
    checked = detectune("config", "check", "new.config")
    assert checked.status == 0, checked.out
    (following,) = [line for line in made.out.splitlines() if line.startswith("next: ")]
    program, *words = shlex.split(following.removeprefix("next: "))
    assert program == "detectune"
    changes = [word for change in SMALL for word in ("--set", change)]
    trained = detectune(*words, *changes)
    assert trained.status == 0, trained.err
    lines = Path("training/new/metrics.jsonl").read_text().splitlines()
    losses = [row["Loss/total_loss"] for row in map(json.loads, lines) if "Loss/total_loss" in row]
    assert losses
    assert all(0.0 < loss < 20.0 for loss in losses), losses
