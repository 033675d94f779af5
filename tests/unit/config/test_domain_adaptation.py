"""What `domain_adaptation { … }` cannot stand beside."""

from __future__ import annotations

import pytest
from google.protobuf import text_format
from tiny import tiny_config

from detectune.config import schema
from detectune.config.conflicts import conflicts
from detectune.config.domain_adaptation import adaptation_of

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
