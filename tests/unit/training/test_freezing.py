"""Freezing: what a pattern matches is really frozen, and what matches nothing is an error."""

from __future__ import annotations

import numpy as np
import pytest
from small_backbone import EXTRACTOR, register_small_backbone
from tiny import compiled, random_batch, tiny_config, train_steps
from tiny_two_stage import make_short, make_thin, tiny_two_stage

from detectune.checkpoints.keys import variable_keys
from detectune.detectors.build import build_detector
from detectune.errors import ConfigError
from detectune.layers.batch_norm import FreezableBatchNormalization
from detectune.training.freeze_patterns import names_of
from detectune.training.freezing import freeze

BACKBONE = "_feature_extractor/classification_backbone"


@pytest.fixture(autouse=True)
def _small_backbone(monkeypatch):
    register_small_backbone(monkeypatch)


def make(extractor=EXTRACTOR):
    return build_detector(tiny_config(extractor=extractor).model)


def trainable_paths(detector):
    return {row.path for row in variable_keys(detector) if row.variable.trainable}


@pytest.mark.usefixtures("no_values")
def test_without_patterns_nothing_is_frozen():
    detector = make()
    before = trainable_paths(detector)
    assert freeze(detector, freeze_patterns=[], update_patterns=[]) is None
    assert trainable_paths(detector) == before


@pytest.mark.usefixtures("no_values")
def test_a_pattern_in_the_form_of_keys_freezes_the_backbone_and_counts_it():
    detector = make()
    before = trainable_paths(detector)
    frozen = freeze(detector, freeze_patterns=[f"^{BACKBONE}/"], update_patterns=[])
    left = trainable_paths(detector)
    assert left == {path for path in before if not path.startswith(BACKBONE)}
    assert frozen is not None
    assert frozen.variables == len(before) - len(left)
    assert frozen.trainable == len(before)
    assert frozen.all_parameters == sum(
        int(np.prod(row.variable.shape)) for row in variable_keys(detector) if row.path in before
    )
    norms = [
        layer
        for layer in detector._flatten_layers()
        if isinstance(layer, FreezableBatchNormalization) and layer.weights
    ]
    assert frozen.batch_norms == sum(layer.frozen_statistics for layer in norms)
    assert 0 < frozen.batch_norms < len(norms)
    assert f"frozen {frozen.variables}/{frozen.trainable} variables" in frozen.summary()


@pytest.mark.usefixtures("no_values")
def test_names_of_the_original_and_of_its_tf1_form_mean_the_same_variables():
    rows = variable_keys(make("ssd_mobilenet_v1_fpn_keras"))
    sample = next(row for row in rows if row.path.startswith(BACKBONE))
    assert names_of(sample) == (
        sample.path, sample.original_name, f"FeatureExtractor/{sample.original_name}",
        "FeatureExtractor/MobilenetV1/Conv2d_0/weights",
    )  # fmt: skip
    by_pattern = []
    for pattern in ("^FeatureExtractor/", "^_feature_extractor/"):
        detector = make()
        freeze(detector, freeze_patterns=[pattern], update_patterns=[])
        by_pattern.append(trainable_paths(detector))
    assert by_pattern[0] == by_pattern[1]
    assert by_pattern[0]
    assert all(path.startswith("_box_predictor/") for path in by_pattern[0])


@pytest.mark.usefixtures("no_values")
def test_update_trainable_variables_freezes_everything_else():
    detector = make()
    before = trainable_paths(detector)
    freeze(detector, freeze_patterns=[], update_patterns=["^_box_predictor/"])
    assert trainable_paths(detector) == {p for p in before if p.startswith("_box_predictor/")}


@pytest.mark.usefixtures("no_values")
def test_freezing_wins_over_updating():
    detector = make()
    freeze(detector, freeze_patterns=["/beta$", "/gamma$"], update_patterns=["^_box_predictor/"])
    left = trainable_paths(detector)
    assert left
    assert not any(path.endswith(("beta", "gamma")) for path in left)


@pytest.mark.usefixtures("no_values")
@pytest.mark.parametrize(
    ("freezing", "updating", "said"),
    [
        (["FeatureExtractr"], [], 'freeze_variables: "FeatureExtractr" matches no variable'),
        ([], ["nothing"], 'update_trainable_variables: "nothing" matches no variable'),
        (["^_box", "nothing"], [], 'freeze_variables: "nothing" matches no variable'),
        (["("], [], r'freeze_variables: "\(" is no regular expression'),
        ([""], [], "freeze_variables freezes everything"),
        (["."], ["^_box_predictor/"], "freeze everything"),
    ],
)
def test_a_pattern_that_cannot_be_meant_is_an_error_and_changes_nothing(freezing, updating, said):
    detector = make()
    before = trainable_paths(detector)
    with pytest.raises(ConfigError, match=said) as caught:
        freeze(detector, freeze_patterns=freezing, update_patterns=updating)
    assert len(str(caught.value).splitlines()) == 3
    assert trainable_paths(detector) == before


def test_frozen_variables_and_their_statistics_stay_while_the_rest_learns():
    detector = make()
    freeze(detector, freeze_patterns=["FeatureExtractor"], update_patterns=[])
    before = {row.path: np.asarray(row.variable).copy() for row in variable_keys(detector)}
    train_steps(compiled(detector, "sgd", eager=True), random_batch(), 2)
    changed = {
        row.path
        for row in variable_keys(detector)
        if not np.array_equal(np.asarray(row.variable), before[row.path])
    }
    assert not {path for path in changed if path.startswith("_feature_extractor/")}
    # A tower that feeds little may move less than a float can show; the predictors do move.
    heads = {path for path in before if "_prediction_heads/" in path and "kernel" in path}
    assert len(heads) >= 2
    assert heads <= changed
    norms = {path for path in before if path.startswith("_box_predictor/") and "moving" in path}
    assert norms <= changed


@pytest.mark.usefixtures("no_values")
@pytest.mark.parametrize(
    ("pattern", "beginning"),
    [
        ("^FirstStageFeatureExtractor/", "_feature_extractor_for_proposal_features/"),
        ("SecondStageFeatureExtractor", "_feature_extractor_for_box_classifier_features/"),
        ("FeatureExtractor", "_feature_extractor_for_"),
        ("FirstStageBoxPredictor/", "_first_stage_box_predictor"),
        ("SecondStageBoxPredictor", "_mask_rcnn_box_predictor/"),
        ("conv5_block|block4/", "_feature_extractor_for_box_classifier_features/"),
        ("_feature_extractor_for_proposal", "_feature_extractor_for_proposal_features/"),
    ],
)
def test_a_stage_is_frozen_by_its_scope(monkeypatch, pattern, beginning):
    make_thin(monkeypatch, "resnet50_v1")
    make_short(monkeypatch, 50)
    text = "feature_extractor { batch_norm_trainable: true }"
    detector = build_detector(tiny_two_stage("faster_rcnn_resnet50_keras", text))
    before = trainable_paths(detector)
    freeze(detector, freeze_patterns=[pattern], update_patterns=[])
    assert before - trainable_paths(detector) == {p for p in before if p.startswith(beginning)}
    kept = {
        layer.frozen_statistics
        for layer in detector.box_features._flatten_layers()
        if isinstance(layer, FreezableBatchNormalization)
    }
    assert kept == {"_feature_extractor_for_box_classifier_features/".startswith(beginning)}
