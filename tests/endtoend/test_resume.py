"""Killed at any moment, a run goes on and ends with the weights of an uninterrupted one."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from small_backbone import EXTRACTOR
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny import tiny_config, write_squares

import detectune
from detectune.checkpoints.files import find_checkpoint, read_checkpoint
from detectune.checkpoints.run_directory import open_run
from detectune.config.save import write_config
from detectune.training.logs import RunLog, read_metrics
from detectune.training.run_writer import RunWriter

SCRIPT = Path(__file__).with_name("run_training.py")
STEPS = 8


def start(config: Path, run: Path, *options: str) -> subprocess.Popen:
    path = os.pathsep.join(map(str, (Path(detectune.__file__).parents[1], SCRIPT.parents[1])))
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(config), str(run), *options],
        env={**os.environ, "PYTHONPATH": path, "KERAS_BACKEND": "tensorflow"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen, status: int = 0) -> None:
    said, _ = process.communicate(timeout=400)
    assert process.returncode == status, said[-3000:]


def weights(folder: Path) -> dict[str, np.ndarray]:
    return read_checkpoint(find_checkpoint(folder))


def assert_same(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> None:
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        np.testing.assert_array_equal(value, theirs[key], err_msg=key)


def assert_same_state(run: Path, other: Path, step: int = STEPS) -> None:
    """Also the weights that training itself goes on with, and the optimizer's variables."""
    name = f"checkpoints/last/state-{step}.npz"
    with np.load(run / name) as ours, np.load(other / name) as theirs:
        # Where the run stands is compared elsewhere: it holds how many seconds went by.
        arrays = [{k: v for k, v in file.items() if k != "progress"} for file in (ours, theirs)]
    assert_same(*arrays)


def visible_files(run: Path) -> set[str]:
    names = {p.relative_to(run).as_posix() for p in run.rglob("*") if p.is_file()}
    return {name for name in names if "tfevents" not in name}


class Whole:
    """An uninterrupted run, its config, and disk images from every place where it could die."""

    def __init__(self, folder: Path, *, adapts: bool = False) -> None:
        self.config, self.run, self.images = folder / "c.config", folder / "run", folder / "images"
        data = write_squares(folder / "data")
        config = tiny_config(data, extractor=EXTRACTOR)
        config.train_config.checkpoint_every_steps = 2
        config.train_config.optimizer.use_moving_average = True
        if adapts:
            config.train_config.gradient_accumulation_steps = 2
            block = config.train_config.domain_adaptation
            block.image_level.channels = 8
            block.target_input_reader.source = f"images:{write_squares(folder / 'new', 3, 7)}"
        write_config(config, self.config)
        finish(start(self.config, self.run, "--images", str(self.images)))


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Whole:
    return Whole(tmp_path_factory.mktemp("whole"))


def test_every_moment_of_a_run_leaves_a_sound_directory(whole, tmp_path):
    """What a kill would have left at each place: complete checkpoints, and leftovers that go."""
    images = sorted(whole.images.iterdir())
    assert {image.name.partition("-")[0] for image in images} == {
        "step", "line", "weights", "index", "state", "pointer", "removal", "best",
    }  # fmt: skip
    assert len(images) >= 40
    known: dict[int, dict[str, np.ndarray]] = {}
    for image in images:
        files = RunWriter(open_run(image))
        files.remove_leftovers()
        hidden = [p.name for p in image.rglob("*") if p.name.startswith(".")]
        assert hidden == [], image.name
        step = files.last_step()
        RunLog(image, step or 0).close()
        rows = read_metrics(image / "metrics.jsonl")
        assert [row["step"] for row in rows if row["kind"] == "train"] == list(
            range(1, (step or 0) + 1)
        ), image.name
        if step is None:
            continue
        values = weights(image / "checkpoints" / "last")
        assert_same(values, known.setdefault(step, values))
        with np.load(image / "checkpoints" / "last" / f"state-{step}.npz") as state:
            progress = json.loads(state["progress"].tobytes())
            assert progress["step"] == step
            assert state["network/0"].size
        if progress["best_step"] not in (0, step):
            best = weights(image / "checkpoints" / "best")
            assert_same(best, known[progress["best_step"]])
    assert set(known) == {2, 4, 6, 8}
    assert_same(known[STEPS], weights(whole.run / "checkpoints" / "last"))


def test_before_the_first_complete_checkpoint_nothing_counts_as_a_run(whole):
    for name in ("weights-1", "index-1", "state-1", "pointer-1"):
        assert RunWriter(open_run(whole.images / name)).last_step() is None


@pytest.mark.slow
@pytest.mark.parametrize("place", ["state:3"])
def test_a_killed_run_goes_on_to_the_same_bits(whole, tmp_path, place):
    run = tmp_path / "run"
    finish(start(whole.config, run, "--die", place), -signal.SIGKILL)
    assert RunWriter(open_run(run)).last_step() == 4
    finish(start(whole.config, run, "--resume"))
    check_equal(whole, run)


@pytest.mark.slow
@pytest.mark.parametrize("place", ["state:3", "step:6"])
def test_a_killed_run_for_another_domain_goes_on_to_the_same_bits(tmp_path, place):
    whole, run = Whole(tmp_path, adapts=True), tmp_path / "killed"
    finish(start(whole.config, run, "--die", place), -signal.SIGKILL)
    finish(start(whole.config, run, "--resume"))
    check_equal(whole, run)


LATER = ("weights-1", "pointer-1", "best-1", "removal-2", "line-6", "index-4", "step-8")


@pytest.mark.parametrize(
    "image", ["state-3", *(pytest.param(name, marks=pytest.mark.slow) for name in LATER)]
)
def test_each_moment_leads_to_the_same_bits(whole, tmp_path, image):
    run = tmp_path / "run"
    shutil.copytree(whole.images / image, run)
    finish(start(whole.config, run, "--resume"))
    check_equal(whole, run)


@pytest.mark.slow
def test_killed_again_and_again_at_random_moments(whole, tmp_path):
    run, chance = tmp_path / "run", random.Random(11)
    for _ in range(4):
        process = start(whole.config, run, "--resume")
        deadline = time.monotonic() + 120
        while not run.exists() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.1)
        time.sleep(chance.uniform(0.0, 12.0))
        process.kill()
        process.communicate()
    finish(start(whole.config, run, "--resume"))
    check_equal(whole, run)


def check_equal(whole: Whole, run: Path) -> None:
    for which in ("last", "best"):
        folder = Path("checkpoints") / which
        assert_same(weights(run / folder), weights(whole.run / folder))
    assert_same_state(run, whole.run)
    assert visible_files(run) == visible_files(whole.run)
    ours, theirs = read_metrics(run / "metrics.jsonl"), read_metrics(whole.run / "metrics.jsonl")
    assert [(r["kind"], r["step"]) for r in ours] == [(r["kind"], r["step"]) for r in theirs]
    assert ours[-1]["DetectionBoxes_Precision/mAP"] == theirs[-1]["DetectionBoxes_Precision/mAP"]
    for kind, tag, steps in (
        ("train", "Loss/total_loss", list(range(1, STEPS + 1))),
        ("eval", "DetectionBoxes_Precision/mAP", [4, 8]),
    ):
        events = EventAccumulator(str(run / kind))
        events.Reload()
        assert [point.step for point in events.Scalars(tag)] == steps
