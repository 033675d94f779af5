"""Checkpoints of two-stage detectors: old names, and classifiers for both stages."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tiny_tf1 import variables_of, write_tf1_checkpoint
from tiny_two_stage import make_short, make_thin, tiny_two_stage

from detectune.backbones.inception_resnet_v2 import slim_scopes
from detectune.checkpoints.keys import SUFFIX, variable_keys
from detectune.checkpoints.restore import restore
from detectune.config import schema
from detectune.detectors.build import build_detector
from detectune.errors import CheckpointError
from detectune.registry import backbones

TYPES = {
    "faster_rcnn_resnet50_keras": "resnet50_v1",
    "faster_rcnn_resnet50": "resnet50_v1",
    "faster_rcnn_inception_v2": "inception_v2",
    "faster_rcnn_resnet50_fpn_keras": "resnet50_v1",
}
MASKS = """
number_of_stages: 3
second_stage_box_predictor { mask_rcnn_box_predictor {
  predict_instance_masks: true mask_prediction_num_conv_layers: 3 mask_prediction_conv_depth: 8
  conv_hyperparams { batch_norm { } }
} }
"""
SCORE_MAPS = """
second_stage_box_predictor { rfcn_box_predictor {
  depth: 8 conv_hyperparams { batch_norm { } }
} }
"""


@pytest.fixture(autouse=True)
def _short_networks(monkeypatch):
    make_short(monkeypatch, 50)


@pytest.fixture
def make(monkeypatch):
    """Type → a small detector of this type."""

    def build(type_name):
        make_thin(monkeypatch, TYPES[type_name])
        return build_detector(tiny_two_stage(type_name))

    return build


def random_values(shapes, seed=1):
    random = np.random.default_rng(seed)
    return {
        name: random.uniform(0.1, 1.0, shape).astype(np.float32) for name, shape in shapes.items()
    }


def classifier_rows(detector):
    return [row for row in variable_keys(detector) if row.in_classifier]


@pytest.mark.parametrize("type_name", [name for name in TYPES if not name.endswith("_fpn_keras")])
def test_every_variable_has_an_old_name_of_its_own_and_is_restored_by_it(make, type_name, tmp_path):
    detector = make(type_name)
    rows = variable_keys(detector)
    values = variables_of(detector, seed=2)
    assert len(values) == len(rows)
    assert "" not in values
    scopes = {name.split("/")[0] for name in values}
    assert scopes == {
        "FirstStageFeatureExtractor", "Conv", "FirstStageBoxPredictor",
        "SecondStageFeatureExtractor", "SecondStageBoxPredictor",
    }  # fmt: skip
    write_tf1_checkpoint(tmp_path / "model.ckpt", values)
    report = restore(detector, tmp_path / "model.ckpt")
    assert len(report.matched) == len(rows)
    for row in rows:
        np.testing.assert_array_equal(np.asarray(row.variable), values[row.tf1_name])


@pytest.mark.parametrize(
    ("text", "plain", "normed"),
    [
        (MASKS, {"BoxEncodingPredictor", "ClassPredictor", "Conv_2"}, {"Conv", "Conv_1"}),
        (SCORE_MAPS, set(), {"class_predictions", "reduce_depth", "refined_locations"}),
    ],
)
def test_masks_and_score_maps_have_old_names(monkeypatch, text, plain, normed):
    make_thin(monkeypatch, "resnet50_v1")
    config = tiny_two_stage("faster_rcnn_resnet50", text)
    names = [row.tf1_name.split("/") for row in variable_keys(build_detector(config))]
    inside = [name[1:] for name in names if name[0] == "SecondStageBoxPredictor"]
    assert {name[0] for name in inside} == plain | normed
    assert {name[0] for name in inside if "BatchNorm" in name} == normed


@pytest.mark.parametrize("type_name", ["faster_rcnn_resnet50", "faster_rcnn_inception_v2"])
def test_a_classifier_of_tf_slim_gives_both_stages_their_layers(make, type_name, tmp_path):
    detector = make(type_name)
    rows = classifier_rows(detector)
    values = random_values({row.in_classifier.tf1_name: row.variable.shape for row in rows})
    logits = "resnet_v1_50/logits/weights"
    values_there = values | {logits: np.zeros((1, 1, 8, 5), np.float32)}
    write_tf1_checkpoint(tmp_path / "classifier.ckpt", values_there)
    report = restore(detector, tmp_path / "classifier.ckpt", kind="classification")
    assert len(report.matched) == len(rows)
    assert report.left_over == [logits]
    assert not any(path.startswith("_feature_extractor") for path in report.fresh)
    for row in rows:
        expected = values[row.in_classifier.tf1_name]
        np.testing.assert_array_equal(np.asarray(row.variable), expected, err_msg=row.path)
    # The first stage of ResNet holds layers that only the second one computes.
    doubled = len(rows) - len(values)
    assert doubled == (20 if "resnet" in type_name else 0)


@pytest.mark.parametrize("type_name", ["faster_rcnn_resnet50_keras", "faster_rcnn_resnet50"])
def test_a_classifier_of_keras_gives_both_stages_their_layers(make, type_name, tmp_path):
    detector = make(type_name)
    rows = classifier_rows(detector)
    archive = "feature_extractor/layer_with_weights-{0.place}/{0.kind}"
    shapes = {archive.format(row.in_classifier): row.variable.shape for row in rows}
    last = max(row.in_classifier.place for row in rows) + 1
    # One convolution, four for each block, and their batch norms.
    assert (last, len(shapes)) == (34, 17 * 5)
    values = random_values(shapes)
    head = {f"feature_extractor/layer_with_weights-{last}/kernel": np.zeros((8, 5), np.float32)}
    _write_object_based(tmp_path / "model.ckpt-1", {**values, **head})
    report = restore(detector, tmp_path, kind="classification")
    assert report.left_over == list(head)
    assert len(report.matched) == len(rows)
    for row in rows:
        expected = values[archive.format(row.in_classifier)]
        np.testing.assert_array_equal(np.asarray(row.variable), expected, err_msg=row.path)


def test_a_classifier_without_the_layers_of_the_second_stage_is_refused(make, tmp_path):
    detector = make("faster_rcnn_resnet50_keras")
    rows = [row for row in classifier_rows(detector) if "proposal" in row.path]
    values = random_values({row.in_classifier.tf1_name: row.variable.shape for row in rows})
    write_tf1_checkpoint(tmp_path / "classifier.ckpt", values)
    before = [np.asarray(variable) for variable in detector.weights]
    with pytest.raises(CheckpointError, match='"classification" promises the backbone, but 20 of'):
        restore(detector, tmp_path / "classifier.ckpt", kind="classification")
    for variable, value in zip(detector.weights, before, strict=True):
        np.testing.assert_array_equal(np.asarray(variable), value)


def test_a_classifier_gives_nothing_to_the_box_features_above_a_pyramid(make, tmp_path):
    detector = make("faster_rcnn_resnet50_fpn_keras")
    rows = classifier_rows(detector)
    assert len(rows) == 17 * 5
    values = random_values({row.in_classifier.tf1_name: row.variable.shape for row in rows})
    write_tf1_checkpoint(tmp_path / "classifier.ckpt", values)
    report = restore(detector, tmp_path / "classifier.ckpt", kind="classification")
    assert len(report.matched) == len(values)
    fresh = {path.split("/")[1] for path in report.fresh if path.startswith("_feature_extractor")}
    assert fresh == {
        "fpn_features_generator",
        "coarse_feature_layers",
        *(f"layer_with_weights-{place}" for place in range(3)),
    }


def test_a_detector_counts_as_a_classifier_too(make, tmp_path):
    source, target = make("faster_rcnn_resnet50_keras"), make("faster_rcnn_resnet50_keras")
    values = random_values({row.key: row.variable.shape for row in variable_keys(source)})
    stripped = {key.removesuffix(SUFFIX): value for key, value in values.items()}
    _write_object_based(tmp_path / "ckpt-0", stripped)
    report = restore(target, tmp_path / "ckpt-0", kind="classification")
    assert report.left_over == []
    assert {path.split("/")[0] for path in report.matched} == {
        "_feature_extractor_for_proposal_features",
        "_feature_extractor_for_box_classifier_features",
    }
    assert all("_predictor" in path for path in report.fresh)


@pytest.mark.parametrize("text", [MASKS, SCORE_MAPS])
def test_classes_of_the_same_name_keep_their_boxes_and_masks(monkeypatch, tmp_path, text):
    make_thin(monkeypatch, "resnet50_v1")
    config = tiny_two_stage("faster_rcnn_resnet50_keras", text)
    source = build_detector(config)
    values = random_values({row.path: row.variable.shape for row in variable_keys(source)})
    _write_object_based(tmp_path / "ckpt-0", {f"model/{path}": v for path, v in values.items()})
    config.faster_rcnn.num_classes = 3
    detector = build_detector(config)
    report = restore(
        detector, tmp_path / "ckpt-0", kind="detection",
        source_classes=["cat", "dog"], target_classes=["dog", "bird", "cat"],
    )  # fmt: skip
    assert report.fresh == []
    assert report.carried_classes == ["dog", "cat"]
    by_class = {row.path: row.classes for row in variable_keys(detector) if row.classes}
    assert set(report.carried) == set(by_class)
    for row in variable_keys(detector):
        new, old = np.asarray(row.variable), values[row.path]
        if row.classes is None:
            np.testing.assert_array_equal(new, old, err_msg=row.path)
            continue
        first, size = row.classes.background, row.classes.code_size
        new = new.reshape(*new.shape[:-1], -1, first + 3, size)
        old = old.reshape(*old.shape[:-1], -1, first + 2, size)
        kept = [*range(first), first, first + 2], [*range(first), first + 1, first]
        np.testing.assert_array_equal(new[..., kept[0], :], old[..., kept[1], :])


def test_other_classes_start_from_random_scores_but_known_boxes(make, tmp_path):
    source, target = make("faster_rcnn_resnet50_keras"), make("faster_rcnn_resnet50_keras")
    values = random_values({row.path: row.variable.shape for row in variable_keys(source)})
    _write_object_based(tmp_path / "ckpt-0", {f"model/{path}": v for path, v in values.items()})
    report = restore(target, tmp_path / "ckpt-0", kind="detection")
    assert report.fresh == [
        f"_mask_rcnn_box_predictor/_class_prediction_head/_class_predictor_layers/1/{kind}"
        for kind in ("kernel", "bias")
    ]


def test_a_detector_for_given_regions_takes_the_checkpoint_of_one_that_proposes_them(
    make, tmp_path
):
    source = make("faster_rcnn_resnet50_keras")
    values = random_values({row.path: row.variable.shape for row in variable_keys(source)})
    _write_object_based(tmp_path / "ckpt-0", {f"model/{path}": v for path, v in values.items()})
    # Fields of the second stage have the same numbers in both messages.
    config = tiny_two_stage("faster_rcnn_resnet50_keras").faster_rcnn
    fast = schema.FastRcnn.FromString(config.SerializeToString())
    detector = build_detector(schema.DetectionModel(fast_rcnn=fast))
    report = restore(detector, tmp_path / "ckpt-0", kind="full")
    assert all(path.startswith("_first_stage_box_predictor") for path in report.left_over)
    assert len(report.matched) + len(report.left_over) == len(values)


def test_repeats_of_inception_resnet_begin_anew_in_the_second_stage():
    form = backbones["inception_resnet_v2"].tf1
    names = {scope: name for name, scope in slim_scopes().items()}
    usual = "Repeat_2/block8_3/Branch_1/Conv2d_0b_1x3"
    assert form.scope_of(names[usual]) == usual
    assert form.box_scope_of(names[usual]) == usual.replace("Repeat_2", "Repeat")
    for same in ("Block8/Conv2d_1x1", "Mixed_7a/Branch_0/Conv2d_1a_3x3", "Conv2d_7b_1x1"):
        assert form.box_scope_of(names[same]) == same


def _write_object_based(prefix, values) -> None:
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=[f"{name}{SUFFIX}" for name in values],
        shape_and_slices=[""] * len(values),
        tensors=list(values.values()),
    )
