"""What is advised for which data, by the rules alone: nothing is trained or built."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import pytest
from advice_data import PROCESSOR, boxed_images
from features_data import class_folders
from three_parts import three_parts

from detectune.advice import costs, rules
from detectune.advice.advise import advise
from detectune.advice.known_classes import in_coco, like_imagenet
from detectune.advice.pictures import laplacian_variance
from detectune.advice.situation import Situation, can_build_rcnn
from detectune.advice.speed import REFERENCE_GFLOPS, Speed, probe
from detectune.data.sources.recognise import open_source
from detectune.errors import ConfigError, DataError
from detectune.recipes.machine import Machine
from detectune.registry import architectures

ROOT = Path(__file__).resolve().parents[3]
RESULTS = ROOT / "benchmarks" / "results"
SMALL = "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8"


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    return boxed_images(tmp_path_factory.mktemp("many") / "data", 120)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    return boxed_images(tmp_path_factory.mktemp("few") / "data", 12, per_image=3)


def advice(folder, **wishes):
    return advise(str(folder), **{"speed": PROCESSOR, **wishes})


def point(found, what):
    return next(one for one in found.points if one.what == what)


def situation(folder, **changes):
    from detectune.advice.data_facts import data_facts
    from detectune.data.box_shapes import box_sides

    source = open_source(str(folder))
    found = Situation(data_facts(source, list(box_sides(source))), PROCESSOR)
    data = {name: value for name, value in changes.items() if hasattr(found.data, name)}
    rest = {name: value for name, value in changes.items() if name not in data}
    return replace(found, data=replace(found.data, **data), **rest)


def test_many_images_train_everything(many):
    found = advice(many)
    assert (found.method, found.settings.freeze) == ("fine-tune all", ())
    assert point(found, "method").reason.startswith("120 images: of 160 raccoons")


def test_few_images_keep_the_backbone(few):
    found = advice(few)
    assert (found.method, found.settings.freeze) == ("fine-tune heads", ("backbone",))
    assert point(found, "method").reason.startswith("12 images, fewer than 100")
    assert point(found, "freezing").choice == "backbone"


def test_folders_by_class_get_features_and_a_classifier(tmp_path):
    found = advice(class_folders(tmp_path / "flowers"))
    assert (found.method, found.settings) == ("features + SVM", None)
    assert found.commands[1].endswith(f"{tmp_path}/flowers --network MobileNetV2 -o features.npz")
    assert point(found, "method").reason.startswith("6 images have the class of their folder")


def test_divided_folders_by_class_are_measured_on_the_part_that_was_kept(tmp_path):
    for part in ("train", "val"):
        class_folders(tmp_path / "flowers" / part)
    found = advice(tmp_path / "flowers")
    assert found.facts["data"]["images"] == 6
    assert f"extract '{tmp_path}/flowers#train' --network" in found.commands[1]
    assert f"extract '{tmp_path}/flowers#val' --network" in found.commands[3]
    assert found.commands[4] == "detectune features evaluate classifier kept.npz"


def test_one_folder_by_class_has_nothing_to_tell_apart(tmp_path):
    folder = class_folders(tmp_path / "flowers", classes=("blue",))
    with pytest.raises(DataError) as error:
        advice(f"folders:{folder}")
    assert 'all 3 images are of one class, "blue".' in three_parts(error.value)[0]


def test_an_r_cnn_is_advised_only_where_it_can_be_built(tmp_path):
    given = situation(boxed_images(tmp_path / "data", 6))
    assert rules.decide(rules.METHODS, given).choice == "fine-tune heads"
    able = replace(given, has_rcnn=True)
    assert rules.decide(rules.METHODS, able).choice == "R-CNN"
    fast = replace(able, speed=Speed(Machine(16.0, 8, "NVIDIA T4"), 500.0))
    assert rules.decide(rules.METHODS, fast).choice == "fine-tune heads"
    assert can_build_rcnn() == ("rcnn" in architectures)


def test_classes_of_coco_keep_their_heads_and_anchors(tmp_path):
    found = advice(
        boxed_images(tmp_path / "data", 120, ("Cars", "motorbike", *map(str, ())), (3, 3))
    )
    assert found.method == "fine-tune all"  # 60 boxes of a class
    known = advice(boxed_images(tmp_path / "few", 40, ("car", "dog"), (3, 3)))
    assert known.method == "fine-tune heads"
    assert point(known, "method").reason.startswith("all 2 classes are COCO's")
    assert point(known, "anchors").choice == "the model's"
    assert known.settings.anchors == ""


def test_boxes_that_the_anchors_miss_get_others(tmp_path):
    found = advice(boxed_images(tmp_path / "data", 120, side=(10, 90)))
    assert point(found, "anchors").choice == "others, see below"
    assert "match 0% of the boxes" in point(found, "anchors").reason
    assert found.settings.anchor_field == "anchor_generator"
    assert found.settings.anchors.startswith("multiscale_anchor_generator {")


def test_minutes_limit_steps_and_the_method(many):
    whole, hour = advice(many, minutes=3), advice(many, minutes=60)
    assert whole.settings.model == SMALL
    # 180 s less 12.6 s for the first step, 0.4583 s a step.
    assert whole.settings.num_steps == 360
    assert point(whole, "minutes").choice == "about 3.0"
    assert whole.method == "fine-tune all"
    short = advice(many, minutes=1)
    assert short.method == "fine-tune heads"
    assert point(short, "method").reason.startswith("in 1 min there is time for 103 steps")
    # Better on COCO, and there is time for more than two thirds of the usual 2,400 steps.
    assert hour.settings.model == "efficientdet_d2_coco17_tpu-32"
    assert hour.settings.num_steps == 1820


def test_a_slower_machine_takes_longer(many):
    slow = Speed(Machine(8.0, 2), REFERENCE_GFLOPS / 2)
    fast, later = (advice(many, minutes=9, speed=speed) for speed in (PROCESSOR, slow))
    assert fast.settings.num_steps == 600
    assert later.settings.num_steps == 560  # 540 s less 25.2, 0.9166 s a step
    assert "multiplied by 2.00" in later.facts["machine"]["description"]


def test_no_time_is_told_of_an_accelerator(many):
    found = advice(many, speed=Speed(Machine(16.0, 8, "NVIDIA T4"), 500.0))
    assert point(found, "minutes").choice == "not known"
    assert found.settings.model == "efficientdet_d2_coco17_tpu-32"


def test_a_target_is_kept_or_refused(many):
    found = advice(many, target_ms=30)
    assert found.settings.model == SMALL
    with pytest.raises(ConfigError) as error:
        advice(many, target_ms=1)
    first, second, _ = three_parts(error.value)
    assert first == "--target-ms 1: no model of the zoo is that fast here."
    assert second.startswith("The fastest is ssd_mobilenet_v2_320x320_coco17_tpu-8, with about 20")


def test_small_objects_ask_for_a_larger_input(tmp_path):
    folder = boxed_images(tmp_path / "data", 120, side=(6, 5))  # 12 x 13 pixels at 320
    found = advice(folder, minutes=30)
    assert point(found, "resolution").choice != "320x320"
    assert "with a larger input" in point(found, "model").reason


def test_commands_ask_for_the_same_again_and_split_what_is_not_divided(many):
    found = advice(many, minutes=3, target_ms=50)
    assert found.commands[0] == f"detectune advise {many} --target-ms 50 --minutes 3 -o advice.json"
    assert found.commands[1] == f"detectune data split {many} divided --ratios 0.8,0.2"
    assert found.commands[3].startswith(
        "detectune config new --from-advice advice.json --train div"
    )


def test_a_divided_data_set_is_used_as_it_is_divided(tmp_path):
    for part, count in (("train", 12), ("val", 4)):
        boxed_images(tmp_path / "data" / part, count)
    found = advice(tmp_path / "data")
    assert found.facts["data"]["images"] == 12
    assert not any("data split" in command for command in found.commands)
    assert f"--train '{tmp_path}/data#train' --eval '{tmp_path}/data#val'" in found.commands[2]


def test_notes_say_what_is_odd_about_the_data(few):
    names = {"nut": 3, "bolt": 33, "ghost": 0}
    given = situation(
        few, damaged=2, refused=4, without_boxes=7, most_boxes=120, boxes_per_class=names
    )
    said = "\n".join(rules.notes(given))
    for part in (
        "2 images cannot be read whole",
        "4 annotations so wrong",
        "7 of 12 images have no boxes",
        "120 boxes in one image",
        '3 boxes of "nut"',
        "1 class of the label map without a single box",
    ):
        assert part in said


@pytest.mark.parametrize(
    "name", ["person", "Cars", "traffic_light", "wineGlass", "TVMonitor", "bus", "Buses"]
)
def test_names_of_coco_are_known(name):
    assert in_coco(name)


@pytest.mark.parametrize("name", ["raccoon", "RBC", "date", "carpet", "", "7"])
def test_other_names_are_not(name):
    assert not in_coco(name)


def test_the_last_word_tells_what_imagenet_has():
    assert like_imagenet("brown_bear")
    assert like_imagenet("figs")
    assert not like_imagenet("raccoon")
    assert not like_imagenet("")


def test_the_laplacian_of_a_ramp_is_0_and_of_a_checkerboard_high():
    import numpy as np

    y, x = np.mgrid[:8, :8].astype(float)
    assert laplacian_variance(3 * x + y) == pytest.approx(0.0)
    assert laplacian_variance(100.0 * ((x + y) % 2)) == pytest.approx(400.0**2)
    assert laplacian_variance(np.ones((2, 9))) == 0.0


def test_times_are_those_of_the_benchmarks():
    with open(RESULTS / "train_step-2cores-tf-fp32.csv", encoding="utf-8") as file:
        steps = [row for row in csv.DictReader(file) if row["what"] == "training"]
    with open(RESULTS / "inference-2cores-tf-fp32.csv", encoding="utf-8") as file:
        detections = {row["model"]: float(row["boxes_ms"]) for row in csv.DictReader(file)}
    measured = {row["model"]: float(row["median_s"]) / int(row["batch"]) for row in steps}
    assert {name: (measured[name], detections[name]) for name in measured} == costs.MEASURED
    with open(RESULTS / "frozen-2cores-tf-fp32.csv", encoding="utf-8") as file:
        frozen = next(row for row in csv.DictReader(file) if row["what"] == "frozen")
    assert float(frozen["to_full"]) == costs.FROZEN_STEP


def test_what_was_not_measured_says_so():
    small, larger = costs.cost_of(SMALL), costs.cost_of(SMALL.replace("320x320", "640x640"))
    assert small.origin == "measured"
    assert larger.origin == f"by multiply-adds from {SMALL}, which was measured"
    assert larger.train_seconds == pytest.approx(small.train_seconds * 3.938 / 0.985)
    assert (small.frozen_step, larger.frozen_step) == (0.261, 1.0)


def test_the_probe_finds_a_speed():
    assert 0.1 < probe() < 1e5


def test_every_rule_stands_in_the_decision():
    page = (ROOT / "docs" / "decisions" / "0032-advise.md").read_text("utf-8")
    named = set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE))
    tables = (rules.METHODS, rules.ALTERNATIVES, rules.NOTES)
    assert named == {rule.name for table in tables for rule in table}
