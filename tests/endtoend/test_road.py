"""The whole road, as a user walks it: train → evaluate → predict → export → load → same boxes."""

from __future__ import annotations

import json
import shlex
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from command import detectune, next_on_page
from command_lines import refuse_unknown
from PIL import Image
from small_backbone import EXTRACTOR
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny import tiny_config

from detectune.checkpoints.files import find_checkpoint, read_checkpoint
from detectune.config.label_map import read_label_map
from detectune.config.load import load_config
from detectune.config.save import write_config
from detectune.data.decode import read_image
from detectune.exporters.contract import ANCHOR_OUTPUTS, OUTPUTS
from detectune.inference.predictor import Predictor
from detectune.training.logs import read_metrics

LOSSES = ["classification_loss", "localization_loss", "regularization_loss", "total_loss"]
COCO = [
    "Precision/mAP", "Precision/mAP@.50IOU", "Precision/mAP@.75IOU", "Precision/mAP (small)",
    "Precision/mAP (medium)", "Precision/mAP (large)", "Recall/AR@1", "Recall/AR@10",
    "Recall/AR@100", "Recall/AR@100 (small)", "Recall/AR@100 (medium)", "Recall/AR@100 (large)",
]  # fmt: skip
METRICS = [f"DetectionBoxes_{name}" for name in COCO]


@pytest.fixture(scope="session")
def archive(trained, tmp_path_factory) -> Path:
    """An archive as the zoo has them: pipeline.config and checkpoint/, no label map, no data."""
    folder = tmp_path_factory.mktemp("zoo") / "tiny_tpu-8"
    (folder / "checkpoint").mkdir(parents=True)
    config = load_config(trained.config)
    for reader in (config.train_input_reader, config.eval_input_reader[0]):
        reader.source = ""
        reader.label_map_path = "PATH_TO_BE_CONFIGURED/label_map.txt"
        reader.tf_record_input_reader.input_path.append("PATH_TO_BE_CONFIGURED/train.record")
    (folder / "pipeline.config").write_text(str(config))
    prefix = find_checkpoint(trained.run / "checkpoints" / "best")
    for extension in (".index", ".data-00000-of-00001"):
        shutil.copy(prefix + extension, folder / "checkpoint" / f"ckpt-0{extension}")
    return folder


def test_the_run_directory_holds_what_is_promised(trained):
    files = {file.relative_to(trained.run).as_posix() for file in trained.run.rglob("*")}
    events = {name for name in files if "tfevents" in name}
    assert sorted(Path(name).parent.as_posix() for name in events) == ["eval", "train"]
    best = find_checkpoint(trained.run / "checkpoints" / "best").rpartition("/")[2]
    assert files - events == {
        "pipeline.config", "label_map.pbtxt", "metrics.jsonl", "train", "eval",
        "report.html", "checkpoints", "checkpoints/last", "checkpoints/best",
        "checkpoints/last/checkpoint", "checkpoints/last/state-8.npz",
        "checkpoints/last/ckpt-8.index", "checkpoints/last/ckpt-8.data-00000-of-00001",
        "checkpoints/best/checkpoint",
        f"checkpoints/best/{best}.index", f"checkpoints/best/{best}.data-00000-of-00001",
    }  # fmt: skip
    assert load_config(trained.run / "pipeline.config") == tiny_config(
        trained.data, extractor=EXTRACTOR
    )
    assert read_label_map(trained.run / "label_map.pbtxt").names == ("blue", "red")


def test_metrics_have_the_names_of_the_original_and_are_finite(trained):
    rows = read_metrics(trained.run / "metrics.jsonl")
    assert [(row["kind"], row["step"]) for row in rows] == [
        *(("train", step) for step in range(1, 5)), ("eval", 4),
        *(("train", step) for step in range(5, 9)), ("eval", 8),
    ]  # fmt: skip
    for row in rows:
        names = METRICS if row["kind"] == "eval" else [f"Loss/{name}" for name in LOSSES]
        assert set(names) <= set(row)
        assert all(np.isfinite(row[name]) for name in names)
        assert row["time"] > 1.6e9
    trains = [row for row in rows if row["kind"] == "train"]
    for row in trains:
        parts = sum(row[f"Loss/{name}"] for name in LOSSES[:3])
        assert row["Loss/total_loss"] == pytest.approx(parts, rel=1e-5)
    # Warm-up from 0.005 to 0.02 in two steps, then a cosine down to 0 at step 8.
    rates = [row["learning_rate"] for row in trains]
    cosine = [0.01 * (1 + np.cos(np.pi * step / 6)) for step in range(7)]
    assert rates == pytest.approx([0.0125, *cosine], abs=1e-7)


@pytest.mark.parametrize(
    ("kind", "names", "steps"),
    [
        ("train", [*(f"Loss/{name}" for name in LOSSES), "learning_rate"], list(range(1, 9))),
        ("eval", METRICS, [4, 8]),
    ],
)
def test_tensorboard_reads_the_same_numbers(trained, kind, names, steps):
    events = EventAccumulator(str(trained.run / kind))
    events.Reload()
    rows = [r for r in read_metrics(trained.run / "metrics.jsonl") if r["kind"] == kind]
    assert set(names) <= set(events.Tags()["scalars"])
    for name in names:
        points = events.Scalars(name)
        assert [point.step for point in points] == steps
        assert [point.value for point in points] == pytest.approx([row[name] for row in rows])


@pytest.mark.parametrize("which", ["best", "last"])
def test_evaluating_a_checkpoint_gives_the_numbers_of_its_training(trained, tmp_path, which):
    answer = tmp_path / "numbers.json"
    done = detectune("evaluate", trained.run, "--checkpoint", which, "--json", answer)
    assert done.status == 0, done.err
    report = json.loads(answer.read_text())
    found = report.pop("findings", [])  # 8 steps have taught next to nothing
    assert {finding["cause"] for finding in found} <= {"low_scores"}
    assert list(report) == ["metrics", "per_category", "images"]
    assert report["images"] == 8
    assert list(report["metrics"]) == METRICS
    assert {name: row["boxes"] for name, row in report["per_category"].items()} == {
        "blue": 4, "red": 4,
    }  # fmt: skip
    step = int(find_checkpoint(trained.run / "checkpoints" / which).rpartition("-")[2])
    rows = read_metrics(trained.run / "metrics.jsonl")
    row = next(r for r in rows if r["kind"] == "eval" and r["step"] == step)
    assert report["metrics"] == pytest.approx({name: row[name] for name in METRICS}, abs=1e-6)
    assert "DetectionBoxes_Precision/mAP@.50IOU" in done.out


def test_the_best_checkpoint_is_that_of_the_best_evaluation(trained):
    rows = [r for r in read_metrics(trained.run / "metrics.jsonl") if r["kind"] == "eval"]
    best = max(rows, key=lambda row: row["DetectionBoxes_Precision/mAP"])
    assert find_checkpoint(trained.run).endswith(f"checkpoints/best/ckpt-{best['step']}")


def test_predict_writes_pictures_and_coco_results(trained, tmp_path):
    single = trained.data / "square3.png"
    more = tmp_path / "more"
    (more / "deep").mkdir(parents=True)
    Image.open(trained.data / "square0.png").save(more / "deep" / "photo.jpg")
    out, answer = tmp_path / "out", tmp_path / "boxes.json"
    done = detectune(
        "predict", trained.run, single, more, "--out", out, "--json", answer, "--threshold", 0.02
    )
    assert done.status == 0, done.err
    assert {p.relative_to(out).as_posix() for p in out.rglob("*.*")} == {
        "square3.png", "deep/photo.jpg",
    }  # fmt: skip
    rows = json.loads(answer.read_text())
    assert {row["file_name"] for row in rows} == {"square3.png", "deep/photo.jpg"}
    assert {row["image_id"] for row in rows} == {1, 2}
    for row in rows:
        assert list(row) == [
            "file_name", "image_id", "category_id", "category_name", "bbox", "score",
        ]  # fmt: skip
        assert row["category_name"] == {1: "blue", 2: "red"}[row["category_id"]]
        x, y, width, height = row["bbox"]
        assert 0 <= x <= x + width <= 100.01
        assert 0 <= y <= y + height <= 80.01
        assert 0.02 <= row["score"] <= 1
    # A picture is the image with something drawn on it.
    # Below it there may be a legend.
    before, after = np.asarray(Image.open(single)), np.asarray(Image.open(out / "square3.png"))[:80]
    changed = np.any(before != after[..., :3], axis=-1).mean()
    assert 0.01 < changed < 1


def test_a_threshold_above_all_scores_leaves_no_box(trained, tmp_path):
    answer = tmp_path / "boxes.json"
    image = trained.data / "square0.png"
    done = detectune(
        "predict", trained.run, image, "--out", tmp_path, "--json", answer, "--threshold", 1.0
    )
    assert done.status == 0, done.err
    assert json.loads(answer.read_text()) == []
    np.testing.assert_array_equal(Image.open(tmp_path / "square0.png"), Image.open(image))


def test_the_saved_model_has_the_signature_of_the_original(trained, exported):
    model = tf.saved_model.load(str(exported / "saved_model"))
    signature = model.signatures["serving_default"]
    (spec,) = signature.structured_input_signature[1].values()
    assert (spec.name, spec.dtype, spec.shape.as_list()) == (
        "input_tensor", tf.uint8, [None, None, None, 3],
    )  # fmt: skip
    images = np.stack([read_image(trained.data / f"square{i}.png") for i in (0, 1)])
    called, signed = model(tf.constant(images)), signature(tf.constant(images))
    shapes = {
        "detection_anchor_indices": (2, 20), "detection_boxes": (2, 20, 4),
        "detection_classes": (2, 20), "detection_multiclass_scores": (2, 20, 3),
        "detection_scores": (2, 20), "num_detections": (2,),
        "raw_detection_boxes": (2, 168, 4), "raw_detection_scores": (2, 168, 3),
    }  # fmt: skip
    assert sorted(called) == sorted(signed) == sorted((*OUTPUTS, *ANCHOR_OUTPUTS))
    for name, shape in shapes.items():
        assert called[name].dtype == tf.float32, name
        assert tuple(called[name].shape) == shape, name
        np.testing.assert_array_equal(called[name], signed[name])
    # One by one and together: the same answer.
    alone = model(tf.constant(images[1:]))
    np.testing.assert_allclose(alone["detection_boxes"][0], called["detection_boxes"][1], atol=1e-5)


def test_the_outputs_of_the_saved_model_fit_together(trained, exported):
    model = tf.saved_model.load(str(exported / "saved_model"))
    image = read_image(trained.data / "square2.png")
    out = {name: value.numpy()[0] for name, value in model(tf.constant(image[None])).items()}
    count = int(out["num_detections"])
    assert 0 < count <= 20
    scores = out["detection_scores"]
    assert np.all(np.diff(scores) <= 0)
    assert np.all(scores[count:] == 0)
    assert set(np.unique(out["detection_classes"][:count])) <= {1.0, 2.0}
    assert out["detection_boxes"].min() >= 0
    assert out["detection_boxes"].max() <= 1
    anchors = out["detection_anchor_indices"][:count].astype(int)
    own = out["raw_detection_scores"][anchors]
    np.testing.assert_allclose(own, out["detection_multiclass_scores"][:count], atol=1e-6)
    rows = np.arange(count)
    np.testing.assert_allclose(
        own[rows, out["detection_classes"][:count].astype(int)], scores[:count], atol=1e-6
    )
    clipped = np.clip(out["raw_detection_boxes"][anchors], 0, 1)
    np.testing.assert_allclose(clipped, out["detection_boxes"][:count], atol=1e-5)


def test_predictor_gives_the_same_answer_for_run_and_export(trained, exported):
    files = [trained.data / f"square{index}.png" for index in range(3)]
    mine = Predictor.load(trained.run).predict(files)
    for place in (exported, exported / "saved_model"):
        for one, other in zip(mine, Predictor.load(place).predict(files), strict=True):
            assert len(one) > 0
            assert one.names() == other.names()
            np.testing.assert_allclose(other.boxes, one.boxes, atol=1e-2)  # 1e-4 of 100 pixels
            np.testing.assert_allclose(other.scores, one.scores, atol=1e-5)


def test_an_exported_folder_is_complete(trained, exported):
    assert {p.name for p in exported.iterdir()} == {
        "saved_model", "checkpoint", "pipeline.config", "label_map.pbtxt",
    }  # fmt: skip
    ours = read_checkpoint(find_checkpoint(trained.run))
    theirs = read_checkpoint(find_checkpoint(exported))
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        np.testing.assert_array_equal(theirs[key], value)


def test_an_unpacked_zoo_archive_works_without_training(trained, archive, tmp_path):
    untouched = {p: p.read_bytes() for p in archive.rglob("*") if p.is_file()}
    numbers, boxes = tmp_path / "numbers.json", tmp_path / "boxes.json"
    done = detectune("evaluate", archive, "--data", trained.data, "--json", numbers)
    assert done.status == 0, done.err
    expected = max(
        (r for r in read_metrics(trained.run / "metrics.jsonl") if r["kind"] == "eval"),
        key=lambda row: row["DetectionBoxes_Precision/mAP"],
    )
    report = json.loads(numbers.read_text())["metrics"]
    # The classes have no names here, so the data's own must lead to the same numbers.
    assert report == pytest.approx({name: expected[name] for name in METRICS}, abs=1e-6)
    image = trained.data / "square1.png"
    done = detectune("predict", archive, image, "--out", tmp_path, "--json", boxes,
                     "--threshold", 0.01)  # fmt: skip
    assert done.status == 0, done.err
    names = Counter(row["category_name"] for row in json.loads(boxes.read_text()))
    assert set(names) <= {"class 1", "class 2"}
    done = detectune("export", archive, "-o", tmp_path / "x")
    assert done.status == 0, done.err
    assert "random images, because no data were at hand" in done.out
    assert (tmp_path / "x" / "saved_model" / "saved_model.pb").is_file()
    assert {p: p.read_bytes() for p in archive.rglob("*") if p.is_file()} == untouched


def test_a_run_that_was_moved_works_and_is_resumed(trained, tmp_path):
    data = tmp_path / "other machine" / "images"
    shutil.copytree(trained.data, data)
    moved = tmp_path / "other machine" / "moved run"
    shutil.copytree(trained.run, moved)
    config = load_config(moved / "pipeline.config")
    config.train_input_reader.source = config.eval_input_reader[0].source = "csv:gone/labels.csv"
    config.train_input_reader.label_map_path = "gone/label_map.pbtxt"
    config.train_config.fine_tune_checkpoint = "gone/ckpt-0"
    config.train_config.fine_tune_checkpoint_type = "detection"
    (moved / "pipeline.config").write_text(str(config))
    done = detectune("evaluate", moved, "--data", data, "--json", tmp_path / "numbers.json")
    assert done.status == 0, done.err
    done = detectune("predict", moved, data / "square0.png", "--out", tmp_path / "out")
    assert done.status == 0, done.err
    done = detectune("export", moved, "-o", tmp_path / "x", "--image", data / "square0.png")
    assert done.status == 0, done.err
    done = detectune(
        "train", moved / "pipeline.config", "--model-dir", moved, "--resume",
        "--set", "train_config.num_steps=10",
        "--set", f"train_input_reader.source=csv:{data / 'labels.csv'}",
        "--set", f"eval_input_reader[0].source=csv:{data / 'labels.csv'}",
    )  # fmt: skip
    assert done.status == 0, done.err
    assert "resumed at step 8" in done.err
    assert find_checkpoint(moved / "checkpoints" / "last").endswith("ckpt-10")
    rows = read_metrics(moved / "metrics.jsonl")
    assert [row["step"] for row in rows if row["kind"] == "train"] == list(range(1, 11))
    assert [row["step"] for row in rows if row["kind"] == "eval"] == [4, 8, 10]
    assert load_config(moved / "pipeline.config").train_config.num_steps == 10


def test_the_report_shows_the_run_and_needs_nothing_else(trained):
    page = (trained.run / "report.html").read_text("utf-8")
    assert f"{EXTRACTOR}, 2 classes" in page
    assert "training from random weights" in page
    assert page.count("data:image/jpeg;base64,") == 16  # eight pictures, truth and detected
    # mAP, mAP@.5, total, three parts, rate; precision over recall of two classes
    assert page.count('<polyline class="line') == 9
    for text in ("square0.png", "square7.png", "Recall/AR@100 (small)", "detectune predict"):
        assert text in page
    rest = page.replace("http-equiv", "")
    assert "<script" not in rest
    assert "http" not in rest
    assert "src=" not in rest


def test_a_training_of_a_few_steps_says_that_they_are_few(trained, tmp_path):
    """Other causes are provoked in test_low_map_causes.py."""
    config = load_config(trained.config)
    # Nothing is so certain after eight steps, and so nothing is found.
    config.model.ssd.post_processing.batch_non_max_suppression.score_threshold = 0.99
    write_config(config, tmp_path / "strict.config")
    done = detectune("train", tmp_path / "strict.config", "--model-dir", tmp_path / "run")
    assert done.status == 0, done.err
    said = [text.split(" near 0: ")[1] for text in done.err.splitlines() if "near 0: " in text]
    assert said[0].startswith("the training had 8 steps, in which the loss went from ")
    assert "Train for more steps" in said[0]
    assert all("What is said above may be why" in line for line in said[1:])
    assert "<b>the training had 8 steps" in (tmp_path / "run" / "report.html").read_text("utf-8")


def test_the_commands_of_the_report_can_be_typed(trained):
    commands = next_on_page(trained.run)
    assert [line.split()[1] for line in commands] == ["predict", "evaluate", "export"]
    for line in commands:
        refuse_unknown(line)
        assert Path(shlex.split(line)[2]) == trained.run
