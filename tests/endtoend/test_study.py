"""A study that is killed in the middle of a training ends with what an undisturbed one finds."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tiny import tiny_config, write_squares

import detectune
from detectune.checkpoints.files import find_checkpoint, read_checkpoint
from detectune.checkpoints.run_directory import open_run
from detectune.config.save import write_config

pytestmark = pytest.mark.slow

GRID = ("--images", "4,all", "--seeds", "2", "--start", "scratch", "--freeze", "none")
SECOND = "4-images-seed1-scratch-none"
# One thread: numbers are summed in one order, and the same bits come out.
SETTINGS = {
    "PYTHONPATH": str(Path(detectune.__file__).parents[1]),
    "KERAS_BACKEND": "tensorflow",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_DETERMINISTIC_OPS": "1",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    found = tmp_path_factory.mktemp("study")
    config = tiny_config(write_squares(found / "data", 6))
    config.eval_input_reader[0].source = f"csv:{write_squares(found / 'test', 4, seed=6)}"
    config.train_config.checkpoint_every_steps = 2
    write_config(config, found / "tiny.config")
    return found


def start(folder: Path, out: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "detectune", "study", "tiny.config", *GRID, "-o", out, *words],
        cwd=folder,
        env=os.environ | SETTINGS,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str], status: int = 0) -> str:
    said, _ = process.communicate(timeout=900)
    assert process.returncode == status, said[-3000:]
    return said


@pytest.fixture(scope="module")
def whole(folder) -> Path:
    finish(start(folder, "whole"))
    return folder / "whole"


def wait_for(there: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 300
    while not there.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline, there
        time.sleep(0.02)


def table(study: Path) -> list[dict[str, str]]:
    """The lines of study.csv but for how long each training took."""
    with open(study / "study.csv", newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def weights(study: Path) -> dict[str, np.ndarray]:
    return read_checkpoint(find_checkpoint(study / "runs" / SECOND / "checkpoints" / "last"))


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGINT])
def test_killed_in_a_training_it_goes_on_to_the_same_numbers(folder, whole, kind):
    out = kind.name
    process = start(folder, out)
    pointer = folder / out / "runs" / SECOND / "checkpoints" / "last" / "checkpoint"
    wait_for(pointer, process)
    process.send_signal(kind)
    finish(process, 130 if kind == signal.SIGINT else -kind)
    states = [row["state"] for row in table(folder / out)]
    assert states == ["done", "planned", "planned", "planned"]
    assert (folder / out / "study.lock").exists() == (kind == signal.SIGKILL)

    said = finish(start(folder, out))
    assert "1 of them are done already and are not repeated" in said
    assert "resumed at step" in said
    assert table(folder / out) == table(whole)
    ours, theirs = weights(folder / out), weights(whole)
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        np.testing.assert_array_equal(value, theirs[key], err_msg=key)


def test_its_files_are_whole_and_its_runs_are_runs(whole):
    rows = table(whole)
    assert [row["images"] for row in rows] == ["4", "4", "6", "6"]
    assert {row["steps"] for row in rows} == {"8"}
    page = (whole / "study.html").read_text()
    assert page.count("report.html") == 4
    assert "http" not in page.replace("http://www.w3.org", "")
    run = open_run(whole / "runs" / SECOND)
    assert run.config.train_input_reader.image_list_path == "whole/images/seed1-4.txt"
    assert len((whole / "images/seed1-4.txt").read_text().splitlines()) == 4


def test_a_loss_that_is_not_finite_is_written_down_and_the_others_go_on(folder):
    momentum = "train_config.optimizer.momentum_optimizer.learning_rate"
    rate = f"{momentum}.cosine_decay_learning_rate"
    changes = [f"{rate}.learning_rate_base=100", f"{rate}.warmup_learning_rate=100"]
    changes.append("train_config.num_steps=20")
    words = [word for change in changes for word in ("--set", change)]
    said = finish(start(folder, "broken", *words, "--seeds", "1"), 1)
    rows = table(folder / "broken")
    assert [row["state"] for row in rows] == ["failed", "failed"]
    assert "failed: step" in said
    assert "2 trainings failed; the same command tries them again" in said
    assert all(row["reason"].startswith("step ") for row in rows)
