"""Masks and proposals from the data to the report, the JSON and the pictures; thin networks."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask
from tiny import tiny_config, write_squares
from tiny_two_stage import make_thin, tiny_two_stage

from detectune.checkpoints.files import write_checkpoint
from detectune.checkpoints.keys import variable_keys
from detectune.checkpoints.restore import restore
from detectune.config import schema
from detectune.data.convert import convert
from detectune.data.proposals import compute_proposals
from detectune.data.run_lengths import encode_rle, rle_text
from detectune.data.sources.proposed import ProposalFile, proposal_file
from detectune.data.sources.recognise import open_source
from detectune.detectors.build import build_detector
from detectune.errors import ConfigError, DataError
from detectune.exporters.export import export
from detectune.inference.batch import predict_files
from detectune.inference.evaluate_run import evaluate
from detectune.inference.predictor import Predictor
from detectune.training.logs import read_metrics
from detectune.training.train import train

MASKS = """
number_of_stages: 3
second_stage_box_predictor { mask_rcnn_box_predictor {
  predict_instance_masks: true mask_height: 9 mask_width: 9
  mask_prediction_conv_depth: 4 mask_prediction_num_conv_layers: 1
  conv_hyperparams { initializer { truncated_normal_initializer { stddev: 0.05 } } }
} }
"""


def write_masks(folder):
    """The squares of `tiny` as COCO, a disc in every box as its mask."""
    squares = open_source(str(write_squares(folder / "squares", 4) / "labels.csv"))
    convert(squares, folder / "coco", to="coco")
    file = folder / "coco" / "annotations.json"
    content = json.loads(file.read_text())
    rows, columns = np.mgrid[:80, :100] + 0.5
    for row in content["annotations"]:
        left, top, width, height = row["bbox"]
        distance = np.hypot((rows - top) / height - 0.5, (columns - left) / width - 0.5)
        row["segmentation"] = rle_text(encode_rle(distance < 0.5))
    file.write_text(json.dumps(content))
    return file


def config_of(model: schema.DetectionModel, data, steps: int = 2):
    config = tiny_config()
    config.model.CopyFrom(model)
    config.train_config.batch_size = 2
    config.train_config.num_steps = steps
    config.train_config.evaluate_every_steps = steps
    rate = config.train_config.optimizer.momentum_optimizer.learning_rate
    rate.cosine_decay_learning_rate.learning_rate_base = 1e-5
    rate.cosine_decay_learning_rate.warmup_learning_rate = 1e-6
    config.train_input_reader.source = str(data)
    config.eval_input_reader.add().source = str(data)
    return config


def masks_config(data):
    config = config_of(tiny_two_stage("faster_rcnn_resnet50_keras", MASKS), data)
    config.train_input_reader.load_instance_masks = True
    config.eval_config.metrics_set.append("coco_mask_metrics")
    return config


@pytest.mark.slow
def test_masks_go_from_the_data_to_the_report_and_the_json(tmp_path, monkeypatch):
    make_thin(monkeypatch, "resnet50_v1")
    file = write_masks(tmp_path)
    run = train(masks_config(file), tmp_path / "run")
    rows = read_metrics(run.metrics)
    assert any("Loss/mask_loss" in row for row in rows)
    (last,) = (row for row in rows if row["kind"] == "eval")
    assert last["DetectionMasks_Precision/mAP"] >= 0
    page = (run.path / "report.html").read_text("utf-8")
    assert '<th class="n">boxes</th><th class="n">masks</th>' in page

    assert "data:image/png;base64," in page  # the true masks

    report = evaluate(run)
    assert len(report["metrics"]) == 24
    for name, value in report["metrics"].items():
        assert value == pytest.approx(last[name], abs=1e-6), name
    convert(open_source(str(file)), tmp_path / "a.record", to="tfrecord")
    assert evaluate(run, data=str(tmp_path / "a.record")) == report
    boxes_only = evaluate(run, data=str(tmp_path / "squares" / "labels.csv"))
    assert len(boxes_only["metrics"]) == 12

    images, found = str(tmp_path / "coco" / "images"), tmp_path / "found.json"
    predict_files(str(run.path), [images], str(tmp_path / "out"), json_file=str(found), threshold=0)
    results = json.loads(found.read_text())
    assert len(results) > 0
    for row in results:
        assert row["segmentation"]["size"] == [80, 100]
        assert coco_mask.area(row["segmentation"]) <= 80 * 100
    with Image.open(tmp_path / "out" / "square0.png") as picture:
        assert picture.width == 100
        assert picture.height > 80  # a legend below, for the labels would hide one another


@pytest.mark.slow
def test_fast_rcnn_starts_from_a_checkpoint_of_faster_rcnn(tmp_path, monkeypatch):
    make_thin(monkeypatch, "resnet50_v1")
    whole = build_detector(tiny_two_stage("faster_rcnn_resnet50_keras"))
    values = {row.key: np.asarray(row.variable) for row in variable_keys(whole)}
    write_checkpoint(tmp_path / "ckpt-0", values)
    detector = build_detector(fast_rcnn())
    report = restore(detector, tmp_path / "ckpt-0", kind="full")
    assert not report.fresh
    assert {name.split("/")[0] for name in report.left_over} == {
        "_first_stage_box_predictor",
        "_first_stage_box_predictor_first_conv",
    }
    for row in variable_keys(detector):
        np.testing.assert_array_equal(np.asarray(row.variable), values[row.key])


def test_a_model_of_masks_wants_masks_before_anything_is_built(tmp_path):
    squares = write_squares(tmp_path / "squares", 2) / "labels.csv"
    config = masks_config(squares)
    config.train_input_reader.load_instance_masks = False
    with pytest.raises(ConfigError, match="the model learns masks, and none are read"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def fast_rcnn() -> schema.DetectionModel:
    """The small two-stage detector without its first stage."""
    two_stage = tiny_two_stage("faster_rcnn_resnet50_keras").faster_rcnn
    model = schema.DetectionModel()
    model.fast_rcnn.max_proposals = 6
    for field, value in two_stage.ListFields():
        if field.name not in model.fast_rcnn.DESCRIPTOR.fields_by_name:
            continue
        if field.message_type is None:
            setattr(model.fast_rcnn, field.name, value)
        else:
            getattr(model.fast_rcnn, field.name).CopyFrom(value)
    model.fast_rcnn.second_stage_batch_size = 4  # of 6 proposals
    # Random weights: without it scores are so near to 0 that rounding orders them.
    model.fast_rcnn.feature_extractor.batch_norm_trainable = True
    return model


@pytest.mark.slow
def test_fast_rcnn_learns_from_proposals_of_the_data(tmp_path, monkeypatch):
    make_thin(monkeypatch, "resnet50_v1")
    file = write_squares(tmp_path / "squares", 4) / "labels.csv"
    config = config_of(fast_rcnn(), file)
    with pytest.raises(DataError, match="detectune data proposals"):
        train(config, tmp_path / "none")

    def grid(image: np.ndarray) -> np.ndarray:
        starts = np.array([[y, x] for y in (0, 0.3, 0.5) for x in (0, 0.3, 0.5)])
        return np.concatenate([starts, starts + 0.5], axis=1)[:6]

    compute_proposals(open_source(str(file)), ProposalFile(proposal_file(str(file))), grid)
    run = train(config, tmp_path / "run")
    (last,) = (row for row in read_metrics(run.metrics) if row["kind"] == "eval")
    report = evaluate(run)
    assert report["metrics"]["DetectionBoxes_Recall/AR@100"] == pytest.approx(
        last["DetectionBoxes_Recall/AR@100"], abs=1e-6
    )
    assert (run.path / "report.html").exists()

    # Pictures that are in no data set are searched while predicting.
    monkeypatch.setattr("detectune.inference.predictor.SelectiveSearch", lambda *_: grid)
    picture = str(file.parent / "square1.png")
    found = Predictor.load(run.path).predict(picture)
    assert found.boxes.shape[1] == 4
    assert found.boxes.max() <= 100

    exported = export(run, path=tmp_path / "exported")
    assert exported.real
    again = Predictor.load(exported.path / "saved_model").predict(picture)
    np.testing.assert_allclose(again.boxes, found.boxes, atol=1e-2)
    np.testing.assert_allclose(again.scores, found.scores, atol=1e-4)
