"""What `domain_adaptation { … }` cannot stand beside."""

from __future__ import annotations

import pytest
from google.protobuf import text_format
from tiny import tiny_config

from detectune.config import schema
from detectune.config.conflicts import conflicts
from detectune.config.domain_adaptation import (
    TARGET_EVAL_READER,
    adaptation_of,
    adaptation_warnings,
)
from detectune.config.missing_fields import missing_fields
from detectune.config.named_files import file_problems

READER = 'target_input_reader { source: "images:new" }'


def found(text: str, more: str = "", model: schema.DetectionModel | None = None) -> dict[str, str]:
    """Path → message of each conflict of the block `text`."""
    config = tiny_config()
    if model is not None:
        config.model.CopyFrom(model)
    text_format.Merge(f"domain_adaptation {{ {text} }} {more}", config.train_config)
    return {problem.field: problem.found for problem in conflicts(config)}


def test_a_block_with_images_of_the_target_is_accepted():
    assert found(READER) == {}
    assert found(f"{READER} image_level {{ level: 0 weight: 0.5 }}") == {}


@pytest.mark.parametrize(
    ("text", "more", "path", "said"),
    [
        ("", "", "domain_adaptation.target_input_reader", "there are no images of the target"),
        (
            READER,
            "feature_cache { }",
            "feature_cache",
            "feature_cache and domain_adaptation are set together.",
        ),
        (
            f"{READER} consistency_weight: 1",
            "",
            "domain_adaptation.consistency_weight",
            "there is only one discriminator.",
        ),
        (
            f"{READER} instance_level {{ }}",
            "",
            "domain_adaptation.instance_level",
            "ssd has no second stage that looks at regions.",
        ),
    ],
)
def test_what_cannot_work_is_refused_at_its_place(text, more, path, said):
    problems = found(text, more)
    assert list(problems) == [f"train_config.{path}"]
    assert said in problems[f"train_config.{path}"]


def test_without_gradient_descent_nothing_is_adapted():
    model = text_format.Parse("rcnn { num_classes: 2 }", schema.DetectionModel())
    said = "nothing is trained by gradient descent."
    assert found(READER, model=model)["train_config.domain_adaptation"] == said
    assert found(READER, 'stage: "support_vectors"')["train_config.domain_adaptation"] == said


@pytest.mark.parametrize("words", ['freeze: "all-but-heads"', 'freeze: ["neck", "backbone"]'])
def test_frozen_features_are_not_adapted(words):
    said = "backbone and neck are frozen to the end, beside domain_adaptation."
    assert found(READER, words) == {"train_config.freeze": said}
    assert found(READER, f'{words} num_steps: 9 unfreeze_at_step {{ step: 3 part: "neck" }}') == {}
    assert found(READER, 'freeze: "backbone" freeze: "batch-norm"') == {}


@pytest.mark.parametrize(
    ("step", "warned"),
    [
        ("ssd_random_crop { }", True),
        ("ssd_random_crop { operations { min_object_covered: 0 } }", False),
        ("random_crop_image { }", True),
        ("random_crop_image { min_object_covered: 0 }", False),
        ("random_horizontal_flip { }", False),
    ],
)
def test_windows_that_depend_on_objects_are_warned_of(step, warned):
    train = text_format.Parse(f"data_augmentation_options {{ {step} }}", schema.TrainConfig())
    assert list(adaptation_warnings(train)) == []
    train.domain_adaptation.SetInParent()
    problems = [(problem.field, problem.severity) for problem in adaptation_warnings(train)]
    assert problems == [("train_config.data_augmentation_options[0]", "warning")] * warned


def test_annotated_images_of_the_target_are_enough_to_evaluate(tmp_path):
    config = tiny_config(tmp_path)
    del config.eval_input_reader[:]
    block = config.train_config.domain_adaptation
    block.target_eval_input_reader.source = "csv:labels.csv"
    assert [p.field for p in missing_fields(config)] == []


def test_a_label_map_of_images_without_annotations_is_not_looked_for(tmp_path):
    config = tiny_config()
    block = config.train_config.domain_adaptation
    for reader in (block.target_input_reader, block.target_eval_input_reader):
        reader.source, reader.label_map_path = f"images:{tmp_path}", "gone.pbtxt"
    assert [problem.field for problem in file_problems(config)] == [
        f"{TARGET_EVAL_READER}.label_map_path"
    ]


def test_regions_need_a_second_stage():
    model = schema.DetectionModel()
    model.faster_rcnn.number_of_stages = 1
    text = f"{READER} instance_level {{ }}"
    assert "train_config.domain_adaptation.instance_level" in found(text, model=model)
    model.faster_rcnn.number_of_stages = 2
    assert "train_config.domain_adaptation.instance_level" not in found(text, model=model)


def test_maps_are_looked_at_unless_only_regions_are_asked_for():
    train = schema.TrainConfig()
    assert adaptation_of(train) is None
    train.domain_adaptation.SetInParent()
    assert adaptation_of(train).HasField("image_level")
    train.domain_adaptation.instance_level.SetInParent()
    assert not adaptation_of(train).HasField("image_level")
