"""Checkpoints of TensorFlow 1: recognised by their keys, and accounted for to the last variable."""

from __future__ import annotations

import functools
import re

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tiny import tiny_config
from tiny_tf1 import variables_of, write_tf1_checkpoint

from detectune.checkpoints.files import find_checkpoint
from detectune.checkpoints.keys import variable_keys
from detectune.checkpoints.restore import restore
from detectune.checkpoints.run_directory import open_run
from detectune.checkpoints.tf1_values import is_name_based, tf1_values
from detectune.config import schema
from detectune.config.architectures.ssd import SSD_EXTRACTORS
from detectune.detectors.build import build_detector
from detectune.errors import CheckpointError

SCOPE = "FeatureExtractor/MobilenetV2"


@functools.cache
def detector_for(num_classes):
    config = tiny_config().model
    config.ssd.num_classes = num_classes
    config.ssd.feature_extractor.type = "ssd_mobilenet_v2_fpn"
    return build_detector(config)


def make(num_classes=2):
    """A detector whose variables are all 0; the same each time."""
    detector = detector_for(num_classes)
    for variable in detector.weights:
        variable.assign(np.zeros(variable.shape))
    return detector


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A checkpoint as a training in TensorFlow 1 leaves it, and the variables in it."""
    values = variables_of(make(), seed=1)
    slots = {f"{name}/Momentum": np.zeros_like(value) for name, value in values.items()}
    averages = {f"{name}/ExponentialMovingAverage": value + 1 for name, value in values.items()}
    counters = {"global_step": np.array(700, np.int64)}
    folder = tmp_path_factory.mktemp("tf1")
    write_tf1_checkpoint(folder / "model.ckpt-700", {**values, **slots, **averages, **counters})
    return folder, values


def test_every_variable_is_restored_and_everything_else_set_aside(saved):
    folder, values = saved
    detector = make()
    report = restore(detector, folder / "model.ckpt-700")
    assert len(report.matched) == len(values) == len(variable_keys(detector))
    assert (report.fresh, report.left_over, report.mismatched) == ([], [], [])
    assert len(report.set_aside) == 2 * len(values) + 1
    assert f"set aside: {2 * len(values) + 1} (" in report.summary()
    for row in variable_keys(detector):
        np.testing.assert_array_equal(np.asarray(row.variable), values[row.tf1_name])


def test_it_is_found_by_its_folder_and_by_each_of_its_files(saved):
    folder, _ = saved
    prefix = str(folder / "model.ckpt-700")
    (folder / "model.ckpt-700.meta").write_bytes(b"graph")
    names = ("", "/model.ckpt-700", "/model.ckpt-700.meta", "/model.ckpt-700.index")
    assert {find_checkpoint(f"{folder}{name}") for name in names} == {prefix}


def test_a_variable_that_is_there_as_an_average_only_takes_it(saved, tmp_path):
    _, values = saved
    only = next(iter(values))
    changed = {name: value for name, value in values.items() if name != only}
    changed[f"{only}/ExponentialMovingAverage"] = values[only] * 3
    write_tf1_checkpoint(tmp_path / "model.ckpt", changed)
    detector = make()
    report = restore(detector, tmp_path / "model.ckpt")
    assert report.averages_used == [only]
    assert report.fresh == report.left_over == []
    (row,) = (row for row in variable_keys(detector) if row.tf1_name == only)
    np.testing.assert_array_equal(np.asarray(row.variable), values[only] * 3)


def test_a_detector_with_other_classes_takes_all_but_its_class_predictor(saved):
    folder, _ = saved
    report = restore(make(num_classes=5), folder, kind="detection")
    assert report.fresh
    assert all("_class_predictor_layers/" in path for path in report.fresh)


def test_a_classifier_of_tf_slim_gives_the_backbone(saved, tmp_path):
    _, values = saved
    prefix = f"{SCOPE}/"
    backbone = {
        name.removeprefix("FeatureExtractor/"): value
        for name, value in values.items()
        if name.startswith(prefix) and "/fpn/" not in name
    }
    backbone["MobilenetV2/Logits/Conv2d_1c_1x1/weights"] = np.zeros((1, 1, 8, 5), np.float32)
    write_tf1_checkpoint(tmp_path / "mobilenet.ckpt", backbone)
    detector = make()
    report = restore(detector, tmp_path / "mobilenet.ckpt", kind="classification")
    assert len(report.matched) == len(backbone) - 1
    (row,) = (row for row in variable_keys(detector) if row.tf1_name == f"{SCOPE}/Conv/weights")
    np.testing.assert_array_equal(np.asarray(row.variable), values[f"{SCOPE}/Conv/weights"])


def test_a_checkpoint_in_one_file_is_read(saved, tmp_path):
    _, values = saved
    path = tmp_path / "old.ckpt"
    tf.raw_ops.Save(filename=str(path), tensor_names=list(values), data=list(values.values()))
    report = restore(make(), path)
    assert len(report.matched) == len(values)
    assert find_checkpoint(tmp_path) == str(path)


def test_another_network_is_refused_with_what_was_left_over(saved, tmp_path):
    _, values = saved
    other = {name.replace("MobilenetV2", "PNASNet"): value for name, value in values.items()}
    write_tf1_checkpoint(tmp_path / "model.ckpt", other)
    detector = make()
    before = [np.asarray(row.variable) for row in variable_keys(detector)]
    with pytest.raises(CheckpointError, match="FeatureExtractor/PNASNet/Conv/"):
        restore(detector, tmp_path / "model.ckpt", kind="detection")
    for row, value in zip(variable_keys(detector), before, strict=True):
        np.testing.assert_array_equal(np.asarray(row.variable), value)


def test_object_based_keys_are_not_mistaken_for_names():
    assert is_name_based(["FeatureExtractor/MobilenetV2/Conv/weights", "global_step"])
    assert not is_name_based(["model/x/.ATTRIBUTES/VARIABLE_VALUE", "save_counter"])
    assert not is_name_based([])


def test_ranges_of_quantization_are_set_aside():
    names = ["FeatureExtractor/MobilenetV2/Conv/act_quant/min", "a/weights_quant/max"]
    found = tf1_values({name: np.zeros(()) for name in names}, [])
    assert (found.set_aside, found.values) == (names, {})


def test_an_archive_of_the_zoo_of_2018_is_a_run_directory(saved, tmp_path):
    _, values = saved
    archive = tmp_path / "ssd_mobilenet_v2_coco_2018_03_29"
    archive.mkdir()
    config = tiny_config()
    config.model.ssd.feature_extractor.type = "ssd_mobilenet_v2_fpn"
    text = str(config).replace("min_depth: 8", "min_depth: 8 batch_norm_trainable: true", 1)
    (archive / "pipeline.config").write_text(text)
    write_tf1_checkpoint(archive / "model.ckpt", values)
    (archive / "checkpoint").write_text('model_checkpoint_path: "model.ckpt"\n')
    (archive / "saved_model").mkdir()
    run = open_run(archive)
    assert run.checkpoint() == str(archive / "model.ckpt")
    for row in variable_keys(run.detector()):
        np.testing.assert_array_equal(np.asarray(row.variable), values[row.tf1_name])


# More of the layers of others; and what other tests restore by these names.
SLOW = re.compile("resnet1|mobilenet_v3_small|mobilenet_v2_fpn|inception_v3")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if SLOW.search(name) else [])
        for name in SSD_EXTRACTORS.tf1
    ],
)
def test_every_variable_of_every_old_network_has_a_name_of_its_own(name, tmp_path):
    config = tiny_config().model
    config.ssd.feature_extractor.type = name
    config.ssd.feature_extractor.pad_to_multiple = 96  # Inception V3 leaves nothing of less
    if not name.endswith("_fpn"):
        config.ssd.feature_extractor.ClearField("fpn")
        anchors = "ssd_anchor_generator { num_layers: 6 aspect_ratios: 1.0 }"
        config.ssd.anchor_generator.CopyFrom(text_format.Parse(anchors, schema.AnchorGenerator()))
        shared = config.ssd.box_predictor.weight_shared_convolutional_box_predictor
        head = schema.ConvolutionalBoxPredictor(
            num_layers_before_predictor=1, min_depth=8, max_depth=8, use_depthwise=True
        )
        head.conv_hyperparams.CopyFrom(shared.conv_hyperparams)
        config.ssd.box_predictor.convolutional_box_predictor.CopyFrom(head)
    detector = build_detector(config)
    rows = variable_keys(detector)
    values = variables_of(detector, seed=2)
    assert len(values) == len(rows)
    assert "" not in values
    write_tf1_checkpoint(tmp_path / "model.ckpt", values)
    assert len(restore(detector, tmp_path / "model.ckpt").matched) == len(rows)
