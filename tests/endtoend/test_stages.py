"""A stage that is not gradient descent: named in the config, saved, killed and gone on with."""

from __future__ import annotations

import numpy as np
import pytest
from small_backbone import EXTRACTOR
from tiny import tiny_config, write_squares

from detectune.checkpoints.files import find_checkpoint, read_checkpoint
from detectune.checkpoints.keys import variable_keys
from detectune.registry import stages
from detectune.training.logs import read_metrics
from detectune.training.stages.base import Stage
from detectune.training.train import train


class Shifts(Stage):
    """Adds 1 to a bias of the head, three times."""

    killed_at = 0
    began_with: list[tuple[float, float]] = []  # noqa: RUF012

    def finished(self, training):
        return "it is shifted" if training.progress.stage_step >= 3 else ""

    def run(self, training):
        bias = shifted_bias(training.detector)
        saved = read_checkpoint(training.run.checkpoint("last"))[bias.key]
        self.began_with.append((float(np.asarray(bias.variable)[0]), float(saved[0])))
        while not self.finished(training):
            bias.variable.assign(np.asarray(bias.variable) + 1)
            training.progress.advance()
            training.checkpoints.evaluate(training.detector)
            if training.progress.stage_step == self.killed_at:
                raise KeyboardInterrupt


def shifted_bias(detector):
    return next(
        row for row in variable_keys(detector) if "class_predictor" in row.key and "bias" in row.key
    )


def test_a_stage_after_gradient_descent_is_saved_and_gone_on_with(tmp_path, monkeypatch):
    monkeypatch.setitem(stages._parts, "shifts", Shifts)
    config = tiny_config(write_squares(tmp_path / "data"), extractor=EXTRACTOR)
    del config.eval_input_reader[:]
    config.train_config.num_steps = 2
    config.train_config.optimizer.use_moving_average = True
    config.train_config.stage.extend(["gradient_descent", "shifts"])
    run = tmp_path / "run"
    monkeypatch.setattr(Shifts, "killed_at", 2)
    with pytest.raises(KeyboardInterrupt):
        train(config, run)
    after_kill = read_checkpoint(find_checkpoint(run / "checkpoints" / "last"))
    assert find_checkpoint(run / "checkpoints" / "last").endswith("ckpt-4")
    monkeypatch.setattr(Shifts, "killed_at", 0)
    done = train(config, run, resume=True)
    prefix = find_checkpoint(run / "checkpoints" / "last")
    assert prefix.endswith("ckpt-5")
    values = read_checkpoint(prefix)
    key = shifted_bias(done.detector("last")).key
    (first, averaged), (second, _) = Shifts.began_with
    # It began with the averaged weights of gradient descent, and went on where it was killed.
    assert first == averaged
    np.testing.assert_allclose(values[key][0], first + 3, rtol=1e-6)
    assert second == pytest.approx(first + 2, rel=1e-6)
    others = [name for name in values if name != key]
    assert all(np.array_equal(values[name], after_kill[name]) for name in others)
    assert [row["step"] for row in read_metrics(run / "metrics.jsonl")] == [1, 2]
    before = (run / "metrics.jsonl").read_bytes()
    train(config, run, resume=True)
    assert (run / "metrics.jsonl").read_bytes() == before
