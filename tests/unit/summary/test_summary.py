"""Summaries: every weight once, the graph as it is, stages, what trains, and Keras's numbers."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
from google.protobuf import text_format
from structure import structure_only
from tiny import SIDE, tiny_config
from tiny_two_stage import make_short, make_thin, tiny_two_stage
from toy import ToyDetector

from detectune.checkpoints.keys import variable_keys
from detectune.config import schema
from detectune.detectors.build import build_detector
from detectune.errors import ConfigError
from detectune.summary.input_size import InputSize, size_of_inputs
from detectune.summary.network import OUTSIDE, layer_rows, summarize
from detectune.summary.traced import steps_of


def config_of(model: schema.DetectionModel, train: str = "") -> schema.TrainEvalPipelineConfig:
    config = schema.TrainEvalPipelineConfig()
    config.model.CopyFrom(model)
    text_format.Merge(train, config.train_config)
    return config


def ssd(train: str = "") -> schema.TrainEvalPipelineConfig:
    return config_of(tiny_config(extractor="ssd_mobilenet_v2_fpn_keras").model, train)


@pytest.fixture(scope="module")
def frozen():
    with structure_only():
        return summarize(ssd('freeze: "backbone:100"'))


@pytest.mark.usefixtures("no_values")
def test_every_weight_is_counted_once(frozen):
    detector = build_detector(ssd().model)
    weights = [row.variable for row in variable_keys(detector)]
    assert frozen.parameters == sum(int(np.prod(v.shape)) for v in weights)
    assert frozen.parameters == sum(row.parameters for row in frozen.layers)
    assert frozen.parameters == sum(stage.parameters for stage in frozen.stages)
    whole = summarize(ssd())
    assert whole.parameters == frozen.parameters
    assert whole.trainable == sum(int(np.prod(v.shape)) for v in weights if v.trainable)


@pytest.mark.usefixtures("no_values")
def test_numbers_are_those_that_freezing_counts(frozen):
    names = [layer.name for layer in keras.applications.MobileNetV2(weights=None).layers]
    rows = {row.name: row for row in frozen.layers if row.stage.startswith("backbone")}
    for number in (2, 3, 18, 100, 101, 154):
        assert rows[names[number - 1]].number == number
    weighted = [row for row in rows.values() if row.state]
    assert all(row.number is not None for row in weighted)
    for row in weighted:
        assert row.state == ("frozen" if row.number <= 100 else "trains"), row.name
        assert (row.trainable > 0) == (row.number > 100)


def test_stages_have_the_maps_of_their_size(frozen):
    stages = {stage.name: stage for stage in frozen.stages}
    assert list(stages) == [
        "image", "backbone 1/2", "backbone 1/4", "backbone 1/8", "backbone 1/16", "backbone 1/32",
        "neck", "prediction heads",
    ]  # fmt: skip
    assert stages["image"].shapes == [[SIDE, SIDE, 3]]
    assert [shape[0] for shape in stages["neck"].shapes] == [2, 4, 8]
    for level in (1, 2, 3, 4, 5):
        assert stages[f"backbone 1/{2**level}"].shapes[0][0] == SIDE // 2**level
    assert stages["backbone 1/4"].trainable == 0
    assert stages["neck"].trainable > 0
    assert "backbone 102/156" in frozen.frozen


def test_arrows_are_those_of_the_graph(frozen):
    names = {row.name: place for place, row in enumerate(frozen.layers)}
    add = frozen.layers[names["block_2_add"]]
    assert [frozen.layers[place].name for place in add.inputs] == [
        "block_1_project_BN", "block_2_project_BN",
    ]  # fmt: skip
    # A projection of the pyramid takes its map from inside the backbone.
    (taken,) = next(r for r in frozen.layers if r.name.endswith("top_down/projection_1")).inputs
    assert frozen.layers[taken].stage.startswith("backbone")
    assert frozen.layers[taken].shapes[0][0] == 8
    shared = next(row for row in frozen.layers if row.name.endswith("ClassPredictor"))
    assert [shape[0] for shape in shared.shapes] == [8, 4, 2]
    assert shared.multiply_adds == sum(
        side * side * (9 * 16 + 16 * shared.shapes[0][-1]) for side in (8, 4, 2)
    )


def test_json_holds_everything(frozen):
    read = json.loads(frozen.to_json())
    assert read["parameters"] == frozen.parameters
    assert len(read["layers"]) == len(frozen.layers)
    assert read["layers"][1]["inputs"] == [0]
    assert read["input_size"] == {"height": SIDE, "width": SIDE, "fixed": True}


@pytest.mark.usefixtures("no_values")
def test_what_trains_later_is_said():
    text = 'num_steps: 9 freeze: "backbone" unfreeze_at_step { step: 5 part: "backbone:100" }'
    found = summarize(ssd(text))
    (line,) = found.unfrozen
    assert line.startswith("unfrozen at step 5: the backbone after its first 100 layers")
    backbone = [row for row in found.layers if row.stage.startswith("backbone")]
    assert {row.state for row in backbone} == {"frozen", ""}
    with pytest.raises(ConfigError, match="the backbone has 156 layers"):
        summarize(ssd('freeze: "backbone:9999"'))


@pytest.mark.usefixtures("no_values")
def test_a_batch_norm_that_keeps_its_statistics_alone_is_partly_frozen():
    config = config_of(tiny_config().model)
    config.model.ssd.freeze_batchnorm = True
    states = {row.state for row in summarize(config).layers if row.kind == "BatchNormalization"}
    assert states == {"partly"}


@pytest.mark.usefixtures("no_values")
@pytest.mark.parametrize(
    ("extractor", "stages", "wanted"),
    [
        (
            "faster_rcnn_resnet50_keras",
            2,
            ["region proposals", "regions", "backbone, second stage", "box head"],
        ),
        (
            "faster_rcnn_resnet50_fpn_keras",
            3,
            ["neck", "region proposals", "regions", "box features", "box head", "mask head"],
        ),
    ],
)
def test_both_stages_of_a_detector_are_there(monkeypatch, extractor, stages, wanted):
    make_thin(monkeypatch, "resnet50_v1")
    make_short(monkeypatch, 50)
    model = tiny_two_stage(extractor, stages=stages)
    found = summarize(config_of(model))
    names = [stage.name for stage in found.stages if not stage.name.startswith("backbone 1/")]
    assert names[:1] == ["image"]
    assert [name for name in names[1:] if name != OUTSIDE] == wanted
    detector = build_detector(model)
    assert found.parameters == sum(int(np.prod(r.variable.shape)) for r in variable_keys(detector))
    head = next(stage for stage in found.stages if stage.name == "box head")
    assert head.shapes == [[8], [3]]
    # 16 proposals are looked at, one after the other.
    width = int(detector.roi_head.head.box_layer.kernel.shape[0])
    assert head.multiply_adds == 16 * width * (8 + 3)


def test_a_detector_of_another_package_is_followed_by_its_attributes():
    detector = ToyDetector()
    rows = layer_rows(detector, steps_of(detector, (16, 16)), InputSize(16, 16, fixed=True))
    assert [row.stage for row in rows] == [
        "image", "backbone 1/2", "backbone 1/2", "backbone 1/4",
        "towers", "towers", "outputs_of", "outputs_of", OUTSIDE,
    ]  # fmt: skip
    assert rows[-1].parameters == 1  # a weight of the detector itself
    assert sum(row.parameters for row in rows) == sum(
        int(np.prod(row.variable.shape)) for row in variable_keys(detector)
    )


@pytest.mark.parametrize(
    ("text", "height", "width", "fixed"),
    [
        ("fixed_shape_resizer { height: 300 width: 200 }", 300, 200, True),
        (
            "keep_aspect_ratio_resizer { min_dimension: 600 max_dimension: 1024 "
            "pad_to_max_dimension: true }",
            1024,
            1024,
            True,
        ),
        (
            "keep_aspect_ratio_resizer { min_dimension: 600 max_dimension: 1024 }",
            600,
            1024,
            False,
        ),
    ],
)
def test_the_size_of_an_image_is_that_of_the_config(text, height, width, fixed):
    resizer = text_format.Parse(text, schema.ImageResizer())
    assert size_of_inputs(resizer) == InputSize(height, width, fixed=fixed)
    assert ("vary" in str(size_of_inputs(resizer))) != fixed
