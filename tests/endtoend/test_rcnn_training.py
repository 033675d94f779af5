"""R-CNN through the commands of every detector: trained, killed, resumed, measured, exported."""

from __future__ import annotations

import numpy as np
import pytest
from tiny import write_squares
from tiny_rcnn import coloured, rcnn_config, write_network, write_proposals

from detectune.checkpoints.files import read_checkpoint
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


def test_rcnn_learns_goes_on_and_predicts(tmp_path, monkeypatch, capsys):
    labels = write_squares(tmp_path / "squares", 8) / "labels.csv"
    config = rcnn_config(write_network(tmp_path), labels)
    with pytest.raises(DataError, match="detectune data proposals"):
        train(config, tmp_path / "none")
    write_proposals(labels)
    run = train(config, tmp_path / "run")
    said = capsys.readouterr().err
    assert "ms each: about" in said
    assert "blue: 4 objects" in said
    assert "red: 4 objects" in said
    (last,) = (row for row in read_metrics(run.metrics) if row["kind"] == "eval")
    assert last["step"] == 3
    assert last[HALF] > 0.5
    again = evaluate(run)["metrics"]
    assert again[HALF] == pytest.approx(last[HALF], abs=1e-6)
    assert (run.path / "report.html").exists()
    assert len(list((run.path / FOLDER).glob("*.npy"))) == 8

    # Killed before the boxes: the vectors are there, and the machines; the end is the same.
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Checkpointing, "evaluate", killed)
        with pytest.raises(KeyboardInterrupt):
            train(config, tmp_path / "killed")
    capsys.readouterr()
    resumed = train(config, tmp_path / "killed", resume=True)
    said = capsys.readouterr().err
    assert "resumed at step 2" in said
    assert ": 0 computed in" in said
    first, second = (
        read_checkpoint(run.checkpoint("last")),
        read_checkpoint(resumed.checkpoint("last")),
    )
    for name, value in first.items():
        np.testing.assert_array_equal(second[name], value, err_msg=name)
    train(config, tmp_path / "killed", resume=True)
    assert "nothing to do: classes and boxes are fitted" in capsys.readouterr().err

    # Pictures that are in no data set are searched while predicting.
    monkeypatch.setattr("detectune.inference.predictor.SelectiveSearch", lambda *_: coloured)
    picture = str(labels.parent / "square1.png")
    found = Predictor.load(run.path).predict(picture)
    assert found.class_names[int(found.classes[0])] == "red"
    exported = export(run, path=tmp_path / "exported")
    answer = Predictor.load(exported.path / "saved_model").predict(picture)
    np.testing.assert_allclose(answer.boxes, found.boxes, atol=1e-2)
    np.testing.assert_allclose(answer.scores, found.scores, atol=1e-4)
