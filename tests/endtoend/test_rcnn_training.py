"""R-CNN through the commands of every detector: trained, killed, resumed, measured, exported."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from tiny import write_squares
from tiny_rcnn import coloured, rcnn_config, write_network, write_proposals

from detectune.checkpoints.files import read_checkpoint
from detectune.checkpoints.run_directory import Run
from detectune.config import schema
from detectune.errors import DataError
from detectune.exporters.export import export
from detectune.inference.evaluate_run import evaluate
from detectune.inference.predictor import Predictor
from detectune.training.checkpointing import Checkpointing
from detectune.training.logs import read_metrics
from detectune.training.rcnn.crop_vectors import FOLDER
from detectune.training.train import train

# h5py, which .keras files are written with, on an older NumPy.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

HALF = "DetectionBoxes_Precision/mAP@.50IOU"


def same_checkpoints(one: Run, other: Run) -> list[str]:
    """The variables of both, which are equal to the last bit."""
    first, second = (read_checkpoint(run.checkpoint("last")) for run in (one, other))
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(second[name], value, err_msg=name)
    return list(first)


def copied_before(monkeypatch, method, folder, copy, *, call=1):
    """Copy `folder` to `copy` when `method` of `Checkpointing` is called for the `call`-th time, as
    a kill at that moment would leave it."""
    original, calls = getattr(Checkpointing, method), []

    def copying(self, *args):
        calls.append(1)
        if len(calls) == call:
            shutil.copytree(folder, copy)
        return original(self, *args)

    monkeypatch.setattr(Checkpointing, method, copying)


def test_rcnn_learns_and_goes_on(tmp_path, monkeypatch, capsys):
    labels = write_squares(tmp_path / "squares", 8) / "labels.csv"
    config = rcnn_config(write_network(tmp_path), labels)
    with pytest.raises(DataError, match="detectune data proposals"):
        train(config, tmp_path / "none")
    write_proposals(labels)
    with monkeypatch.context() as patched:
        copied_before(patched, "evaluate", tmp_path / "run", tmp_path / "killed")
        run = train(config, tmp_path / "run")
    said = capsys.readouterr().err
    assert said.index("ms each: about") < said.index("features of crops")
    assert "168 crops of 8 images" in said
    assert "blue: 4 objects" in said
    assert "red: 4 objects" in said
    (last,) = (row for row in read_metrics(run.metrics) if row["kind"] == "eval")
    assert last["step"] == 3
    assert last[HALF] > 0.5
    assert (run.path / "report.html").exists()
    assert len(list((run.path / FOLDER).glob("*.npy"))) == 8

    # Killed before the boxes: the vectors are there, and the machines; the end is the same.
    resumed = train(config, tmp_path / "killed", resume=True)
    said = capsys.readouterr().err
    assert "resumed at step 2" in said
    assert ": 0 computed, 168 read" in said
    same_checkpoints(run, resumed)
    train(config, tmp_path / "killed", resume=True)
    assert "nothing to do: classes and boxes are fitted" in capsys.readouterr().err


@pytest.mark.slow
def test_a_fine_tuned_rcnn_goes_on_is_measured_and_exported(tmp_path, monkeypatch, capsys):
    labels = write_squares(tmp_path / "squares", 8) / "labels.csv"
    write_proposals(labels)
    config = rcnn_config(write_network(tmp_path), labels)
    plain = train(config, tmp_path / "plain")
    config.model.rcnn.fine_tuning.CopyFrom(
        schema.CropFineTuning(num_steps=6, batch_size=32, freeze=["backbone:2"])
    )
    config.train_config.checkpoint_every_steps = 3
    with monkeypatch.context() as patched:
        # A kill after step 3 was saved, and before step 6 is.
        copied_before(patched, "save", tmp_path / "run", tmp_path / "killed", call=2)
        run = train(config, tmp_path / "run")
    said = capsys.readouterr().err
    assert "fine-tuning on crops: 6 steps of 32 crops" in said
    trained = [row for row in read_metrics(run.metrics) if row["kind"] == "train"]
    assert [row["step"] for row in trained] == [1, 2, 3, 4, 5, 6]
    assert trained[-1]["Loss/total_loss"] < trained[0]["Loss/total_loss"]
    resumed = train(config, tmp_path / "killed", resume=True)
    assert "resumed at step 3" in capsys.readouterr().err
    names = same_checkpoints(run, resumed)
    assert not [name for name in names if "crop_classes" in name or "logits" in name]

    # Weights moved but where they are frozen, statistics stayed, vectors are others.
    before, after = (read_checkpoint(one.checkpoint("last")) for one in (plain, run))
    assert before.keys() == after.keys()
    moved = {key for key in before if not np.array_equal(before[key], after[key])}
    assert [key for key in moved if "network/2/kernel" in key]
    assert not [key for key in moved if "network/0/" in key or "moving_" in key]
    files = [{file.name for file in (one.path / FOLDER).glob("*")} for one in (plain, run)]
    assert not files[0] & files[1]

    (last,) = (row for row in read_metrics(run.metrics) if row["kind"] == "eval")
    assert last["step"] == 9
    assert last[HALF] > 0.5
    assert evaluate(run)["metrics"][HALF] == pytest.approx(last[HALF], abs=1e-6)
    # Pictures that are in no data set are searched while predicting.
    monkeypatch.setattr("detectune.inference.predictor.SelectiveSearch", lambda *_: coloured)
    picture = str(labels.parent / "square1.png")
    found = Predictor.load(run.path).predict(picture)
    assert found.class_names[int(found.classes[0])] == "red"
    exported = export(run, path=tmp_path / "exported")
    answer = Predictor.load(exported.path / "saved_model").predict(picture)
    np.testing.assert_allclose(answer.boxes, found.boxes, atol=1e-2)
    np.testing.assert_allclose(answer.scores, found.scores, atol=1e-4)
