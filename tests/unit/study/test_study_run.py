"""A study trains what is not done yet, writes down what came of it, and never mixes two studies."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from three_parts import three_parts

from detectune.errors import CheckpointError, ConfigError, DataError, TrainingError
from detectune.folder_lock import folder_in_use, locked
from detectune.study.options import read_options
from detectune.study.outcomes import read_outcome
from detectune.study.run import run_study

S = Path("S")


def run(config, trainings, *, images="2,all", seeds="2", starts="scratch,detection",
        freezing="none", dry_run=False, **more):  # fmt: skip
    options = read_options(images, seeds, starts, freezing, **more)
    return run_study(
        config, options, S, config_file="red.config", runner=trainings, dry_run=dry_run
    )


def table() -> list[dict[str, str]]:
    with open(S / "study.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_every_training_becomes_a_line_with_what_came_of_it(config, trainings):
    report = run(config, trainings)
    assert report.failures == []
    rows = table()
    assert len(rows) == 8
    assert [row["state"] for row in rows] == ["done"] * 8
    assert rows[0] == {
        "images": "2", "seed": "0", "start": "scratch", "freeze": "none", "mAP": "0.2000",
        "mAP@.5": "0.3000", "steps": "600", "seconds": "30.0", "state": "done", "reason": "",
    }  # fmt: skip
    assert {(row["images"], row["mAP"]) for row in rows if row["seed"] == "1"} == {
        ("2", "0.2100"),
        ("6", "0.6100"),
    }


def test_lists_are_nested_and_hold_every_class_and_all_images_need_none(config, trainings):
    run(config, trainings, images="2,4,all", seeds="3,9")
    for seed in (3, 9):
        few, more = (set((S / f"images/seed{seed}-{n}.txt").read_text().split()) for n in (2, 4))
        assert (len(few), len(more)) == (2, 4)
        assert few < more
        assert "3.png" in few  # the only one that shows blue
    whole = trainings.configs["6-images-seed3-scratch-none"]
    assert whole.train_input_reader.image_list_path == ""
    some = trainings.configs["2-images-seed9-detection-none"]
    assert some.train_input_reader.image_list_path == "S/images/seed9-2.txt"
    assert some.train_config.seed == 9


def test_what_is_done_is_not_repeated(config, trainings, capfd):
    run(config, trainings)
    count = len(trainings.names)
    run(config, trainings)
    assert len(trainings.names) == count
    said = capfd.readouterr().err
    assert "8 of them are done already and are not repeated" in said
    assert "nothing is left to do" in said


def test_stopped_by_the_keyboard_it_goes_on_where_it_was(config, trainings):
    trainings.killed = "2-images-seed1-detection"
    with pytest.raises(KeyboardInterrupt):
        run(config, trainings)
    assert not (S / "study.lock").exists()
    assert [row["state"] for row in table()].count("done") == 3
    before = list(trainings.names)
    trainings.killed = "never"
    run(config, trainings)
    assert trainings.names[len(before) :][0] == before[-1]
    assert len(trainings.names) == 9
    assert {row["state"] for row in table()} == {"done"}


def test_a_failure_is_written_down_and_does_not_stop_the_others(config, trainings, capfd):
    trainings.failing, trainings.silent = "2-images-seed0-scratch", "6-images-seed1-detection"
    report = run(config, trainings)
    assert [row.cell.name for row in report.failures] == [
        "2-images-seed0-scratch-none",
        "6-images-seed1-detection-none",
    ]
    lines = {(row["images"], row["seed"], row["start"]): row for row in table()}
    first = lines["2", "0", "scratch"]
    assert (first["state"], first["reason"], first["mAP"]) == (
        "failed",
        "the loss is not finite",
        "",
    )
    assert lines["6", "1", "detection"]["reason"] == "its process was ended by SIGKILL"
    page = (S / "study.html").read_text()
    assert "2 images, seed 0, scratch</b>: the loss is not finite" in page
    trainings.failing = trainings.silent = "never"
    capfd.readouterr()
    assert run(config, trainings).failures == []
    assert "2 failed before and are tried again" in capfd.readouterr().err


def test_the_time_is_measured_by_the_first_training(config, trainings, capfd, monkeypatch):
    run(config, trainings, images="2", starts="scratch", seeds="2")
    said = capfd.readouterr().err
    assert "2 trainings to go; how long they take is known after the first" in said
    assert "training 1 of 2: 2 images, seed 0, scratch" in said
    assert "1 training to go, about" in said


def test_more_seeds_and_numbers_extend_a_study(config, trainings, capfd):
    run(config, trainings, images="2", seeds="1")
    run(config, trainings, images="2,4", seeds="2")
    assert len(trainings.names) == len(set(trainings.names)) == 8
    capfd.readouterr()
    run(config, trainings, images="4", seeds="1")
    assert "6 trainings of before stay in the results" in capfd.readouterr().err
    assert len(table()) == 8


def test_a_killed_study_leaves_nothing_that_the_next_one_stumbles_over(config, trainings):
    run(config, trainings)
    (S / ".study.csv.abcd1234").write_text("half")
    (S / "trial" / "run").mkdir(parents=True)
    (S / "outcomes" / "2-images-seed0-scratch-none.json").write_text('{"state": "do')
    run(config, trainings)
    assert trainings.names[8:] == ["2-images-seed0-scratch-none"]
    assert not (S / ".study.csv.abcd1234").exists()
    assert not (S / "trial").exists()


def refused(kind, config, trainings, **more) -> list[str]:
    before = list(trainings.names)
    with pytest.raises(kind) as caught:
        run(config, trainings, **more)
    assert trainings.names == before
    return three_parts(caught.value)


def test_another_config_is_refused_with_what_has_changed(config, trainings):
    run(config, trainings)
    plan = (S / "study.json").read_bytes()
    config.train_config.batch_size = 3
    found, _, next_step = refused(ConfigError, config, trainings)
    assert found == ("S: the study here has another config: - batch_size: 8, + batch_size: 3.")
    assert "-o" in next_step
    assert (S / "study.json").read_bytes() == plan


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"steps": 5}, "trainings of the steps of the config, and 5 steps (--steps) are asked for"),
        ({"minutes": 2.0}, "the steps of the config, and 2 min each (--minutes) are asked for"),
        ({"detection": "other/ckpt-0"}, "the detection checkpoint zoo/ckpt-0, and now it is other"),
    ],
)
def test_trainings_that_cannot_be_compared_are_refused(config, trainings, more, found):
    run(config, trainings)
    Path("other").mkdir()
    Path("other/ckpt-0.index").write_bytes(b"x")
    assert found in refused(ConfigError, config, trainings, **more)[0]


def test_other_data_are_refused(config, trainings):
    run(config, trainings)
    labels = Path("train/labels.csv")
    text = labels.read_text()
    labels.write_text(text.replace("0.png,20,16,red", "0.png,20,16,blue"))
    assert "other names or classes" in refused(ConfigError, config, trainings)[0]
    labels.write_text("".join(line for line in text.splitlines(True) if "0.png" not in line))
    assert "6 training images, and now there are 5" in refused(ConfigError, config, trainings)[0]


def test_a_folder_with_something_else_is_refused_before_data_are_read(config, trainings):
    S.mkdir()
    (S / "pipeline.config").write_text("")
    found, _, _ = refused(ConfigError, config, trainings)
    assert found == "-o S: there is no study in it, but pipeline.config."
    (S / "pipeline.config").unlink()
    S.rmdir()
    S.write_text("")
    assert refused(ConfigError, config, trainings)[0] == "-o S: it is a file."


@pytest.mark.parametrize(
    "damage",
    [
        "{",
        "[]",
        '{"format": 2}',
        '{"format": 1, "cells": [[1]]}',
        "\xff",
    ],
)
def test_a_damaged_plan_is_said(config, trainings, damage):
    run(config, trainings)
    (S / "study.json").write_text(damage, "latin-1")
    found, _, next_step = refused(ConfigError, config, trainings)
    assert found.startswith("S/study.json: it cannot be read")
    assert "-o" in next_step


def test_a_plan_with_wrong_kinds_is_said(config, trainings):
    run(config, trainings)
    plan = json.loads((S / "study.json").read_text())
    for name, value in (("cells", [["2", 0, "scratch", "none"]]), ("checkpoints", 3)):
        (S / "study.json").write_text(json.dumps({**plan, name: value}))
        assert "cannot be read" in refused(ConfigError, config, trainings)[0]


def test_a_second_study_in_the_folder_is_refused_while_one_runs(config, trainings):
    S.mkdir()
    file = S / "study.lock"
    with locked(file, folder_in_use(S, "a study", file)):
        found, _, _ = refused(ConfigError, config, trainings)
    assert found.startswith("S: a study is under way here: process ")


def test_while_it_trains_the_folder_is_locked(config, trainings):
    seen = []
    trainings.on_call = lambda: seen.append((S / "study.lock").exists())
    run(config, trainings, images="2", seeds="1")
    assert seen == [True, True]
    assert not (S / "study.lock").exists()


def test_more_images_than_there_are_is_refused_and_nothing_is_left(config, trainings):
    found, allowed, _ = refused(ConfigError, config, trainings, images="2,7")
    assert found == "--images: 7 of csv:train/labels.csv, which has 6 images to train on."
    assert allowed == "Allowed: 1 to 6, and all."
    assert not S.exists()


def test_images_that_cannot_be_read_are_not_chosen_or_counted(config, trainings):
    Path("train/1.png").write_bytes(b"no picture")
    assert "has 5 images" in refused(ConfigError, config, trainings, images="6")[0]
    run(config, trainings, images="4", seeds="3", starts="scratch")
    names = "".join((S / f"images/seed{seed}-4.txt").read_text() for seed in range(3))
    assert "1.png\n" not in names


def test_data_on_which_nothing_can_be_measured_are_refused(config, trainings):
    labels = Path("test/labels.csv")
    text = labels.read_text()
    labels.write_text(f"{text.splitlines()[0]}\n0.png,20,16,,,,,\n1.png,20,16,,,,,\n")
    found, _, next_step = refused(DataError, config, trainings)
    assert found == "csv:test/labels.csv: in 2 images for evaluation there is no box."
    assert "eval_input_reader" in next_step
    del config.eval_input_reader[:]
    assert refused(ConfigError, config, trainings)[0] == "eval_input_reader: there is none."


def test_a_list_that_somebody_has_changed_is_not_overwritten(config, trainings):
    run(config, trainings)
    file = S / "images/seed0-2.txt"
    text = file.read_text()
    for other in ("0.png\n1.png\n", ""):
        file.write_text(other)
        found, _, next_step = refused(ConfigError, config, trainings)
        assert found == "S/images/seed0-2.txt: it names other images than the study chooses."
        assert "Put the file back" in next_step
        assert file.read_text() == other
    file.unlink()
    run(config, trainings)
    assert file.read_text() == text


def test_missing_weights_are_refused(config, trainings):
    Path("zoo/ckpt-0.index").unlink()
    found, _, _ = refused(CheckpointError, config, trainings)
    assert found == "--start detection: there is no checkpoint zoo/ckpt-0."
    run(config, trainings, images="2", starts="scratch")
    assert len(trainings.names) == 2


def test_a_dry_run_says_everything_and_writes_nothing(config, trainings, capfd):
    before = sorted(Path().rglob("*"))
    run(config, trainings, dry_run=True, freezing="none,backbone", images="2", seeds="1")
    said = capfd.readouterr().err
    assert "3 trainings: 600 steps each" in said
    assert "2 images, seed 0, detection, backbone frozen: to do" in said
    assert "left out: scratch, backbone frozen: what is frozen would stay random" in said
    assert sorted(Path().rglob("*")) == before
    assert trainings.names == []


def test_minutes_become_steps_by_a_trial_for_each_kind_of_freezing(config, trainings):
    config.train_config.evaluate_every_steps = 20
    run(config, trainings, images="2", seeds="1", freezing="none,backbone", minutes=3.0)
    assert trainings.names[:2] == ["trial", "trial"]
    trial = trainings.configs["trial"].train_config
    assert (trial.num_steps, trial.evaluate_every_steps) == (20, 10)
    plan = json.loads((S / "study.json").read_text())
    # 30 s: 10 for 20 steps, 4 for 2 evaluations, 16 for the start; 164 left, 0.6 s a step.
    assert plan["steps_within"] == {"none": 273, "backbone": 273}
    assert trainings.configs["2-images-seed0-detection-none"].train_config.num_steps == 273
    assert not (S / "trial").exists()
    run(config, trainings, images="2,4", seeds="1", freezing="none,backbone", minutes=3.0)
    assert trainings.names.count("trial") == 2


def test_a_trial_that_fails_says_why(config, trainings):
    trainings.failing = "trial"
    with pytest.raises(TrainingError) as caught:
        run(config, trainings, minutes=3.0)
    found, _, next_step = three_parts(caught.value)
    assert found.endswith("failed: the loss is not finite.")
    assert "--steps N" in next_step


def test_steps_scale_the_schedule_of_every_training(config, trainings):
    run(config, trainings, images="2", seeds="1", starts="scratch", steps=60)
    train = trainings.configs["2-images-seed0-scratch-none"].train_config
    rate = train.optimizer.momentum_optimizer.learning_rate.cosine_decay_learning_rate
    assert (train.num_steps, rate.total_steps, rate.warmup_steps) == (60, 60, 10)


def test_an_outcome_that_is_damaged_is_none(tmp_path):
    file = tmp_path / "one.json"
    whole = {
        "state": "done", "mean_ap": 0.5, "half": 0.6, "steps": 3, "seconds": 1.0,
        "step_seconds": 0.0, "evaluation_seconds": 0.0, "reason": "",
    }  # fmt: skip
    file.write_text(json.dumps(whole))
    assert read_outcome(file) is not None
    for name, value in (
        ("mean_ap", None),
        ("mean_ap", float("nan")),
        ("state", "x"),
        ("steps", "3"),
    ):
        file.write_text(json.dumps({**whole, name: value}))
        assert read_outcome(file) is None, (name, value)
    del whole["half"]
    file.write_text(json.dumps(whole))
    assert read_outcome(file) is None
    assert read_outcome(tmp_path / "none.json") is None
