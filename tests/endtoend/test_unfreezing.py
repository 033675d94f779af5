"""What is frozen trains from its step on: weights, slots, averages, numbers, and after a kill."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format
from small_backbone import EXTRACTOR, register_small_backbone
from test_resume import assert_same, assert_same_state, finish, start, weights
from tiny import tiny_config, write_squares

from detectune.checkpoints.run_directory import open_run
from detectune.config.save import write_config
from detectune.training.logs import read_metrics
from detectune.training.run_writer import RunWriter
from detectune.training.train import train

STEPS, FIRST, SECOND = 7, 3, 5
# Five convolutions, each with a norm and an activation: the first seven layers end with norm2.
SETTINGS = f"""
  num_steps: {STEPS} checkpoint_every_steps: 1 evaluate_every_steps: {STEPS}
  gradient_accumulation_steps: 2 gradient_clipping_by_norm: 5.0
  freeze: "all-but-heads" freeze: "batch-norm"
  unfreeze_at_step {{ step: {FIRST} part: "backbone:7" }}
  unfreeze_at_step {{ step: {SECOND} }}
  learning_rate_factors {{ backbone: 0.5 neck: 2 }}
"""
ADAM = """adam_optimizer { learning_rate { constant_learning_rate { learning_rate: 0.01 } } }
  use_moving_average: true moving_average_decay: 0.5"""


class Whole:
    """An uninterrupted run, and disk images of it after every step."""

    def __init__(self, folder: Path) -> None:
        self.config, self.run, self.images = folder / "c.config", folder / "run", folder / "images"
        config = tiny_config(write_squares(folder / "data"), extractor=EXTRACTOR)
        train = config.train_config
        train.optimizer.Clear()
        text_format.Merge(ADAM, train.optimizer)
        train.ClearField("num_steps")
        train.ClearField("evaluate_every_steps")
        text_format.Merge(SETTINGS, train)
        write_config(config, self.config)
        finish(start(self.config, self.run, "--images", str(self.images)))

    @cache  # noqa: B019 - one for the module
    def state(self, step: int) -> dict[str, np.ndarray]:
        """Variables of network and optimizer after `step` steps."""
        folder = self.run if step == STEPS else self.images / f"step-{step + 1}"
        with np.load(folder / "checkpoints" / "last" / f"state-{step}.npz") as file:
            return {name: file[name] for name in file.files if name != "progress"}

    def changed(self, kind: str, one: int, other: int) -> set[str]:
        before, after = self.state(one), self.state(other)
        assert before.keys() == after.keys()
        names = {name for name in before if name.startswith(kind)}
        return {name for name in names if not np.array_equal(before[name], after[name])}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Whole:
    return Whole(tmp_path_factory.mktemp("unfreezing"))


@pytest.fixture(scope="module")
def names(whole) -> dict[str, str]:
    """Key in the state → path of the variable."""
    from detectune.detectors.build import build_detector
    from detectune.training.weights import network_variables

    with pytest.MonkeyPatch.context() as patch:
        register_small_backbone(patch)
        detector = build_detector(open_run(whole.run).config.model)
    return {f"network/{i}": v.path for i, v in enumerate(network_variables(detector))}


def layers(names: dict[str, str], keys: set[str]) -> set[str]:
    return {names[key].split("/")[-2] for key in keys}


def test_a_part_stays_to_the_bit_until_its_step_and_then_moves(whole, names):
    frozen = layers(names, whole.changed("network", 1, FIRST))
    assert not frozen & {f"conv{n}" for n in range(1, 6)}
    assert frozen  # the heads
    first = layers(names, whole.changed("network", FIRST, SECOND))
    assert first & {f"conv{n}" for n in range(1, 6)} == {"conv3", "conv4", "conv5"}
    assert not first & {f"norm{n}" for n in range(1, 6)}  # batch norms are frozen for themselves
    second = layers(names, whole.changed("network", SECOND, STEPS))
    assert {f"conv{n}" for n in range(1, 6)} <= second
    assert {f"norm{n}" for n in range(2, 6)} <= second


def test_statistics_move_only_from_the_step_on_that_unfreezes_batch_norms(whole, names):
    def moving(one, other):
        return {names[k] for k in whole.changed("network", one, other) if "moving" in names[k]}

    assert moving(1, SECOND) == set()
    assert len(moving(SECOND, STEPS)) >= 10


def test_slots_are_there_from_the_beginning_and_wait_at_0(whole):
    counts = {len(whole.state(step)) for step in range(1, STEPS + 1)}
    assert len(counts) == 1
    slots = {name for name in whole.state(1) if name.startswith("optimizer/")}

    def at_0(step):
        state = whole.state(step)
        return {name for name in slots if not np.any(state[name])}

    assert len(at_0(1)) > len(at_0(FIRST + 1)) > len(at_0(STEPS))
    assert at_0(1) == at_0(FIRST)
    assert at_0(FIRST + 1) == at_0(SECOND)


def test_numbers_go_on_and_say_what_was_unfrozen(whole):
    rows = [r for r in read_metrics(whole.run / "metrics.jsonl") if r["kind"] == "train"]
    assert [row["step"] for row in rows] == list(range(1, STEPS + 1))
    assert [row["learning_rate"] for row in rows] == [pytest.approx(0.01)] * STEPS
    said = {row["step"]: row["unfrozen"] for row in rows if "unfrozen" in row}
    assert list(said) == [FIRST + 1, SECOND + 1]
    wanted = f"unfrozen at step {FIRST}: the backbone after its first 7 layers, 3 variables"
    assert said[FIRST + 1].startswith(wanted)
    assert "everything" in said[SECOND + 1]
    page = (whole.run / "report.html").read_text("utf-8")
    assert "Frozen</h3>" in page
    assert f"Unfrozen at step {FIRST}</h3>" in page
    assert said[FIRST + 1] in page
    assert "backbone 0.5, neck 2, heads 1" in page


def test_early_stopping_waits_until_everything_is_free(tmp_path, monkeypatch):
    config = tiny_config(write_squares(tmp_path / "data"), extractor=EXTRACTOR)
    settings = config.train_config
    settings.evaluate_every_steps, settings.early_stopping_evaluations = 1, 1
    settings.freeze.append("backbone")
    settings.unfreeze_at_step.add(step=4, part="backbone")
    rate = settings.optimizer.momentum_optimizer.learning_rate
    rate.constant_learning_rate.learning_rate = 0.0  # nothing can get better
    config.eval_config.batch_norm_recalibration = False
    run = train(config, tmp_path / "run")

    def evaluated():
        return [row["step"] for row in read_metrics(run.metrics) if row["kind"] == "eval"]

    steps = evaluated()
    assert 5 <= len(steps) < STEPS + 1
    train(config, tmp_path / "run", resume=True)
    assert evaluated() == steps


@pytest.mark.parametrize(
    "done",
    [
        FIRST,
        pytest.param(FIRST - 1, marks=pytest.mark.slow),
        pytest.param(FIRST + 1, marks=pytest.mark.slow),
        pytest.param(SECOND, marks=pytest.mark.slow),
        pytest.param(SECOND + 1, marks=pytest.mark.slow),
    ],
)
def test_a_run_that_goes_on_before_at_or_after_the_step_ends_with_the_same_bits(
    whole, tmp_path, done
):
    run = tmp_path / "run"
    shutil.copytree(whole.images / f"step-{done + 1}", run)
    assert RunWriter(open_run(run)).last_step() == done
    finish(start(whole.config, run, "--resume"))
    assert_same(weights(run / "checkpoints" / "last"), weights(whole.run / "checkpoints" / "last"))
    assert_same_state(run, whole.run, STEPS)
    one, other = (
        [r["unfrozen"] for r in read_metrics(path / "metrics.jsonl") if "unfrozen" in r]
        for path in (run, whole.run)
    )
    assert one == other
