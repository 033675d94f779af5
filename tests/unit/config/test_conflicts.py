"""Choices that exclude each other: found by `config check`, refused when a detector is built."""

from __future__ import annotations

import time

import pytest
from google.protobuf import text_format
from three_parts import three_parts
from tiny import tiny_config
from tiny_two_stage import tiny_two_stage

from detectune.config import schema
from detectune.config.architectures import architecture_of
from detectune.config.check import check_config, check_message
from detectune.config.conflicts import conflicts
from detectune.config.save import write_config
from detectune.detectors.build import build_detector
from detectune.errors import ConfigError
from detectune.recipes.templates import template

NMS = "post_processing { batch_non_max_suppression"
POINTS = "x_y_pairs { x_y_pair { x: 0.1 y: 0.2 }"
CALIBRATED = "post_processing { calibration_config"

SECOND = "second_stage_post_processing"
KINDS = ["faster_rcnn", "fast_rcnn"]

CASES = [
    ("add_background_class: true explicit_background_class: true", "", "both true"),
    ("feature_extractor { fpn { min_level: 1 } }", ".feature_extractor.fpn.min_level", "it is 1."),
    (
        f"{NMS} {{ soft_nms_sigma: 0.5 use_class_agnostic_nms: true }} }}",
        ".batch_non_max_suppression",
        "use_class_agnostic_nms and soft_nms_sigma",
    ),
    (
        f"{CALIBRATED} {{ function_approximation {{ {POINTS} }} }} }} }}",
        ".calibration_config",
        "1 points",
    ),
    (
        f"{CALIBRATED} {{ function_approximation {{ {POINTS} x_y_pair {{ x: 0.1 }} }} }} }} }}",
        ".calibration_config",
        "x = 0.1, 0.1",
    ),
    (
        "loss { hard_example_miner { } expected_loss_weights: EXPECTED_SAMPLING }",
        ".loss",
        "both expected_loss_weights and hard_example_miner",
    ),
    (
        "box_predictor { weight_shared_convolutional_box_predictor { box_code_size: 3 } }",
        ".box_code_size",
        "3 does not fit",
    ),
]


def config_with(text: str):
    config = tiny_config()
    text_format.Merge(text, config.model.ssd)
    return config


@pytest.mark.parametrize(("text", "field", "found"), CASES)
def test_a_conflict_is_an_error_of_the_check_and_of_the_build(text, field, found):
    config = config_with(text)
    problem = next(p for p in conflicts(config) if found in p.found)
    assert problem.severity == "error"
    assert problem.field.startswith("model.ssd")
    assert problem.field.endswith(field)
    assert all((problem.allowed, problem.next_step))
    with pytest.raises(ConfigError) as caught:
        build_detector(config.model)
    place, allowed, next_step = three_parts(caught.value)
    assert place == f"{problem.field}: {problem.found}"
    assert (allowed, next_step) == (problem.allowed, problem.next_step)


SIGMOIDS = "class_id_sigmoid_calibrations", "class_id_sigmoid_parameters_map"
LINES = "class_id_function_approximations", "class_id_xy_pairs_map"


def by_class(kind: tuple[str, str], ids: tuple[int, ...]) -> str:
    value = "x_y_pair { x: 0 } x_y_pair { x: 1 y: 1 }" if kind == LINES else ""
    entries = " ".join(f"{kind[1]} {{ key: {id_} value {{ {value} }} }}" for id_ in ids)
    return f"calibration_config {{ {kind[0]} {{ {entries} }} }}"


def calibration_problems(block: str, text: str, num_classes: int = 3):
    config = tiny_config() if block.startswith("post") else two_stage_with("faster_rcnn", "")
    message = config.model.ssd if block.startswith("post") else config.model.faster_rcnn
    message.num_classes = num_classes
    text_format.Merge(f"{block} {{ {text} }}", message)
    return [problem for problem in conflicts(config) if "calibrates" in problem.found]


@pytest.mark.parametrize("kind", [SIGMOIDS, LINES])
@pytest.mark.parametrize("block", ["post_processing", SECOND])
def test_a_calibration_of_a_class_that_is_not_there_is_an_error(block, kind):
    assert calibration_problems(block, by_class(kind, (0, 1, 3))) == []
    (problem,) = calibration_problems(block, by_class(kind, (4, 1, 90)))
    assert problem.severity == "error"
    assert problem.field.endswith(f"{block}.calibration_config.{'.'.join(kind)}")
    assert problem.found == "it calibrates ids 4, 90, and there is no such class."
    assert problem.allowed == (
        "Classes are numbered 1 to 3 as in the label map (num_classes is 3) and 0 is the "
        "background."
    )
    assert problem.next_step.startswith("Was it measured with other classes?")


@pytest.mark.parametrize(
    ("ids", "found"),
    [
        ((0,), "it calibrates id 0, and there is no such class."),
        ((-2, 2), "it calibrates id -2, and there is no such class."),
        (
            tuple(range(1, 91)),
            "it calibrates ids 4, 5, 6, 7, 8 and 82 more, and there is no such class.",
        ),
    ],
)
def test_without_a_background_the_classes_to_calibrate_begin_at_1(ids, found):
    block = "add_background_class: false post_processing"
    config = tiny_config()
    config.model.ssd.num_classes = 3
    text_format.Merge(f"{block} {{ {by_class(SIGMOIDS, ids)} }}", config.model.ssd)
    (problem,) = (p for p in conflicts(config) if "calibrates" in p.found)
    assert (problem.found, "background" in problem.allowed) == (found, False)


def test_without_a_number_of_classes_only_that_is_said():
    assert calibration_problems("post_processing", by_class(SIGMOIDS, (7,)), 0) == []


@pytest.mark.parametrize("neck", ["fpn", "bifpn"])
def test_the_levels_of_a_pyramid_are_those_of_its_anchors(neck):
    config = tiny_config()
    ssd = config.model.ssd
    ssd.feature_extractor.type = f"ssd_mobilenet_v2_{neck}_keras"
    ssd.feature_extractor.use_depthwise = neck == "fpn"
    getattr(ssd.feature_extractor, neck).max_level = 6
    (problem,) = architecture_of(config.model).conflicts()
    assert f"Change them here or in feature_extractor.{neck}." in problem.text
    with pytest.raises(ConfigError):
        build_detector(config.model)


def test_a_pyramid_that_the_type_does_not_have_is_not_looked_at():
    config = config_with("feature_extractor { type: 'ssd_mobilenet_v2_keras' num_layers: 3 }")
    config.model.ssd.feature_extractor.fpn.max_level = 6
    assert list(architecture_of(config.model).conflicts()) == []


def test_a_good_config_has_no_conflicts():
    assert list(conflicts(tiny_config())) == []


@pytest.mark.parametrize(("low", "problems"), [(0, 1), (1, 0), (3, 0)])
def test_a_bifpn_may_begin_where_the_finest_backbone_does(low, problems):
    model = template("efficientdet_d0_coco17_tpu-32").model
    ssd = model.ssd
    ssd.feature_extractor.bifpn.min_level = low
    ssd.anchor_generator.multiscale_anchor_generator.min_level = low
    assert len(list(architecture_of(model).conflicts())) == problems


ANCHORS = [
    ("multiscale_anchor_generator { scales_per_octave: 2 }", "", "it makes 0 anchors"),
    ("grid_anchor_generator { scales: 1 }", "", "it makes 0 anchors"),
    (
        "ssd_anchor_generator { num_layers: 2 interpolated_scale_aspect_ratio: 0 }",
        "",
        "it makes 0 anchors",
    ),
    (
        "ssd_anchor_generator { num_layers: 3 scales: 0.2 aspect_ratios: 1 }",
        ".scales",
        "1 number given, and num_layers is 3.",
    ),
    (
        "ssd_anchor_generator { num_layers: 2 aspect_ratios: 1 height_stride: [8, 16] }",
        ".width_stride",
        "0 numbers given, and num_layers is 2.",
    ),
    ("flexible_grid_anchor_generator { }", "", "there is no anchor_grid."),
    (
        "flexible_grid_anchor_generator { anchor_grid { base_sizes: 8 height_stride: 8 "
        "width_stride: 8 } }",
        ".anchor_grid[0]",
        "it has 1 base_sizes and 0 aspect_ratios.",
    ),
]


@pytest.mark.parametrize(("text", "field", "found"), ANCHORS)
def test_anchor_generators_that_make_nothing_or_not_the_same_of_all_are_refused(text, field, found):
    config = tiny_config()
    config.model.ssd.anchor_generator.CopyFrom(text_format.Parse(text, schema.AnchorGenerator()))
    config.model.ssd.feature_extractor.type = "ssd_mobilenet_v1_keras"
    kind = text.split()[0]
    (problem,) = (p for p in conflicts(config) if found in p.found)
    assert problem.field == f"model.ssd.anchor_generator.{kind}{field}"
    assert all((problem.allowed, problem.next_step))
    with pytest.raises(ConfigError, match="anchor_generator"):
        build_detector(config.model)


WEIGHT_SHARED = "box_predictor { weight_shared_convolutional_box_predictor { } }"
PARTS = [
    (
        "box_predictor { rfcn_box_predictor { } }",
        "box_predictor.rfcn_box_predictor",
        "rfcn_box_predictor does not go with this architecture.",
    ),
    (f"{CALIBRATED} {{ }} }}", "post_processing.calibration_config", "no calibration is chosen."),
    (
        "image_resizer { keep_aspect_ratio_resizer { per_channel_pad_value: 5 "
        "pad_to_max_dimension: true } }",
        "image_resizer.keep_aspect_ratio_resizer.per_channel_pad_value",
        "1 number given.",
    ),
    (
        "image_resizer { pad_to_multiple_resizer { } } box_coder { square_box_coder { } }",
        "image_resizer",
        "square_box_coder measures in fractions of the input, but with pad_to_multiple_resizer "
        "the size of the input depends on the image.",
    ),
    (
        "feature_extractor { num_layers: 3 }",
        "feature_extractor.num_layers",
        "ssd_mobilenet_v1_fpn_keras has a pyramid.",
    ),
    (
        "anchor_generator { ssd_anchor_generator { aspect_ratios: 1 "
        "reduce_boxes_in_lowest_layer: false } }",
        "anchor_generator.ssd_anchor_generator",
        "the anchors are for 6 feature maps, and feature_extractor.fpn makes 3.",
    ),
    (
        f"{WEIGHT_SHARED} anchor_generator {{ ssd_anchor_generator {{ num_layers: 3 }} }}",
        "anchor_generator.ssd_anchor_generator.reduce_boxes_in_lowest_layer",
        "it is true, and weight_shared_convolutional_box_predictor needs the same number of "
        "anchors on all feature maps.",
    ),
]


@pytest.mark.parametrize(("text", "field", "found"), PARTS)
def test_parts_that_cannot_be_built_are_found_without_building(text, field, found):
    config = tiny_config()
    for name in ("image_resizer", "box_coder", "anchor_generator", "box_predictor"):
        if f"{name} {{" in text:
            config.model.ssd.ClearField(name)
    text_format.Merge(text, config.model.ssd)
    (problem,) = (p for p in conflicts(config) if p.field == f"model.ssd.{field}")
    assert (problem.severity, problem.found) == ("error", found)
    assert all((problem.allowed, problem.next_step))
    with pytest.raises(ConfigError) as caught:
        build_detector(config.model)
    assert three_parts(caught.value)[0] == f"{problem.field}: {found}"


TOO_LARGE = [
    (
        "num_classes: 30000 box_predictor { weight_shared_convolutional_box_predictor { "
        "depth: 4096 use_depthwise: false } }",
        "box_predictor.weight_shared_convolutional_box_predictor",
        "it would have about 2,362,908,672 weights.",
    ),
    (
        "feature_extractor { depth_multiplier: 1 fpn { additional_layer_depth: 4096 } }",
        "feature_extractor.fpn",
        "it would have about 452,984,832 weights.",
    ),
    (
        "image_resizer { fixed_shape_resizer { height: 8192 width: 8192 } } "
        "feature_extractor { fpn { min_level: 2 } } "
        "anchor_generator { multiscale_anchor_generator { min_level: 2 scales_per_octave: 9 } }",
        "",
        "it would have about 50,331,648 anchors.",
    ),
]


@pytest.mark.parametrize(("text", "field", "found"), TOO_LARGE)
def test_numbers_that_together_take_all_memory_are_refused(text, field, found):
    config = config_with(text)
    started = time.monotonic()
    problem = next(p for p in conflicts(config) if "it would have" in p.found)
    assert problem.field == f"model.ssd{field and f'.{field}'}"
    assert problem.found == found
    assert problem.allowed.startswith("Allowed: at most ")
    with pytest.raises(ConfigError, match="it would have about"):
        build_detector(config.model)
    assert time.monotonic() - started < 5.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_stage_that_takes_all_memory_is_refused(kind):
    limit = "first_stage_max_proposals" if kind == "faster_rcnn" else "max_proposals"
    config = two_stage_with(kind, f"{limit}: 10000 initial_crop_size: 256")
    (problem,) = architecture_of(config.model).conflicts()
    assert (problem.field, problem.severity) == (f"model.{kind}", "error")
    assert problem.found == (
        "it would have about 671,088,640,000 numbers in the patches of an image."
    )


def test_a_batch_that_takes_all_memory_is_refused():
    config = tiny_config()
    config.train_config.batch_size = 16_384
    assert list(conflicts(config)) == []  # of 64 × 64 pixels
    config.model.ssd.image_resizer.fixed_shape_resizer.height = 8192
    (problem,) = conflicts(config)
    assert problem.field == "train_config.batch_size"
    assert problem.found == "it would have about 8,589,934,592 pixels in a batch."


AUGMENTATIONS = [
    (
        "random_scale_crop_and_pad_to_square { output_size: 8192 }",
        ".random_scale_crop_and_pad_to_square",
        "output_size is 8192 and scale_max 2: images would be scaled to 16,384 pixels.",
    ),
    ("", "", "the block is empty."),
    (
        "random_pad_image { pad_color: [1, 2] }",
        ".random_pad_image.pad_color",
        "2 numbers given.",
    ),
]


@pytest.mark.parametrize(("text", "field", "found"), AUGMENTATIONS)
def test_blocks_of_augmentations_that_cannot_be_used_are_found(text, field, found):
    config = tiny_config()
    config.train_config.data_augmentation_options.append(
        text_format.Parse(text, schema.PreprocessingStep())
    )
    (problem,) = conflicts(config)
    assert problem.field == f"train_config.data_augmentation_options[2]{field}"
    assert problem.found == found


SCHEDULES = [
    (
        "manual_step_learning_rate { schedule { step: 20 } schedule { step: 10 } }",
        "manual_step_learning_rate.schedule",
        "the steps are 20, 10.",
    ),
    (
        "manual_step_learning_rate { warmup: true schedule { step: 0 } }",
        "manual_step_learning_rate.schedule",
        "the steps are 0.",
    ),
    (
        "cosine_decay_learning_rate { learning_rate_base: 0.01 warmup_learning_rate: 0.1 }",
        "cosine_decay_learning_rate.warmup_learning_rate",
        "warmup_learning_rate is 0.1 and learning_rate_base is 0.01.",
    ),
]


@pytest.mark.parametrize(("text", "field", "found"), SCHEDULES)
def test_schedules_that_contradict_themselves_are_found_without_building_them(text, field, found):
    config = tiny_config()
    momentum = config.train_config.optimizer.momentum_optimizer
    momentum.learning_rate.CopyFrom(text_format.Parse(text, schema.LearningRate()))
    (problem,) = conflicts(config)
    place = "train_config.optimizer.momentum_optimizer.learning_rate"
    assert (problem.severity, problem.field) == ("error", f"{place}.{field}")
    assert problem.found == found
    assert all((problem.allowed, problem.next_step))


def two_stage_with(kind: str, text: str) -> schema.TrainEvalPipelineConfig:
    faster = tiny_two_stage("faster_rcnn_resnet50_keras").faster_rcnn
    shared = schema.FastRcnn.DESCRIPTOR.fields_by_name
    given = {field.name: value for field, value in faster.ListFields() if field.name in shared}
    config = schema.TrainEvalPipelineConfig()
    block = getattr(config.model, kind)
    block.CopyFrom(faster if kind == "faster_rcnn" else schema.FastRcnn(**given))
    text_format.Merge(text, block)
    return config


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("text", "field", "found"),
    [
        (
            "batch_non_max_suppression { iou_threshold: 2 }",
            "batch_non_max_suppression.iou_threshold",
            "it is 2.",
        ),
        (
            "batch_non_max_suppression { use_combined_nms: true use_class_agnostic_nms: true }",
            "batch_non_max_suppression",
            "use_class_agnostic_nms and use_combined_nms are set together.",
        ),
        (
            "calibration_config { temperature_scaling_calibration { scaler: 0 } }",
            "calibration_config.temperature_scaling_calibration.scaler",
            "it is 0.",
        ),
        (
            f"calibration_config {{ function_approximation {{ {POINTS} }} }} }}",
            "calibration_config",
            "1 points with x = 0.1.",
        ),
    ],
)
def test_post_processing_of_two_stages_is_checked_at_its_own_place(
    tmp_path, kind, text, field, found
):
    config = two_stage_with(kind, f"{SECOND} {{ {text} }}")
    place = f"model.{kind}.{SECOND}.{field}"
    write_config(config, tmp_path / "pipeline.config")
    (problem,) = (p for p in check_config(tmp_path / "pipeline.config") if p.field == place)
    assert (problem.severity, problem.found) == ("error", found)
    lines = (tmp_path / "pipeline.config").read_text().splitlines()
    assert field.split(".")[-1].split(":")[0] in lines[problem.line - 1]
    with pytest.raises(ConfigError) as caught:
        build_detector(config.model)
    assert three_parts(caught.value)[0] == f"{place}: {found}"


TWO_STAGE_PARTS = [
    (
        "faster_rcnn_resnet50_keras",
        "feature_extractor { fpn { } }",
        "feature_extractor.fpn",
        "faster_rcnn_resnet50_keras does not take it.",
    ),
    (
        "faster_rcnn_resnet50_fpn_keras",
        "feature_extractor { fpn { max_level: 5 } }",
        "first_stage_anchor_generator.multiscale_anchor_generator",
        "the anchors are for 5 feature maps, and there are 4.",
    ),
    (
        "faster_rcnn_resnet50_fpn_keras",
        "feature_extractor { fpn { min_level: 3 max_level: 7 } }",
        "first_stage_anchor_generator.multiscale_anchor_generator",
        "the anchors are for levels 2 to 6, the feature maps have levels 3 to 7.",
    ),
    (
        "faster_rcnn_resnet50_keras",
        "second_stage_classification_loss { weighted_dice_classification_loss { } }",
        "second_stage_classification_loss.weighted_dice_classification_loss",
        "weighted_dice_classification_loss does not go with this architecture.",
    ),
]


@pytest.mark.parametrize(("extractor", "text", "field", "found"), TWO_STAGE_PARTS)
def test_parts_of_two_stages_that_cannot_be_built_are_found_without_building(
    extractor, text, field, found
):
    model = tiny_two_stage(extractor, text)
    (problem,) = architecture_of(model).conflicts()
    assert (problem.field, problem.found) == (f"model.faster_rcnn.{field}", found)
    with pytest.raises(ConfigError) as caught:
        build_detector(model)
    assert three_parts(caught.value)[0] == f"model.faster_rcnn.{field}: {found}"


def test_a_first_stage_alone_has_no_post_processing_to_check():
    text = f"number_of_stages: 1 {SECOND} {{ batch_non_max_suppression {{ iou_threshold: 2 }} }}"
    config = two_stage_with("faster_rcnn", text)
    assert list(architecture_of(config.model).conflicts()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_masks_of_a_pyramid_are_warned_of_at_their_own_place(kind):
    text = """number_of_stages: 3 feature_extractor { type: "faster_rcnn_resnet50_fpn_keras" }"""
    problems = check_message(two_stage_with(kind, text), check_files=False)
    (problem,) = (p for p in problems if "one cell of each region" in p.found)
    assert problem.field == f"model.{kind}.feature_extractor.type"


def test_a_stage_that_nobody_registered_is_found_by_config_check():
    config = schema.TrainEvalPipelineConfig()
    config.train_config.batch_size = 1
    config.train_config.stage.extend(["gradient_descent", "gradient_decent"])
    (problem,) = conflicts(config)
    assert (problem.severity, problem.field) == ("error", "train_config.stage[1]")
    assert 'Did you mean "gradient_descent"?' in problem.text


@pytest.mark.parametrize("level", [2**31 - 1, -(2**31), 1100])
def test_a_level_that_no_pyramid_has_is_refused_at_its_place(level):
    config = config_with("feature_extractor { fpn { } }")
    config.model.ssd.feature_extractor.fpn.min_level = level
    found = check_message(config, check_files=False)
    assert "model.ssd.feature_extractor.fpn.min_level" in {problem.field for problem in found}
    two_stages = tiny_two_stage("faster_rcnn_resnet50_fpn_keras")
    two_stages.faster_rcnn.feature_extractor.fpn.min_level = level
    config.model.CopyFrom(two_stages)
    found = check_message(config, check_files=False)
    assert "model.faster_rcnn.feature_extractor.fpn.min_level" in {p.field for p in found}
