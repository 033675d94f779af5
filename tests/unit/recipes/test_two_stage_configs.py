"""`config new` for two-stage detectors: the zoo's numbers, and a plan for data and machine."""

import csv
from pathlib import Path

import pytest
from google.protobuf import text_format
from shared import shared_folder

from detectune.config import schema
from detectune.config.check import check_message
from detectune.config.load import load_config
from detectune.recipes.base import recipe_of
from detectune.recipes.machine import Machine, free_memory_gb, parse_gpus, this_machine
from detectune.recipes.memory import Footprint
from detectune.recipes.new_config import (
    archive_to_download,
    default_checkpoint,
    new_config,
    norm_reason,
)
from detectune.recipes.templates import models, template
from detectune.recipes.training_plan import Shipped, plan_training

RESNET50 = "faster_rcnn_resnet50_v1_640x640_coco17_tpu-8"
PYRAMID = "faster_rcnn_resnet50_v1_fpn_640x640_coco17_tpu-8"
MASKS = "mask_rcnn_inception_resnet_v2_1024x1024_coco17_gpu-8"
TWO_STAGE = [name for name in models() if "rcnn" in name]
IGNORED = ("use_static_shapes", "use_static_balanced_label_sampler", "use_matmul_gather_in_matcher")
SMALL = Machine(memory_gb=7.5, cores=2)


@pytest.mark.parametrize(
    ("folder", "model"),
    [
        ("golden", RESNET50),
        ("golden", "faster_rcnn_resnet101_v1_640x640_coco17_tpu-8"),
        ("golden", "faster_rcnn_resnet50_v1_800x1333_coco17_gpu-8"),
        ("golden", PYRAMID),
        ("golden", MASKS),
        ("extra_configs", "faster_rcnn_inception_resnet_v2_640x640_coco17_tpu-8"),
        ("extra_configs", "faster_rcnn_inception_resnet_v2_1024x1024_coco17_tpu-8"),
    ],
)
def test_a_template_has_the_numbers_of_the_recorded_config(folder, model):
    recorded = load_config(shared_folder() / "oracle" / folder / f"{model}.config")
    ours, theirs = template(model), recorded.model.faster_rcnn
    for field in (*IGNORED, "resize_masks"):
        theirs.ClearField(field)
    if model == PYRAMID:
        anchors = theirs.first_stage_anchor_generator.multiscale_anchor_generator
        anchors.ClearField("normalize_coordinates")
    assert ours.model == recorded.model
    train = recorded.train_config
    assert ours.train_config.optimizer == train.optimizer
    assert ours.train_config.num_steps == train.num_steps
    assert list(ours.train_config.data_augmentation_options) == list(
        train.data_augmentation_options
    )
    schedule = train.optimizer.momentum_optimizer.learning_rate.cosine_decay_learning_rate
    assert shipped(model) == Shipped(
        train.batch_size,
        pytest.approx(schedule.learning_rate_base),
        train.gradient_clipping_by_norm,
    )


def shipped(model: str) -> Shipped | None:
    config = template(model)
    return recipe_of(config.model).shipped(config.train_config)


def footprint(model: schema.DetectionModel) -> Footprint | None:
    return recipe_of(model).footprint


def _new(model: str, images: int = 160, **options) -> schema.TrainEvalPipelineConfig:
    places = {"train": "voc:a", "evaluation": "b.record", "label_map_path": "c.pbtxt"}
    plan = plan_training(images, shipped=shipped(model), **options)
    return new_config(model, num_classes=3, plan=plan, **places)


@pytest.mark.parametrize("model", TWO_STAGE)
def test_a_new_config_has_no_problems_but_missing_files(model):
    for images in (1, 160, 118_000):
        options = {"footprint": footprint(template(model).model), "machine": SMALL}
        config = _new(model, images, **options)
        assert check_message(config, check_files=False) == []
        assert config.model.faster_rcnn.num_classes == 3


def test_the_learning_rate_follows_the_batch_of_the_zoo():
    rates = {
        batch: _new(RESNET50, batch_size=batch).train_config.optimizer.momentum_optimizer
        for batch in (1, 8, 64, 128)
    }
    schedules = {b: m.learning_rate.cosine_decay_learning_rate for b, m in rates.items()}
    found = {batch: schedule.learning_rate_base for batch, schedule in schedules.items()}
    assert found == pytest.approx({1: 0.000625, 8: 0.005, 64: 0.04, 128: 0.04})
    assert schedules[8].warmup_learning_rate == pytest.approx(0.00125)


def test_masks_are_read_and_measured_by_a_mask_rcnn_only():
    masks, boxes = _new(MASKS), _new(RESNET50)
    assert masks.train_input_reader.load_instance_masks
    assert masks.eval_input_reader[0].load_instance_masks
    assert list(masks.eval_config.metrics_set) == ["coco_detection_metrics", "coco_mask_metrics"]
    assert not boxes.train_input_reader.load_instance_masks
    assert masks.train_config.gradient_clipping_by_norm == 10.0
    assert not boxes.train_config.HasField("gradient_clipping_by_norm")


def test_a_few_images_at_once_keep_the_statistics_of_the_zoo():
    few, many = _new(RESNET50, batch_size=8), _new(RESNET50, batch_size=64)
    assert not few.model.faster_rcnn.feature_extractor.batch_norm_trainable
    assert "8 images at a time" in norm_reason(few)
    assert many.model.faster_rcnn.feature_extractor.batch_norm_trainable
    assert norm_reason(many) == ""


def test_a_model_without_an_archive_begins_with_a_classifier():
    config = _new(PYRAMID)
    assert config.train_config.fine_tune_checkpoint == "pre-trained/resnet50_v1"
    assert config.train_config.fine_tune_checkpoint_type == "classification"
    assert archive_to_download(PYRAMID) == "resnet50_v1"
    # The layers of the pyramid have no statistics yet, so they learn them, and quickly.
    extractor = config.model.faster_rcnn.feature_extractor
    assert extractor.batch_norm_trainable
    assert extractor.conv_hyperparams.batch_norm.decay == pytest.approx(0.97)
    assert default_checkpoint(RESNET50) == f"pre-trained/{RESNET50}/checkpoint/ckpt-0"


@pytest.mark.parametrize(
    ("memory", "parts", "said"),
    [
        (16.0, 1, "Memory: about 9.0 GB for 8 images; 2 processor cores with 16.0 GB free."),
        (
            7.5,
            2,
            "gradient_accumulation_steps 2: 8 images would take about 9.0 GB, 4 at a time take "
            "5.0; 2 processor cores with 7.5 GB free.",
        ),
        (3.0, 8, "8 images would take about 9.0 GB, 1 at a time take 2.0"),
        (2.0, 8, "one image takes about 2.0 GB, and there is 2 processor cores with 2.0 GB free"),
    ],
)
def test_a_batch_that_does_not_fit_is_computed_in_parts(memory, parts, said):
    plan = plan_training(
        160, footprint=Footprint(1.0, 1.0), machine=Machine(memory_gb=memory, cores=2)
    )
    assert (plan.batch_size, plan.accumulation, plan.images_at_once) == (8, parts, 8 // parts)
    assert said in plan.reasons[1]
    assert plan.learning_rate == plan_training(160).learning_rate


def test_where_the_memory_is_not_known_nothing_is_said_of_it():
    unknown = Machine(memory_gb=None, cores=4)
    plan = plan_training(160, footprint=Footprint(1.0, 1.0), machine=unknown)
    assert (plan.accumulation, plan.reasons) == (1, plan_training(160).reasons)


def test_a_footprint_grows_with_the_input_and_with_masks():
    small, large = (
        footprint(template(RESNET50.replace("640", size)).model) for size in ("640", "1024")
    )
    assert small.fixed_gb == large.fixed_gb
    assert 2.0 * small.per_image_gb < large.per_image_gb < 2.56 * small.per_image_gb
    boxes = footprint(template(MASKS.replace("mask", "faster").replace("gpu", "tpu")).model)
    assert footprint(template(MASKS).model).per_image_gb > boxes.per_image_gb


def test_a_plan_counts_with_what_was_measured():
    file = Path(__file__).resolve().parents[3] / "benchmarks/results/memory-2cores-tf-fp32.csv"
    rows = list(csv.DictReader(file.read_text("utf-8").splitlines()))
    assert len(rows) == 20
    for row in rows:
        found = footprint(template(row["model"]).model).gb(int(row["batch"]))
        assert found == pytest.approx(float(row["peak_gb"]), rel=0.1), row


@pytest.mark.parametrize("model", [name for name in TWO_STAGE if "_fpn_" not in name])
def test_the_memory_of_two_stage_models_is_known(model):
    found = footprint(template(model).model)
    assert 1.0 < found.fixed_gb < 4.0
    assert 0.5 < found.per_image_gb < 20.0


def test_images_of_any_size_have_no_known_footprint():
    text = """faster_rcnn { image_resizer { identity_resizer { } }
      feature_extractor { type: "faster_rcnn_resnet50_keras" } }"""
    assert footprint(text_format.Parse(text, schema.DetectionModel())) is None


def test_gpus_are_read_from_the_table_of_their_driver():
    table = "NVIDIA GeForce RTX 3060, 12288\nTesla T4, 15360\nNo devices, [N/A]\n"
    assert parse_gpus(table) == [("NVIDIA GeForce RTX 3060", 12.0), ("Tesla T4", 15.0)]
    assert Machine(12.0, 8, "Tesla T4").describe() == "Tesla T4 with 12.0 GB"


def test_this_machine_is_described(tmp_path, monkeypatch):
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:   2097152 kB\n")
    assert free_memory_gb(tmp_path / "meminfo") == 2.0
    assert free_memory_gb(tmp_path / "none") is None
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    found = this_machine()
    assert found.cores >= 1
    assert found.gpu == ""


def test_masks_of_padded_images_are_warned_of():
    """The original cuts them out beside the boxes, and so do we unless told otherwise."""
    config = template(MASKS)
    assert not any("beside the boxes" in problem.found for problem in check_message(config))
    resizer = config.model.faster_rcnn.image_resizer.keep_aspect_ratio_resizer
    resizer.min_dimension = resizer.max_dimension = 640
    resizer.pad_to_max_dimension = True
    (found,) = [one for one in check_message(config) if "beside the boxes" in one.found]
    assert found.severity == "warning"
    config.model.faster_rcnn.crop_relative_to_input = True
    assert not any("beside the boxes" in problem.found for problem in check_message(config))


def test_masks_of_a_pyramid_are_warned_of():
    config = template(PYRAMID)
    assert not any("one cell" in problem.found for problem in check_message(config))
    config.model.faster_rcnn.number_of_stages = 3
    (found,) = [one for one in check_message(config) if "one cell" in one.found]
    assert found.severity == "warning"
