"""A fragment of a config, filled up from a model of the zoo."""

from __future__ import annotations

import pytest
from three_parts import three_parts

from detectune.config.load import load_config
from detectune.errors import ConfigError
from detectune.recipes.complete import complete_config
from detectune.recipes.templates import template

BASE = "ssd_resnet50_v1_fpn_640x640_coco17_tpu-8"
PARTS = {
    "whole": "model {{ ssd {{ {} }} }}",
    "model": "ssd {{ {} }}",
    "ssd": "{}",
}


def completed(tmp_path, text, base=BASE):
    (tmp_path / "fragment.txt").write_text(text)
    return complete_config(tmp_path / "fragment.txt", base, tmp_path / "whole.config")


@pytest.mark.parametrize("place", PARTS)
def test_what_a_fragment_leaves_out_is_taken_and_said(tmp_path, place):
    text = "num_classes: 3 loss { localization_weight: 2.0 }"
    found = completed(tmp_path, PARTS[place].format(text))
    ssd, zoo = found.config.model.ssd, template(BASE).model.ssd
    assert (ssd.num_classes, ssd.loss.localization_weight) == (3, 2.0)
    assert ssd.feature_extractor == zoo.feature_extractor
    assert ssd.loss.classification_loss == zoo.loss.classification_loss
    assert f"model.ssd.anchor_generator: taken from {BASE}" in found.taken
    assert f"model.ssd.loss.classification_loss: taken from {BASE}" in found.taken
    assert not any("num_classes" in line for line in found.taken)
    assert load_config(tmp_path / "whole.config") == found.config
    above = (tmp_path / "whole.config").read_text()
    assert all(f"# {line}\n" in above for line in found.taken)


def test_a_choice_and_a_list_of_the_fragment_stay_whole(tmp_path):
    found = completed(
        tmp_path,
        "model { ssd { image_resizer { keep_aspect_ratio_resizer { min_dimension: 300 } } } } "
        "train_config { data_augmentation_options { random_vertical_flip { } } }",
    )
    resizer = found.config.model.ssd.image_resizer
    assert resizer.WhichOneof("image_resizer_oneof") == "keep_aspect_ratio_resizer"
    assert len(found.config.train_config.data_augmentation_options) == 1


@pytest.mark.parametrize("matcher", ["box_predictor { free_anchor_box_matcher { } }",
                                     "matcher { free_anchor_matcher { } }"])  # fmt: skip
def test_learned_matching_as_a_tutorial_spells_it(tmp_path, matcher):
    found = completed(tmp_path, f"ssd {{ num_classes: 2 {matcher} }}")
    ssd = found.config.model.ssd
    assert ssd.matcher.WhichOneof("matcher_oneof") in (None, "free_anchor_matcher")
    assert not ssd.HasField("similarity_calculator")
    assert not ssd.add_background_class
    assert ssd.box_predictor.HasField("weight_shared_convolutional_box_predictor")
    assert any("add_background_class: false" in line for line in found.taken)
    assert not [line for line in found.problems if line.startswith("error: model")]


def test_a_training_is_completed_too(tmp_path):
    found = completed(tmp_path, "batch_size: 2 num_steps: 7")
    zoo = template(BASE).train_config
    assert (found.config.train_config.batch_size, found.config.train_config.num_steps) == (2, 7)
    assert found.config.train_config.fine_tune_checkpoint == zoo.fine_tune_checkpoint
    assert found.config.train_config.optimizer == zoo.optimizer


@pytest.mark.parametrize(
    ("text", "base", "found"),
    [
        ("faster_rcnn { num_classes: 1 }", BASE, "its model is faster_rcnn"),
        ("num_clases: 3", BASE, "num_clases"),
        ("ssd {", BASE, "fragment.txt:1:"),
        ("num_classes: 3", "ssd_resnet5", 'there is no model called "ssd_resnet5"'),
    ],
)
def test_what_cannot_be_completed_is_refused_and_nothing_written(tmp_path, text, base, found):
    with pytest.raises(ConfigError) as error:
        completed(tmp_path, text, base)
    assert found in three_parts(error.value)[0]
    assert not (tmp_path / "whole.config").exists()


def test_a_file_that_is_there_is_kept(tmp_path):
    (tmp_path / "whole.config").write_text("mine")
    with pytest.raises(ConfigError, match="it exists"):
        completed(tmp_path, "num_classes: 3")
    assert (tmp_path / "whole.config").read_text() == "mine"
