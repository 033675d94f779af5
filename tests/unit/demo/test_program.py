"""The demo's config is sound, its folder is its own, and a small demo goes all the way."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from detectune.cli.demo import demo
from detectune.config.report import report_fields
from detectune.demo.program import run_demo
from detectune.demo.settings import CHECKPOINT, demo_config
from detectune.errors import ConfigError
from detectune.folder_lock import folder_in_use, locked


def test_the_config_of_the_demo_has_no_problem():
    problems = report_fields(demo_config(Path("anywhere"), 400))
    assert [problem.shown() for problem in problems if problem.severity == "error"] == []


def test_the_learning_rate_reaches_zero_with_the_last_step():
    for steps in (1, 9, 400, 5000):
        settings = demo_config(Path("anywhere"), steps).train_config
        schedule = settings.optimizer.adam_optimizer.learning_rate.cosine_decay_learning_rate
        assert settings.num_steps == schedule.total_steps == steps
        assert schedule.warmup_steps < steps


def test_digits_are_never_flipped_in_training():
    options = demo_config(Path("anywhere"), 400).train_config.data_augmentation_options
    chosen = {option.WhichOneof("preprocessing_step") for option in options}
    assert not {name for name in chosen if "flip" in name or "rotation" in name}


def test_the_shipped_checkpoint_is_small_and_complete():
    files = [file for file in CHECKPOINT.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 6_000_000
    names = {str(file.relative_to(CHECKPOINT)) for file in files}
    assert {"pipeline.config", "label_map.pbtxt", "checkpoint/ckpt-0.index"} <= names
    assert "/work" not in (CHECKPOINT / "pipeline.config").read_text("utf-8")


def test_a_folder_in_use_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(ConfigError, match="something is here already"):
        run_demo(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_a_second_demo_in_a_folder_is_refused_before_anything_is_drawn(tmp_path):
    lock = tmp_path / "demo.lock"
    with locked(lock, folder_in_use(tmp_path, "a demo", lock)):
        with pytest.raises(ConfigError, match=f"a demo is under way here: process {os.getpid()} "):
            run_demo(tmp_path)
        assert list(tmp_path.iterdir()) == [lock]


def test_zero_steps_are_refused_before_anything_is_drawn(tmp_path):
    target = tmp_path / "demo"
    result = CliRunner().invoke(demo, ["--model-dir", str(target), "--steps", "0"])
    assert result.exit_code == 2
    assert not target.exists()


@pytest.mark.slow
def test_a_small_demo_leaves_everything_it_promises(tmp_path):
    report = run_demo(tmp_path / "demo", steps=3, train_scenes=32, test_scenes=6)
    folder = report.folder
    for metrics in (report.before, report.fine_tuned, report.from_scratch):
        assert 0 <= metrics["DetectionBoxes_Precision/mAP@.50IOU"] <= 1
    sheet = np.asarray(Image.open(folder / "pictures" / "sheet.png"))
    assert sheet.std() > 20
    assert (folder / "exported" / "saved_model" / "saved_model.pb").exists()
    for run in ("fine-tuned", "from-scratch"):
        lines = (folder / run / "metrics.jsonl").read_text("utf-8").splitlines()
        assert json.loads(lines[-1])
