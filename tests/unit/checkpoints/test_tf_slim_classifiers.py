"""Classifiers of TF-Slim, by the recorded names of their variables, under a detector."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from tiny import tiny_config
from tiny_tf1 import write_tf1_checkpoint

from detectune.checkpoints.keys import variable_keys
from detectune.checkpoints.restore import restore
from detectune.detectors.build import build_detector
from detectune.errors import CheckpointError

# The variables of the published checkpoints, from the graph of TF-Slim with 1001 classes.
KEYS = Path(__file__).parents[2] / "parity" / "goldens"
NAMES = ("inception_v3", "inception_v4")


def values_of(name: str) -> dict[str, np.ndarray]:
    """Made-up values of all variables of a network, and the counter beside them."""
    with gzip.open(KEYS / f"{name}.keys.json.gz") as stream:
        rows = json.load(stream)
    values = {
        row["key"]: np.full(row["shape"], 1 + index, np.float32) for index, row in enumerate(rows)
    }
    return {**values, "global_step": np.array(7, np.int64)}


def detector_on(name: str):
    config = tiny_config(extractor=f"ssd_{name}_fpn_keras").model
    extractor = config.ssd.feature_extractor
    extractor.depth_multiplier, extractor.pad_to_multiple = 1.0, 96
    extractor.override_base_feature_extractor_hyperparams = False
    return build_detector(config)


@pytest.fixture(scope="module")
def on_inception_v3():
    return detector_on("inception_v3")


@pytest.mark.parametrize("name", [NAMES[0], pytest.param(NAMES[1], marks=pytest.mark.slow)])
def test_the_backbone_is_restored_and_only_classifiers_are_left_over(
    on_inception_v3, name, tmp_path
):
    detector = on_inception_v3 if name == "inception_v3" else detector_on(name)
    values = values_of(name)
    write_tf1_checkpoint(tmp_path / f"{name}.ckpt", values)
    report = restore(detector, tmp_path / f"{name}.ckpt", kind="classification")
    backbone = [row for row in variable_keys(detector) if row.in_classifier]
    assert set(report.matched) == {row.path for row in backbone}
    assert {path.split("/")[1] for path in report.left_over} == {"AuxLogits", "Logits"}
    assert (report.mismatched, report.set_aside) == ([], ["global_step"])
    for row in backbone:
        expected = values[row.in_classifier.tf1_name]
        np.testing.assert_array_equal(np.asarray(row.variable), expected, err_msg=row.path)


def test_the_checkpoint_of_the_other_network_is_refused(on_inception_v3, tmp_path):
    names = values_of("inception_v4")
    write_tf1_checkpoint(tmp_path / "other.ckpt", dict.fromkeys(names, np.zeros(1, np.float32)))
    with pytest.raises(CheckpointError, match="promises the backbone, but 376 of 376") as caught:
        restore(on_inception_v3, tmp_path / "other.ckpt", kind="classification")
    assert "InceptionV4/" in str(caught.value)
