"""Numbers that a config may say: every honoured one has a range, which all that build ask."""

from __future__ import annotations

import math
import time

import pytest
from google.protobuf.descriptor import FieldDescriptor as Kinds
from shared import shared_folder
from three_parts import three_parts
from tiny import tiny_config, write_squares
from tiny_two_stage import tiny_two_stage

from detectune.config import schema
from detectune.config.check import check_message
from detectune.config.descriptors import field_name, is_repeated, message_name, reachable_messages
from detectune.config.field_status import field_status
from detectune.config.load import load_config
from detectune.config.overrides import apply_overrides
from detectune.config.ranges import RANGES, range_of, wrong_number
from detectune.config.ranges.base import Range
from detectune.config.ranges.pairs import PAIRS, pair_problems
from detectune.config.report import report_fields
from detectune.data.preview import write_previews
from detectune.detectors.build import build_detector
from detectune.errors import ConfigError
from detectune.recipes.templates import models, template
from detectune.training.prepare import prepare

FLOATS = (Kinds.CPPTYPE_FLOAT, Kinds.CPPTYPE_DOUBLE)
NUMBERS = (
    *FLOATS,
    Kinds.CPPTYPE_INT32,
    Kinds.CPPTYPE_INT64,
    Kinds.CPPTYPE_UINT32,
    Kinds.CPPTYPE_UINT64,
)


def honoured_numbers():
    """Every honoured number of a config, by `Message.field`; not the keys of maps."""
    root = schema.TrainEvalPipelineConfig.DESCRIPTOR
    return {
        field_name(field): field
        for message in reachable_messages(root)
        if not message.GetOptions().map_entry
        for field in message.fields
        if field.cpp_type in NUMBERS and field_status(field).kind == "honoured"
    }


def test_every_honoured_number_has_a_range_and_every_range_a_number():
    assert sorted(RANGES) == sorted(honoured_numbers())


def test_what_a_config_does_not_say_is_in_its_range():
    """But for what has to be said."""
    needed = {
        name
        for name, field in honoured_numbers().items()
        if not is_repeated(field) and field.default_value not in RANGES[name]
    }
    crop = ("min_aspect_ratio", "max_aspect_ratio", "min_area", "max_area")
    stages = ("num_classes", "initial_crop_size", "maxpool_kernel_size", "maxpool_stride")
    assert needed == {
        "AnchorGrid.height_stride",
        "AnchorGrid.width_stride",
        "Rcnn.num_classes",
        "Ssd.num_classes",
        "TemperatureScalingCalibration.scaler",
        *(f"SSDRandomCropOperation.{name}" for name in crop),
        *(f"{kind}.{name}" for kind in ("FasterRcnn", "FastRcnn") for name in stages),
    }


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_field_takes_what_is_no_number_or_infinite(value):
    floats = [field for field in honoured_numbers().values() if field.cpp_type in FLOATS]
    assert len(floats) > 100
    for field in floats:
        wrong = wrong_number(field, value)
        assert wrong is not None, field_name(field)
        assert all(wrong)


def test_no_whole_number_takes_the_greatest_there_is_but_a_seed():
    taking = [
        name
        for name, field in honoured_numbers().items()
        if field.cpp_type not in FLOATS and wrong_number(field, 2**31 - 1) is None
    ]
    assert taking == ["TrainConfig.seed"]


@pytest.mark.parametrize("model", models())
def test_the_templates_say_no_wrong_number(model):
    problems = report_fields(template(model))
    assert [problem.text for problem in problems if problem.severity == "error"] == []


def test_no_config_of_a_user_is_refused_for_a_number():
    found = []
    for path in sorted((shared_folder() / "configs").glob("*.config")):
        for problem in report_fields(load_config(path)):
            if problem.allowed.startswith("Allowed"):
                found.append(f"{path.name}: {problem.message}")
    assert found == []


SSD = [
    ("num_classes=-1", "it is -1.", "Allowed: 1 to 30,000."),
    ("num_classes=2147483647", "it is 2147483647.", "Allowed: 1 to 30,000."),
    ("image_resizer.fixed_shape_resizer.height=0", "it is 0.", "Allowed: 1 to 8,192."),
    ("image_resizer.fixed_shape_resizer.width=1000000", "it is 1000000.", "Allowed: 1 to 8,192."),
    ("feature_extractor.depth_multiplier=-0.5", "it is -0.5.", "Allowed: above 0, at most 8."),
    ("feature_extractor.depth_multiplier=nan", "it is nan.", "Allowed: above 0, at most 8."),
    ("feature_extractor.min_depth=1000000", "it is 1000000.", "Allowed: 0 to 1,024."),
    ("feature_extractor.fpn.max_level=2147483647", "it is 2147483647.", "Allowed: 1 to 12."),
    ("feature_extractor.fpn.additional_layer_depth=-3", "it is -3.", "Allowed: 1 to 4,096."),
    (
        "feature_extractor.conv_hyperparams.batch_norm.decay=1.5",
        "it is 1.5.",
        "Allowed: 0 to 1.",
    ),
    (
        "feature_extractor.conv_hyperparams.batch_norm.epsilon=0",
        "it is 0.",
        "Allowed: 1e-20 to 1,000. It keeps a divisor away from 0.",
    ),
    (
        "feature_extractor.conv_hyperparams.regularizer.l2_regularizer.weight=-1",
        "it is -1.",
        "Allowed: 0 to 1,000,000.",
    ),
    (
        "box_predictor.weight_shared_convolutional_box_predictor"
        ".num_layers_before_predictor=2147483647",
        "it is 2147483647.",
        "Allowed: 0 to 64.",
    ),
    (
        "box_predictor.weight_shared_convolutional_box_predictor.kernel_size=-3",
        "it is -3.",
        "Allowed: 1 to 64.",
    ),
    (
        "box_predictor.weight_shared_convolutional_box_predictor.dropout_keep_probability=0",
        "it is 0.",
        "Allowed: above 0, at most 1.",
    ),
    (
        "anchor_generator.multiscale_anchor_generator.aspect_ratios[0]=-1",
        "it is -1.",
        "Allowed: 0.001 to 1,000. Width divided by height.",
    ),
    (
        "anchor_generator.multiscale_anchor_generator.scales_per_octave=100000",
        "it is 100000.",
        "Allowed: 1 to 32.",
    ),
    (
        "loss.classification_loss.weighted_sigmoid_focal.gamma=-2",
        "it is -2.",
        "Allowed: 0 to 50.",
    ),
    ("box_coder.faster_rcnn_box_coder.y_scale=0", "it is 0.", "Allowed: 0.001 to 10,000."),
    (
        "post_processing.batch_non_max_suppression.iou_threshold=1.5",
        "it is 1.5.",
        "Allowed: 0 to 1.",
    ),
    (
        "post_processing.batch_non_max_suppression.max_total_detections=1000000000",
        "it is 1000000000.",
        "Allowed: 1 to 20,000.",
    ),
]


def refused(caught, path, found, allowed):
    """The error `caught` says the place, the value and the range, and what to do."""
    place, said, next_step = three_parts(caught.value)
    assert place == f"{path}: {found}"
    assert said.startswith(allowed)
    assert next_step.startswith(("Write ", "Correct "))


@pytest.mark.parametrize(("change", "found", "allowed"), SSD)
def test_a_number_of_a_model_is_refused_by_the_check_and_before_anything_is_built(
    change, found, allowed
):
    config = tiny_config()
    apply_overrides(config, [f"model.ssd.{change}"])
    path = f"model.ssd.{change.partition('=')[0]}"
    problem = next(p for p in check_message(config, check_files=False) if p.field == path)
    assert (problem.severity, problem.found) == ("error", found)
    started = time.monotonic()
    with pytest.raises(ConfigError) as caught:
        build_detector(config.model)
    assert time.monotonic() - started < 5.0
    refused(caught, path, found, allowed)


@pytest.mark.parametrize(
    ("change", "found", "allowed"),
    [
        ("number_of_stages=4", "it is 4.", "Allowed: 1 to 3."),
        ("first_stage_box_predictor_kernel_size=0", "it is 0.", "Allowed: 1 to 64."),
        ("first_stage_max_proposals=-5", "it is -5.", "Allowed: 1 to 10,000."),
        ("first_stage_positive_balance_fraction=0", "it is 0.", "Allowed: above 0, at most 1."),
        ("first_stage_nms_iou_threshold=-0.1", "it is -0.1.", "Allowed: 0 to 1."),
        ("maxpool_stride=-1", "it is -1.", "Allowed: 1 to 256."),
        (
            "first_stage_anchor_generator.grid_anchor_generator.height_stride=0",
            "it is 0.",
            "Allowed: 1 to 4,096.",
        ),
    ],
)
def test_a_number_of_a_two_stage_detector_is_refused_before_anything_is_built(
    change, found, allowed
):
    config = schema.TrainEvalPipelineConfig(model=tiny_two_stage("faster_rcnn_resnet50_keras"))
    apply_overrides(config, [f"model.faster_rcnn.{change}"])
    with pytest.raises(ConfigError) as caught:
        build_detector(config.model)
    refused(caught, f"model.faster_rcnn.{change.partition('=')[0]}", found, allowed)


MOMENTUM = "train_config.optimizer.momentum_optimizer"


@pytest.mark.parametrize(
    ("change", "found", "allowed"),
    [
        ("train_config.batch_size=0", "it is 0.", "Allowed: 1 to 16,384."),
        ("train_config.batch_size=4000000000", "it is 4000000000.", "Allowed: 1 to 16,384."),
        (
            "train_config.gradient_clipping_by_norm=-1",
            "it is -1.",
            "Allowed: 0 to 1,000,000,000. 0 clips nothing.",
        ),
        (
            f"{MOMENTUM}.momentum_optimizer_value=1.5",
            "it is 1.5.",
            "Allowed: at least 0, below 1.",
        ),
        (
            f"{MOMENTUM}.learning_rate.cosine_decay_learning_rate.learning_rate_base=-0.1",
            "it is -0.1.",
            "Allowed: 0 to 100.",
        ),
        (
            f"{MOMENTUM}.learning_rate.cosine_decay_learning_rate.learning_rate_base=inf",
            "it is inf.",
            "Allowed: 0 to 100.",
        ),
        (
            "train_config.data_augmentation_options[0].random_horizontal_flip.probability=2",
            "it is 2.",
            "Allowed: 0 to 1.",
        ),
        ("train_input_reader.sample_1_of_n_examples=0", "it is 0.", "Allowed: 1 to 1,000,000."),
        ("eval_config.batch_size=0", "it is 0.", "Allowed: 1 to 16,384."),
    ],
)
def test_a_number_of_a_training_is_refused_before_the_data_are_read(
    tmp_path, change, found, allowed
):
    config = tiny_config(write_squares(tmp_path / "data"))
    apply_overrides(config, [change])
    with pytest.raises(ConfigError) as caught:
        prepare(config, tmp_path / "run")
    refused(caught, change.partition("=")[0], found, allowed)
    assert not (tmp_path / "run").exists()


def test_a_preview_refuses_numbers_before_it_reads_data(tmp_path):
    config = tiny_config(tmp_path / "nowhere")
    flip = config.train_config.data_augmentation_options[0].random_horizontal_flip
    flip.probability = 2.0
    with pytest.raises(ConfigError) as caught:
        write_previews(config, tmp_path / "pictures", count=1, seed=0)
    path = "train_config.data_augmentation_options[0].random_horizontal_flip.probability"
    refused(caught, path, "it is 2.", "Allowed: 0 to 1.")


def test_a_number_that_has_no_usable_default_is_missed():
    config = tiny_config()
    crop = config.train_config.data_augmentation_options.add().ssd_random_crop
    crop.operations.add(min_object_covered=0.5, min_aspect_ratio=0.5, max_aspect_ratio=2.0)
    place = "train_config.data_augmentation_options[2].ssd_random_crop.operations[0]"
    problems = {p.field: p for p in report_fields(config) if p.severity == "error"}
    assert sorted(problems) == [f"{place}.max_area", f"{place}.min_area"]
    assert problems[f"{place}.max_area"].text == (
        "SSDRandomCropOperation has no max_area. Allowed: above 0, at most 1. "
        "Add max_area: 1, or what you need."
    )


def test_a_list_of_numbers_has_an_end():
    config = tiny_config()
    ratios = config.model.ssd.anchor_generator.multiscale_anchor_generator.aspect_ratios
    ratios.extend([1.0] * 100)
    (problem,) = (p for p in report_fields(config) if p.severity == "error")
    assert problem.text == ("101 numbers given. Allowed: at most 100. Keep those that are needed.")


def test_numbers_in_a_map_are_looked_at():
    config = tiny_config()
    calibration = config.model.ssd.post_processing.calibration_config
    parameters = calibration.class_id_sigmoid_calibrations.class_id_sigmoid_parameters_map
    parameters[2].a = math.nan
    (problem,) = (p for p in report_fields(config) if p.severity == "error")
    assert problem.field.endswith("class_id_sigmoid_parameters_map[2].a")


def test_a_number_is_taken_as_it_is_written():
    """0.1 is not a float32; the nearest is a little more."""
    message = schema.RandomAdjustHue(max_delta=0.5)
    (field,) = message.DESCRIPTOR.fields
    assert wrong_number(field, message.max_delta) is None
    assert schema.AdjustGamma(gamma=0.1).gamma in Range(0, 0.1)
    assert 0.11 not in Range(0, 0.1)


def test_every_pair_names_numbers_of_its_message():
    messages = {
        message_name(m): m for m in reachable_messages(schema.TrainEvalPipelineConfig.DESCRIPTOR)
    }
    for message, pairs in PAIRS.items():
        for name in (name for pair in pairs for name in pair):
            assert range_of(messages[message].fields_by_name[name]) is not None


def test_the_wrong_way_round_is_said_of_written_numbers_and_of_defaults():
    written = schema.RandomAdjustContrast(min_delta=1.5, max_delta=0.5)
    (problem,) = pair_problems(written, "there")
    assert (problem.field, problem.severity) == ("there.min_delta", "error")
    assert problem.text == (
        "min_delta is 1.5 and max_delta is 0.5. min_delta must be at most max_delta. "
        "Exchange the two, or write both."
    )
    (problem,) = pair_problems(schema.CosineDecayLearningRate(total_steps=500), "there")
    assert problem.found == (
        "warmup_steps is 10000 and total_steps is 500 (warmup_steps by default)."
    )
    assert problem.field == "there.total_steps"
    assert list(pair_problems(schema.RandomPadImage(min_image_height=50), "there")) == []
    (problem,) = pair_problems(
        schema.RandomJpegQuality(min_jpeg_quality=50, max_jpeg_quality=50), "there"
    )
    assert "must be below max_jpeg_quality" in problem.allowed
