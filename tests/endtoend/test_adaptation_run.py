"""A whole run with `domain_adaptation`: what it measures, and what its checkpoints hold."""

from __future__ import annotations

import json
import shutil

import keras
import numpy as np
from google.protobuf import text_format
from small_backbone import EXTRACTOR
from tiny import tiny_config, write_squares

from detectune.checkpoints.files import read_checkpoint
from detectune.checkpoints.keys import variable_keys
from detectune.detectors.base import Detector
from detectune.detectors.build import build_detector
from detectune.training.run_writer import RunWriter
from detectune.training.train import train


def test_a_run_measures_both_domains_and_keeps_no_discriminator(monkeypatch, tmp_path):
    write_squares(tmp_path / "source")
    write_squares(tmp_path / "target", seed=7)
    config = tiny_config(tmp_path / "source", extractor=EXTRACTOR)
    config.train_config.num_steps, config.train_config.evaluate_every_steps = 4, 2
    block = config.train_config.domain_adaptation
    text_format.Parse("image_level { channels: 8 }", block)
    block.target_input_reader.source = f"images:{tmp_path / 'target'}"
    block.target_eval_input_reader.source = f"csv:{tmp_path / 'target' / 'labels.csv'}"
    run = train(config, tmp_path / "run")
    rows = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    evaluations = [row for row in rows if row["kind"] == "eval"]
    assert [row["step"] for row in evaluations] == [2, 4]
    for row in evaluations:
        assert 0 <= row["Domain/image_accuracy"] <= 1
        assert -2 <= row["Domain/image_a_distance"] <= 2
        assert "Source/DetectionBoxes_Precision/mAP" in row
    assert evaluations[0]["Domain/lambda"] < evaluations[1]["Domain/lambda"]
    assert all("Loss/domain_image_loss" in row for row in rows if row["kind"] == "train")
    keys = {row.key for row in variable_keys(build_detector(config.model))}
    kept = set(read_checkpoint(run.checkpoint("last")))
    assert keys <= kept
    assert not [key for key in kept if "domain" in key or "adversary" in key]


def eagerly(self: Detector, **options) -> None:
    """So few steps take less time untraced."""
    keras.Model.compile(self, **options | {"run_eagerly": True})


def test_a_run_that_goes_on_ends_with_the_same_bits(monkeypatch, tmp_path):
    """Discriminators, λ in the middle of its growth, what was counted, both streams."""
    write_squares(tmp_path / "source")
    write_squares(tmp_path / "target", count=3, seed=7)  # fewer than a batch
    config = tiny_config(tmp_path / "source", extractor=EXTRACTOR)
    del config.eval_input_reader[:]
    settings = config.train_config
    settings.num_steps, settings.checkpoint_every_steps = 2, 1
    settings.optimizer.use_moving_average = True
    text_format.Parse("image_level { channels: 8 weight: 5 }", settings.domain_adaptation)
    settings.domain_adaptation.target_input_reader.source = f"images:{tmp_path / 'target'}"
    monkeypatch.setattr(Detector, "compile", eagerly)
    commit = RunWriter.commit

    def committed(self, model, progress) -> None:
        commit(self, model, progress)
        if progress.step == 1 and self.run.path.name == "whole":
            shutil.copytree(self.run.path, tmp_path / "stopped")

    monkeypatch.setattr(RunWriter, "commit", committed)
    train(config, tmp_path / "whole")
    train(config, tmp_path / "stopped", resume=True)
    states = [tmp_path / name / "checkpoints/last/state-2.npz" for name in ("whole", "stopped")]
    with np.load(states[0]) as whole, np.load(states[1]) as resumed:
        assert set(whole) == set(resumed)
        for name in set(whole) - {"progress"}:
            np.testing.assert_array_equal(whole[name], resumed[name], err_msg=name)
    rows = [
        [json.loads(line) for line in (tmp_path / name / "metrics.jsonl").read_text().splitlines()]
        for name in ("whole", "stopped")
    ]
    domain = [
        [{k: v for k, v in row.items() if k.startswith(("Domain/", "Loss/"))} for row in some]
        for some in rows
    ]
    assert domain[0] == domain[1]
    assert domain[0][-1]["Domain/lambda"] > 0.9
