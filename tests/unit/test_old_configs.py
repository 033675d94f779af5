"""Configs that people wrote for TensorFlow 1: checked, built, and trained for a step."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from shared import shared_folder

from detectune.config import schema
from detectune.config.architectures.ssd import SSD_EXTRACTORS
from detectune.config.check import check_config
from detectune.config.load import load_config
from detectune.detectors.build import build_detector
from detectune.errors import ConfigError
from detectune.structures import GroundTruth
from detectune.training.optimizers import build_optimizer

# What a config of somebody else's machine may be wrong about.
PATHS = re.compile(r"label_map_path|input_path|fine_tune_checkpoint")
SIDE = 160


def old_configs() -> list[Path]:
    """The users' configs whose feature extractor is one of TensorFlow 1's, for one stage."""
    found = []
    for path in sorted((shared_folder() / "configs").glob("*.config")):
        model = load_config(path).model
        kind = model.ssd.feature_extractor.type
        if model.WhichOneof("model") == "ssd" and SSD_EXTRACTORS.is_tf1(kind):
            found.append(path)
    return found


def smaller(config: schema.TrainEvalPipelineConfig) -> schema.DetectionModel:
    resizer = config.model.ssd.image_resizer
    resizer.Clear()
    resizer.fixed_shape_resizer.height = resizer.fixed_shape_resizer.width = SIDE
    return config.model


def made_up_batch() -> tuple[np.ndarray, GroundTruth]:
    random = np.random.default_rng(0)
    images = random.uniform(0, 255, (2, SIDE, SIDE, 3)).astype(np.float32)
    boxes = np.array([[[20, 30, 90, 120]], [[50, 10, 140, 80]]], np.float32)
    valid = np.ones((2, 1), bool)
    return images, GroundTruth(boxes, np.zeros((2, 1), np.int32), valid, valid.astype(np.float32))


def test_config_check_finds_nothing_but_paths():
    paths = old_configs()
    assert len(paths) == 21
    for path in paths:
        problems = check_config(path)
        errors = [p for p in problems if p.severity == "error" and not PATHS.search(p.field)]
        assert errors == [], path.name
        notes = [p for p in problems if "the name in TensorFlow 1" in p.found]
        assert len(notes) == 1, path.name


@pytest.mark.slow
def test_each_is_built_and_trains_for_a_step():
    for path in old_configs():
        config = load_config(path)
        detector = build_detector(smaller(config))
        optimizer = build_optimizer(
            config.train_config.optimizer,
            gradient_clipping_by_norm=config.train_config.gradient_clipping_by_norm,
            tf1=True,
        )
        detector.compile(optimizer=optimizer, run_eagerly=True)
        before = [np.asarray(variable) for variable in detector.trainable_variables]
        losses = detector.train_on_batch(*made_up_batch(), return_dict=True)
        assert np.isfinite(losses["total_loss"]), path.name
        changed = [
            not np.array_equal(value, np.asarray(variable))
            for value, variable in zip(before, detector.trainable_variables, strict=True)
        ]
        assert np.mean(changed) > 0.75, path.name  # boxes of some levels match nothing


def two_stage_configs() -> dict[tuple[str, int], Path]:
    """The first of the users' two-stage configs for each feature extractor and number of stages."""
    found = {}
    for path in sorted((shared_folder() / "configs").glob("*.config")):
        config = load_config(path).model.faster_rcnn
        if config.num_classes:
            found.setdefault((config.feature_extractor.type, config.number_of_stages), path)
    return found


@pytest.mark.slow
def test_one_of_each_two_stage_kind_is_built_and_trains_for_a_step():
    paths = two_stage_configs()
    assert sorted(paths) == [
        ("faster_rcnn_inception_resnet_v2_keras", 3),
        ("faster_rcnn_inception_v2", 2),
        ("faster_rcnn_resnet50_keras", 2),
    ]
    images, truth = made_up_batch()
    truth = truth._replace(columns={"masks": np.ones((2, 1, SIDE, SIDE), np.uint8)})
    for kind, path in paths.items():
        config = load_config(path)
        resizer = config.model.faster_rcnn.image_resizer
        resizer.Clear()
        resizer.fixed_shape_resizer.height = resizer.fixed_shape_resizer.width = SIDE
        detector = build_detector(config.model)
        detector.compile(optimizer=build_optimizer(config.train_config.optimizer), run_eagerly=True)
        losses = detector.train_on_batch(images, truth, return_dict=True)
        assert np.isfinite(losses["total_loss"]), path.name
        assert ("mask_loss" in losses) == (kind[1] == 3)


def test_of_all_users_configs_only_those_of_center_net_are_refused():
    built, refused = 0, 0
    for path in sorted((shared_folder() / "configs").glob("*.config")):
        config = load_config(path)
        if config.model.WhichOneof("model") in ("ssd", "faster_rcnn"):
            errors = [p for p in check_config(path) if p.severity == "error"]
            assert [p for p in errors if not PATHS.search(p.field)] == [], path.name
            built += 1
        else:
            with pytest.raises(ConfigError, match="not supported yet"):
                build_detector(config.model)
            refused += 1
    assert (built, refused) == (69, 7)
