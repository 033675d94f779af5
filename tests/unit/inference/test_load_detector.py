"""`load_detector`: a folder, or a name that is looked for where downloads go."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from three_parts import three_parts
from tiny import tiny_config

import detectune
from detectune.checkpoints.files import write_checkpoint
from detectune.checkpoints.keys import variable_keys
from detectune.config.save import write_config
from detectune.detectors.build import build_detector

NAME = "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A folder as an unpacked archive is, and the detector whose weights lie in it."""
    folder = tmp_path_factory.mktemp("archive")
    config = tiny_config()
    detector = build_detector(config.model)
    values = {row.key: np.asarray(row.variable) for row in variable_keys(detector)}
    write_checkpoint(folder / "checkpoint" / "ckpt-0", values)
    write_config(config, folder / "pipeline.config")
    return folder, detector


def same_weights(one, other) -> bool:
    pairs = zip(one.weights, other.weights, strict=True)
    return all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in pairs)


def test_a_folder_and_a_name_give_the_detector_with_its_weights(archive, tmp_path, monkeypatch):
    folder, detector = archive
    shutil.copytree(folder, tmp_path / "pre-trained" / NAME)
    monkeypatch.chdir(tmp_path)
    loaded = detectune.load_detector(NAME)
    assert isinstance(loaded, detectune.Detector)
    assert same_weights(loaded, detector)
    assert same_weights(detectune.load_detector(folder), detector)


def test_a_name_that_was_not_downloaded_says_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(detectune.CheckpointError) as caught:
        detectune.load_detector(NAME)
    assert three_parts(caught.value) == [
        f"pre-trained/{NAME}: it is not there.",
        "A model of the zoo is loaded from pre-trained; nothing is downloaded for it.",
        f"Run `detectune zoo download {NAME}`.",
    ]
    with pytest.raises(detectune.CheckpointError) as caught:
        detectune.load_detector(NAME, pre_trained="elsewhere")
    assert three_parts(caught.value)[2].endswith(f"{NAME} --into elsewhere`.")


def test_a_slip_of_the_pen_gets_the_nearest_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(detectune.CheckpointError) as caught:
        detectune.load_detector("ssd_mobilenet_v2_fpnlite_320x320")
    place, _, next_step = three_parts(caught.value)
    assert place.startswith("ssd_mobilenet_v2_fpnlite_320x320: there is no such folder")
    assert f'Did you mean "{NAME}"?' in next_step


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("resnet50_v1", "it is a classifier."),
        ("extremenet", "it is a detector that cannot be built yet."),
    ],
)
def test_what_is_no_detector_is_not_recommended_for_download(tmp_path, monkeypatch, name, found):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(detectune.CheckpointError) as caught:
        detectune.load_detector(name)
    place, _, next_step = three_parts(caught.value)
    assert place == f"{name}: {found}"
    assert "marks with *" in next_step
