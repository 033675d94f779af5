"""Fine-tuning on crops: what is refused, which crops are drawn, and what trains."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from google.protobuf import text_format
from own_networks import small_network
from three_parts import three_parts

from detectune.checkpoints.keys import variable_keys
from detectune.config import schema
from detectune.config.architectures import stage_names
from detectune.config.check import check_message
from detectune.config.conflicts import conflicts
from detectune.config.load import load_config
from detectune.detectors.build import build_detector
from detectune.detectors.rcnn import RCNN
from detectune.errors import ConfigError, DataError
from detectune.training.rcnn.crop_batches import (
    CropBatches,
    micro_batches,
    parts_of,
    windows_of,
)
from detectune.training.rcnn.crop_steps import prepare_classifier
from detectune.training.rcnn.forecast import CropCount, spoken, timed
from detectune.training.rcnn.seen_images import SeenImage
from detectune.training.stages.base import stages_of

MODEL = """rcnn { num_classes: 2 crop_size: 32 crops_at_once: 4
  image_resizer { fixed_shape_resizer { height: 48 width: 64 } }
  feature_extractor { backbone { saved: "backbone.json" preprocessing: TF } } }"""

MANUAL = "manual_step_learning_rate"


def config_with(block: str, *stages: str) -> schema.TrainEvalPipelineConfig:
    config = schema.TrainEvalPipelineConfig()
    text_format.Parse(MODEL, config.model)
    if block:
        text_format.Merge(f"rcnn {{ fine_tuning {{ {block} }} }}", config.model)
    config.train_config.stage.extend(stages)
    return config


def seen(record: int = 0) -> SeenImage:
    """Two objects that count and one that does not, and proposals near, far, and without area."""
    objects = np.array([[0, 0, 20, 20], [0, 30, 20, 50], [24, 0, 44, 20]], np.float32)
    proposals = np.array(
        [[0, 1, 20, 20], [0, 30, 20, 39], [0, 31, 20, 50], [24, 0, 44, 19], [25, 40, 45, 60]],
        np.float32,
    )
    pixels = np.full((1, 48, 64, 3), 100.4, np.float32)
    pixels[:, :, :32] = 200.6
    return SeenImage(
        pixels, record, objects, np.array([1, 0, 1]), np.array([True, True, False]), proposals
    )


def built() -> RCNN:
    config = text_format.Parse(MODEL, schema.DetectionModel())
    return build_detector(config, backbone=small_network())


@pytest.fixture(scope="module")
def detector():
    return built()


def test_the_block_adds_a_stage_and_nothing_else_does():
    assert stage_names(config_with("")) == ["support_vectors"]
    assert stage_names(config_with("num_steps: 3")) == ["crop_fine_tuning", "support_vectors"]


@pytest.mark.parametrize(
    ("block", "stages", "said"),
    [
        ("num_steps: 3", ["support_vectors"], 'no "crop_fine_tuning" before "support_vectors"'),
        ("num_steps: 3", ["support_vectors", "crop_fine_tuning"], 'no "crop_fine_tuning" before'),
        ("", ["crop_fine_tuning", "support_vectors"], "without model.rcnn.fine_tuning"),
    ],
)
def test_stages_that_contradict_the_block_are_refused(block, stages, said):
    config = config_with(block, *stages)
    first = stages_of(config)[0]
    with pytest.raises(ConfigError, match=said) as caught:
        first.check(config)
    three_parts(caught.value)


def test_a_domain_that_would_not_be_adapted_to_is_refused():
    config = config_with("num_steps: 3")
    config.train_config.domain_adaptation.target_input_reader.source = "coco:dark"
    with pytest.raises(ConfigError, match="it has domain_adaptation, and nothing is trained by"):
        stages_of(config)[0].check(config)


@pytest.mark.parametrize(
    ("block", "field", "found"),
    [
        ('freeze: "spine"', "freeze[0]", "names no part of a detector"),
        ('freeze: "backbone"', "freeze[0]", "nothing that stays would be learned"),
        ('freeze: "batch-norm" freeze: "neck"', "freeze[1]", "nothing is there"),
        ("learning_rate { }", "learning_rate", "no learning rate"),
        ("batch_size: 2 positive_fraction: 0.1", "positive_fraction", "is no object"),
        ("batch_size: 2 positive_fraction: 0.9", "positive_fraction", "leaves no background"),
        (
            f"learning_rate {{ {MANUAL} {{ schedule {{ step: 9 }} schedule {{ step: 5 }} }} }}",
            f"learning_rate.{MANUAL}.schedule",
            "the steps are 9, 5.",
        ),
        ("num_steps: 0", "num_steps", "it is 0."),
        ("positive_iou: 1.5", "positive_iou", "it is 1.5."),
        ("positive_fraction: 1", "positive_fraction", "it is 1."),
        ("flip_probability: -1", "flip_probability", "it is -1."),
        ("momentum: 1", "momentum", "it is 1."),
        ("batch_size: 1", "batch_size", "it is 1."),
        ("gradient_clipping_by_norm: -1", "gradient_clipping_by_norm", "it is -1."),
    ],
)  # fmt: skip
def test_config_check_names_what_is_wrong(block, field, found):
    problems = check_message(config_with(block), check_files=False)
    (problem,) = (one for one in problems if one.field == f"model.rcnn.fine_tuning.{field}")
    assert found in problem.found
    assert problem.allowed
    assert problem.next_step


def test_the_defaults_are_the_published_ones_and_have_no_problem():
    config = config_with("num_steps: 3")
    assert [one for one in conflicts(config) if one.severity == "error"] == []
    tuning = config.model.rcnn.fine_tuning
    assert round(tuning.positive_fraction * tuning.batch_size) == 32
    assert tuning.batch_size - 32 == 96
    assert tuning.positive_iou == 0.5


def test_the_block_in_the_guide_can_be_meant():
    docs = Path(__file__).resolve().parents[3] / "docs"
    guide = (docs / "guides" / "rcnn.md").read_text("utf-8")
    (block,) = re.findall(r"```\n(model \{ rcnn \{\n  fine_tuning .*?)```", guide, re.DOTALL)
    config = load_config(docs / "snippets" / "rcnn.config")
    text_format.Merge(block, config)
    assert config.model.rcnn.fine_tuning.freeze
    found = check_message(config, check_files=False)
    assert [problem.message for problem in found if problem.severity == "error"] == []


def test_windows_show_the_object_that_they_overlap_half_of():
    windows = windows_of(seen(), 2, 0.5)
    # The object that does not count is left out, and so is the proposal on it.
    assert windows.labels.tolist() == [1, 0, 1, 2, 0, 2]
    assert windows.boxes[3].tolist() == [0, 30, 20, 39]  # 0.45 of the object
    assert windows.pixels[0, [0, 40], 0].tolist() == [201, 100]


def test_a_batch_follows_from_seed_and_step(detector):
    settings = schema.CropFineTuning(batch_size=8, flip_probability=0.5)
    images = [windows_of(seen(record), 2, 0.5) for record in (4, 7)]
    batches = CropBatches(detector, images, settings, seed=3)
    assert batches.counts == (8, 4)
    first, again, next_ = (batches.batch(step) for step in (0, 0, 1))
    assert (first.labels < 2).sum() == 2
    np.testing.assert_array_equal(first.crops, again.crops)
    assert not np.array_equal(first.crops, next_.crops)
    assert set(batches.records(0)) <= {4, 7}
    other = CropBatches(detector, images, settings, seed=4).batch(0)
    assert not np.array_equal(first.crops, other.crops)
    (one, two) = parts_of(first, 2)
    assert len(one.labels) == len(two.labels) == 4


def test_a_mirrored_crop_is_the_crop_mirrored(detector):
    images = [windows_of(seen(), 2, 0.5)]
    plain, mirrored = (
        CropBatches(
            detector, images, schema.CropFineTuning(batch_size=8, flip_probability=part), seed=3
        ).batch(0)
        for part in (0.0, 1.0)
    )
    assert plain.crops.std() > 1
    np.testing.assert_array_equal(mirrored.crops, plain.crops[:, :, ::-1])
    np.testing.assert_array_equal(mirrored.labels, plain.labels)


def test_data_without_an_object_are_refused(detector):
    windows = windows_of(seen(), 2, 0.5)
    for labels, what in ((2, "an object"), (0, "background")):
        images = [windows._replace(labels=np.full(len(windows.labels), labels))]
        with pytest.raises(DataError, match=f"shows {what}") as caught:
            CropBatches(detector, images, schema.CropFineTuning(), seed=0)
        three_parts(caught.value)


@pytest.mark.parametrize(
    ("batch", "most", "count"), [(128, 16, 8), (128, 500, 1), (6, 4, 2), (7, 4, 7)]
)
def test_parts_are_equal_and_small_enough(batch, most, count):
    assert micro_batches(batch, most) == count


def prepared(detector, block):
    notes = []
    training = SimpleNamespace(
        config=config_with(block), note=lambda title, text: notes.append(text)
    )
    prepare_classifier(training, detector)
    return notes


def test_what_is_frozen_and_the_softmax_are_kept_apart():
    detector = built()
    keys = [row.key for row in variable_keys(detector)]
    (note,) = prepared(detector, 'freeze: "backbone:5" freeze: "batch-norm"')
    trained = {variable.path for variable in detector.optimizer._trainable_variables}
    assert {path.split("/")[-2] for path in trained} == {"conv3", "conv4", "conv5", "logits"}
    assert "6 of 30 variables of the network train" in note
    # In no checkpoint.
    assert [row.key for row in variable_keys(detector)] == keys
    assert not detector.margins.trainable_variables


def test_a_network_of_which_nothing_trains_is_refused():
    detector = built()
    with pytest.raises(ConfigError, match="nothing of the network trains") as caught:
        prepared(detector, 'freeze: "backbone:level5"')
    three_parts(caught.value)
    with pytest.raises(ConfigError, match=r"model.rcnn.fine_tuning.freeze\[0\].*nowhere"):
        prepared(detector, 'freeze: "backbone:nowhere"')


def test_the_forecast_says_time_disk_memory_and_prediction():
    said = CropCount(images=4, crops=2000, dimension=1280, learned=500).said(0.03)
    assert said == (
        "2,000 crops of 4 images, 30 ms each: about 60 s for their vectors, which take 10 MB on "
        "the disk and up to 10 MB of memory; later about 15 s to predict on a picture"
    )


def test_times_are_said_in_the_unit_that_people_would_use():
    assert [spoken(seconds) for seconds in (0.04, 7.4, 100, 1500, 90000)] == [
        "0.04 s", "7 s", "100 s", "25 min", "25.0 h",
    ]  # fmt: skip


def test_what_is_timed_is_done_once_before():
    calls = []
    assert timed(lambda: calls.append(1)) < 1
    assert len(calls) == 3
