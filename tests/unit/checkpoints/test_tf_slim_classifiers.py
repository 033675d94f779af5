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
def files(tmp_path_factory):
    """Network → prefix of its checkpoint."""
    folder = tmp_path_factory.mktemp("slim")
    for name in NAMES:
        write_tf1_checkpoint(folder / f"{name}.ckpt", values_of(name))
    return {name: folder / f"{name}.ckpt" for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_the_backbone_is_restored_and_only_classifiers_are_left_over(files, name):
    detector, values = detector_on(name), values_of(name)
    report = restore(detector, files[name], kind="classification")
    backbone = [row for row in variable_keys(detector) if row.in_classifier]
    assert set(report.matched) == {row.path for row in backbone}
    assert {path.split("/")[1] for path in report.left_over} == {"AuxLogits", "Logits"}
    assert (report.mismatched, report.set_aside) == ([], ["global_step"])
    for row in backbone:
        expected = values[row.in_classifier.tf1_name]
        np.testing.assert_array_equal(np.asarray(row.variable), expected, err_msg=row.path)


def test_the_checkpoint_of_the_other_network_is_refused(files):
    detector = detector_on("inception_v3")
    with pytest.raises(CheckpointError, match="promises the backbone, but 376 of 376") as caught:
        restore(detector, files["inception_v4"], kind="classification")
    assert "InceptionV4/" in str(caught.value)
