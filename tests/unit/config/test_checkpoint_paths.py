"""Which checkpoint a path stands for, by the names of files alone."""

from __future__ import annotations

import os

import pytest
from config_samples import write_good_config

from detectune.config.check import check_config
from detectune.config.checkpoint_paths import checkpoint_prefix


def write(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}.index").write_bytes(b"x")
        (folder / f"{name}.data-00000-of-00001").write_bytes(b"x")


@pytest.mark.parametrize(
    ("named", "prefix"),
    [
        ("zoo", "zoo/checkpoint/ckpt-0"),
        ("zoo/", "zoo/checkpoint/ckpt-0"),
        ("zoo/checkpoint", "zoo/checkpoint/ckpt-0"),
        ("zoo/checkpoint/ckpt-0", "zoo/checkpoint/ckpt-0"),
        ("zoo/checkpoint/ckpt-0.index", "zoo/checkpoint/ckpt-0"),
        ("zoo/checkpoint/ckpt-0.data-00000-of-00001", "zoo/checkpoint/ckpt-0"),
        ("run", "run/checkpoints/best/ckpt-7"),
        ("old", "old/model.ckpt"),
        ("single.ckpt", "single.ckpt"),
        ("empty", ""),
        ("nowhere", ""),
        ("a\0b", ""),
        ("x" * 5000, ""),
    ],
)
def test_a_prefix_a_file_or_a_folder_stands_for_a_checkpoint(tmp_path, monkeypatch, named, prefix):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "zoo" / "checkpoint", "ckpt-0")
    write(tmp_path / "run" / "checkpoints" / "last", "ckpt-9")
    write(tmp_path / "run" / "checkpoints" / "best", "ckpt-7")
    write(tmp_path / "old", "model.ckpt")  # TensorFlow 1: `checkpoint` is a file there
    (tmp_path / "old" / "checkpoint").write_text('model_checkpoint_path: "/their/model.ckpt"\n')
    (tmp_path / "single.ckpt").write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    assert checkpoint_prefix(named) == prefix


def test_the_newest_of_a_folder_is_what_its_pointer_says_or_the_last_written(tmp_path):
    write(tmp_path, "ckpt-2", "ckpt-10")
    os.utime(tmp_path / "ckpt-2.index", (1, 1))
    assert checkpoint_prefix(tmp_path) == str(tmp_path / "ckpt-10")
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "C:\\\\old\\\\ckpt-2"\n')
    assert checkpoint_prefix(tmp_path) == str(tmp_path / "ckpt-2")
    (tmp_path / "checkpoint").write_bytes(b"\xff\0")
    assert checkpoint_prefix(tmp_path) == str(tmp_path / "ckpt-10")


def test_the_check_takes_a_folder_as_a_training_does(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write_good_config(tmp_path, lambda text: text.replace("zoo/checkpoint/ckpt-0", "zoo"))
    assert check_config(path) == []


def test_the_check_misses_the_data_of_a_checkpoint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write_good_config(tmp_path)
    (tmp_path / "zoo" / "checkpoint" / "ckpt-0.data-00000-of-00001").unlink()
    (problem,) = check_config(path)
    assert (problem.severity, problem.field) == ("error", "train_config.fine_tune_checkpoint")
    assert problem.found == "zoo/checkpoint/ckpt-0.index is there, but no ckpt-0.data file."
