"""What is known of `model { X { … } }`, whichever X it is."""

from __future__ import annotations

import pytest
from google.protobuf import text_format
from three_parts import three_parts

from detectune.config import schema
from detectune.config.architectures import (
    architecture_name,
    architecture_of,
    architecture_problem,
    chosen,
    image_resizer,
    model_needs,
    num_classes,
)
from detectune.config.architectures.base import model_path
from detectune.config.reading import evaluation_needs, training_needs
from detectune.config.warnings import warnings
from detectune.errors import ConfigError
from detectune.registry import architectures

FIELDS = [field.name for field in schema.DetectionModel.DESCRIPTOR.fields]


def parsed(text: str) -> schema.DetectionModel:
    return text_format.Parse(text, schema.DetectionModel())


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_of_the_model_is_described(name):
    model = parsed(f"{name} {{ }}")
    architecture = architecture_of(model)
    assert isinstance(architecture, architectures[name])
    assert architecture.path == model_path(architecture.message) == f"model.{name}"
    assert architecture_name(model) == name
    assert architecture_problem(model) is None
    assert list(architecture.named_files()) == []


def test_nothing_else_is_registered():
    assert set(architectures) == set(FIELDS)


def test_a_message_that_is_no_architecture_has_no_place():
    with pytest.raises(ValueError, match="Hyperparams is no architecture"):
        model_path(schema.Hyperparams())


def test_a_model_without_an_architecture_is_refused_but_needs_nothing():
    model = schema.DetectionModel()
    assert chosen(model) is None
    assert architecture_name(model) == ""
    assert model_needs(model).columns == {}
    for question in (architecture_of, num_classes, image_resizer):
        with pytest.raises(ConfigError) as caught:
            question(model)
        assert three_parts(caught.value) == [
            "model: the config has no architecture.",
            "It is needed.",
            "Write model { ssd { ... } }.",
        ]


@pytest.mark.parametrize("name", ["ssd", "faster_rcnn", "fast_rcnn", "center_net"])
def test_classes_and_size_are_those_of_whatever_is_set(name):
    resizer = "image_resizer { fixed_shape_resizer { height: 5 width: 7 } }"
    model = parsed(f"{name} {{ num_classes: 4 {resizer} feature_extractor {{ type: 'x' }} }}")
    assert num_classes(model) == 4
    assert image_resizer(model).fixed_shape_resizer.width == 7
    assert architecture_of(model).describe() == "x, 4 classes"


def test_an_architecture_without_a_resizer_says_so():
    model = parsed("experimental_model { name: 'x' }")
    assert num_classes(model) == 0
    with pytest.raises(ConfigError) as caught:
        image_resizer(model)
    assert three_parts(caught.value)[0] == "model.experimental_model: it has no image_resizer."


@pytest.mark.parametrize(
    ("text", "inputs", "learned"),
    [
        ("ssd { }", {}, {}),
        ("faster_rcnn { }", {}, {}),
        ("faster_rcnn { number_of_stages: 3 }", {}, {"masks": 1}),
        ("fast_rcnn { max_proposals: 9 }", {"proposals": 9}, {}),
        ("fast_rcnn { number_of_stages: 3 max_proposals: 9 }", {"proposals": 9}, {"masks": 1}),
    ],
)
def test_what_is_given_and_learned_beside_boxes(text, inputs, learned):
    architecture = architecture_of(parsed(text))
    assert architecture.needs == model_needs(parsed(text))
    assert (architecture.needs.inputs, architecture.needs.annotations) == (inputs, learned)
    assert architecture.predicts_masks == bool(learned)


@pytest.mark.parametrize("masks", [False, True])
def test_masks_are_read_if_a_config_says_so(masks):
    text = "fast_rcnn { number_of_stages: 3 max_proposals: 9 }"
    config = schema.TrainEvalPipelineConfig(model=parsed(text))
    config.train_input_reader.load_instance_masks = masks
    config.eval_config.metrics_set.append(f"coco_{'mask' if masks else 'detection'}_metrics")
    expected = {"proposals": 9} | ({"masks": 1} if masks else {})
    assert training_needs(config).columns == evaluation_needs(config).columns == expected


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("ssd { }", 2 + 8),
        ("faster_rcnn { }", 2 + 3),
        ("faster_rcnn { number_of_stages: 1 }", 2 + 2),
        ("fast_rcnn { }", 2 + 2),
        ("center_net { }", 0),
        ("experimental_model { }", 0),
    ],
)
def test_what_is_missing_depends_on_what_is_built(text, missing):
    problems = list(architecture_of(parsed(text)).missing_fields())
    assert len(problems) == missing
    assert all(problem.next_step.startswith("Write ") for problem in problems)


@pytest.mark.parametrize(
    ("text", "old"),
    [
        ("ssd { feature_extractor { type: 'ssd_mobilenet_v2' } }", True),
        ("ssd { feature_extractor { type: 'ssd_mobilenet_v2_keras' } }", False),
        ("faster_rcnn { feature_extractor { type: 'faster_rcnn_resnet50' } }", True),
        ("fast_rcnn { feature_extractor { type: 'faster_rcnn_resnet50' } }", True),
        ("center_net { feature_extractor { type: 'ssd_mobilenet_v2' } }", False),
    ],
)
def test_configs_of_tensorflow_1_are_known_by_their_extractor(text, old):
    assert architecture_of(parsed(text)).written_for_tf1 == old


@pytest.mark.parametrize("trains", [True, False])
@pytest.mark.parametrize("kind", ["ssd", "faster_rcnn"])
def test_random_weights_with_frozen_batch_norms_are_warned_of(kind, trains):
    config = schema.TrainEvalPipelineConfig()
    extractor = getattr(config.model, kind).feature_extractor
    extractor.batch_norm_trainable = trains
    found = [problem.field for problem in warnings(config) if "batch norms keep" in problem.found]
    assert found == ([] if trains else [f"model.{kind}.feature_extractor"])
    config.train_config.fine_tune_checkpoint = "ckpt-0"
    assert not any("batch norms keep" in problem.found for problem in warnings(config))
