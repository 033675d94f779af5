from importlib.resources import files

import pytest
from config_samples import MODEL, good_config
from shared import shared_folder

from detectune.config.check import check_config, check_message
from detectune.config.load import load_config
from detectune.errors import ConfigError
from detectune.recipes.base import recipe_of
from detectune.recipes.new_config import (
    archive_to_download,
    default_checkpoint,
    new_config,
    new_config_text,
    norm_reason,
)
from detectune.recipes.templates import models, template
from detectune.recipes.training_plan import plan_training
from detectune.zoo.catalog import CATALOG

PLAIN = "ssd_mobilenet_v2_320x320_coco17_tpu-8"
MOBILENET_V1 = "ssd_mobilenet_v1_fpn_640x640_coco17_tpu-8"
RETINANET = "ssd_resnet50_v1_fpn_640x640_coco17_tpu-8"


@pytest.mark.parametrize(
    ("model", "config", "image_size"),
    [
        (PLAIN, PLAIN, None),
        (MODEL, MODEL, None),
        (MOBILENET_V1, MOBILENET_V1, None),
        (RETINANET, RETINANET, None),
        ("efficientdet_d0_coco17_tpu-32", "ssd_efficientdet_d0_512x512_coco17_tpu-8", None),
        ("efficientdet_d1_coco17_tpu-32", "ssd_efficientdet_d1_640x640_coco17_tpu-8", None),
        ("efficientdet_d4_coco17_tpu-32", "ssd_efficientdet_d4_1024x1024_coco17_tpu-32", 640),
        ("efficientdet_d6_coco17_tpu-32", "ssd_efficientdet_d6_1408x1408_coco17_tpu-32", 640),
    ],
)
def test_a_template_has_the_numbers_of_the_recorded_config(model, config, image_size):
    recorded = load_config(shared_folder() / "oracle" / "golden" / f"{config}.config")
    ours = template(model)
    if image_size is not None:  # recorded at a reduced size
        resizer = ours.model.ssd.image_resizer.keep_aspect_ratio_resizer
        resizer.min_dimension = resizer.max_dimension = image_size
    for ssd in (recorded.model.ssd, ours.model.ssd):  # fields that detectune ignores
        ssd.ClearField("inplace_batchnorm_update")
        ssd.matcher.argmax_matcher.ClearField("use_matmul_gather")
    assert ours.model == recorded.model
    train, theirs = ours.train_config, recorded.train_config
    assert list(train.data_augmentation_options) == list(theirs.data_augmentation_options)
    assert train.optimizer == theirs.optimizer
    assert (train.batch_size, train.num_steps) == (theirs.batch_size, theirs.num_steps)


@pytest.mark.parametrize("model", models())
def test_a_template_is_a_config_that_lacks_nothing_but_files(model):
    path = files("detectune.recipes") / "templates" / f"{model}.config"
    problems = [p for p in check_config(path) if "PATH_TO_BE_CONFIGURED" not in p.text]
    start = template(model).train_config.fine_tune_checkpoint
    assert [problem.field for problem in problems] == ["train_config.fine_tune_checkpoint"]
    assert start == default_checkpoint(model)
    assert archive_to_download(model) in CATALOG


def test_a_template_is_a_new_message_every_time():
    template(MODEL).model.ssd.num_classes = 3
    assert template(MODEL).model.ssd.num_classes == 90


def test_the_large_template_differs_from_the_small_one_in_its_size_only():
    small, large = template(MODEL), template(MODEL.replace("320", "640"))
    resizer = large.model.ssd.image_resizer.fixed_shape_resizer
    assert (resizer.height, resizer.width) == (640, 640)
    resizer.height = resizer.width = 320
    assert small.model == large.model
    for config in (small, large):
        config.train_config.ClearField("fine_tune_checkpoint")
    assert small.train_config == large.train_config


def test_a_new_config_for_the_raccoons_is_the_measured_one():
    """The config of the baseline run, which reached mAP 0.5, comes out by itself."""
    name = "raccoon_ssd_mobilenet_v2_fpnlite.config"
    measured = load_config(shared_folder() / "baselines" / name)
    ours = good_config(num_classes=1)
    schedule = "momentum_optimizer"
    assert ours.train_config.batch_size == measured.train_config.batch_size == 8
    assert ours.train_config.num_steps == measured.train_config.num_steps == 600
    assert getattr(ours.train_config.optimizer, schedule) == getattr(
        measured.train_config.optimizer, schedule
    )
    norms = [
        config.model.ssd.feature_extractor.conv_hyperparams.batch_norm
        for config in (ours, measured)
    ]
    assert norms[0] == norms[1]


@pytest.mark.parametrize("model", models())
@pytest.mark.parametrize("images", [1, 50, 160, 5000, 118_000])
def test_a_new_config_has_no_problems_but_missing_files(model, images):
    config = new_config(
        model,
        num_classes=3,
        plan=plan_training(images),
        train="voc:a",
        evaluation="b.record",
        label_map_path="c.pbtxt",
    )
    assert check_message(config, check_files=False) == []


def test_records_are_written_as_the_original_reads_them():
    config = good_config(train="tfrecord:a-?????-of-00002", evaluation="coco:b.json")
    assert list(config.train_input_reader.tf_record_input_reader.input_path) == ["a-?????-of-00002"]
    assert config.eval_input_reader[0].source == "coco:b.json"


def test_reasons_stand_above_the_config(tmp_path):
    config = good_config()
    text = new_config_text(config, ["because", "of this"])
    assert text.startswith("# because\n# of this\n\nmodel {")
    (tmp_path / "a.config").write_text(text)
    assert load_config(tmp_path / "a.config") == config


def test_a_long_training_keeps_the_batch_norm_of_the_zoo():
    plan = plan_training(118_000)
    config = new_config(MODEL, num_classes=90, plan=plan, train="a", evaluation="b")
    norm = config.model.ssd.feature_extractor.conv_hyperparams.batch_norm
    assert norm.decay == pytest.approx(0.997)
    assert norm_reason(config) == ""
    assert "0.97" in norm_reason(good_config())


def test_the_batch_norms_of_efficientdet_are_those_of_the_zoo_in_a_short_training_too():
    model = "efficientdet_d0_coco17_tpu-32"
    config = new_config(model, num_classes=2, plan=plan_training(50), train="a", evaluation="b")
    norms = [
        part.conv_hyperparams.batch_norm.decay
        for part in (
            config.model.ssd.feature_extractor,
            config.model.ssd.box_predictor.weight_shared_convolutional_box_predictor,
        )
    ]
    assert norms == pytest.approx([0.99, 0.99])
    assert norm_reason(config) == ""


def test_an_unknown_model_gets_a_suggestion():
    with pytest.raises(ConfigError) as caught:
        template("ssd_mobilenet_v2_fpnlite_320x320")
    assert f'Did you mean "{MODEL}"?' in str(caught.value)


@pytest.mark.parametrize(
    ("images", "batch", "steps", "rate", "warm_up"),
    [
        (1, 1, 4800, 0.005, 800),
        (50, 8, 600, 0.04, 100),
        (160, 8, 600, 0.04, 100),
        (1000, 8, 3800, 0.04, 633),
        (5000, 16, 5600, 0.08, 933),
        (118_000, 16, 50_000, 0.08, 1000),
    ],
)
def test_a_plan_grows_with_the_data_set(images, batch, steps, rate, warm_up):
    plan = plan_training(images)
    assert (plan.batch_size, plan.num_steps, plan.warmup_steps) == (batch, steps, warm_up)
    assert plan.learning_rate == pytest.approx(rate)
    assert plan.warmup_learning_rate == pytest.approx(rate / 4)


@pytest.mark.parametrize(
    ("model", "batch"),
    [
        (MODEL, 8),
        ("ssd_mobilenet_v2_fpnlite_640x640_coco17_tpu-8", 8),
        ("ssd_resnet50_v1_fpn_640x640_coco17_tpu-8", 4),
        ("ssd_resnet50_v1_fpn_1024x1024_coco17_tpu-8", 2),
        ("efficientdet_d0_coco17_tpu-32", 4),
        ("efficientdet_d7_coco17_tpu-32", 2),
    ],
)
def test_a_plan_fits_the_memory_that_a_model_takes(model, batch):
    plan = plan_training(160, largest_batch=recipe_of(template(model).model).largest_batch)
    assert plan.batch_size == batch
    assert plan.num_steps * plan.batch_size == 4800
    assert plan.learning_rate == pytest.approx(0.005 * batch)
    assert ("much memory" in plan.reasons[0]) == (batch < 8)
    assert plan_training(160, batch_size=12, largest_batch=2).batch_size == 12


def test_a_plan_follows_the_user():
    plan = plan_training(100, batch_size=2, num_steps=50)
    assert (plan.batch_size, plan.num_steps, plan.warmup_steps) == (2, 50, 8)
    assert plan.learning_rate == pytest.approx(0.01)
    assert plan.reasons[1] == "50 steps: as you said; each image is seen 1 time."
