"""A whole run with `domain_adaptation`: what it measures, and what its checkpoints hold."""

from __future__ import annotations

import json

from google.protobuf import text_format
from small_backbone import EXTRACTOR
from tiny import tiny_config, write_squares

from detectune.checkpoints.files import read_checkpoint
from detectune.checkpoints.keys import variable_keys
from detectune.detectors.build import build_detector
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
