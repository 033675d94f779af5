"""`config check --data`: what the images and annotations of a config would do to a training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tiny import tiny_config, write_squares

from detectune.cli.config import config as config_command
from detectune.config.check import check_config
from detectune.config.save import write_config
from detectune.training.data_problems import data_problems


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    """Eight pictures to learn from and eight to measure with: blue and red."""
    return write_squares(tmp_path / "train"), write_squares(tmp_path / "eval", seed=6)


def config_of(folders):
    config = tiny_config(folders[0])
    config.eval_input_reader[0].source = f"csv:{folders[1] / 'labels.csv'}"
    return config


def rewrite(folder: Path, change) -> None:
    labels = folder / "labels.csv"
    labels.write_text(change(labels.read_text()))


def test_sound_data_have_no_problems(folders):
    assert data_problems(config_of(folders)) == []


def test_pictures_that_are_trained_and_measured_on_are_counted(folders):
    for number in (1, 4):
        name = f"square{number}.png"
        (folders[1] / name).write_bytes((folders[0] / name).read_bytes())
    (problem,) = data_problems(config_of(folders))
    assert (problem.severity, problem.field) == ("warning", "eval_input_reader")
    assert problem.found == (
        "2 of 8 evaluation images are among the training images: square1.png, square4.png."
    )


def test_a_picture_that_is_cut_off_is_a_warning_at_its_reader(folders):
    picture = folders[1] / "square3.png"
    picture.write_bytes(picture.read_bytes()[:200])
    (problem,) = data_problems(config_of(folders))
    assert (problem.severity, problem.field) == ("warning", "eval_input_reader")
    assert problem.found.startswith("1 × truncated image: square3.png (")
    assert problem.allowed == (
        "What will happen: left out of training, evaluation and conversion; the first two refuse "
        "more than half of all."
    )
    assert problem.next_step == (
        f"`detectune data inspect csv:{folders[1] / 'labels.csv'}` lists all."
    )


def test_more_than_half_of_the_pictures_unreadable_is_an_error(folders):
    for number, keep in enumerate((200, 300, 0, 250, 900)):
        picture = folders[0] / f"square{number}.png"
        picture.write_bytes(picture.read_bytes()[:keep])
    (error,) = (p for p in data_problems(config_of(folders)) if p.severity == "error")
    assert error.field == "train_input_reader"
    assert error.found == "5 of 8 images cannot be read."
    assert error.allowed == "Single ones are left out, but not more than half of all."


def test_a_class_that_is_only_measured_is_a_warning(folders, tmp_path):
    rewrite(
        folders[1], lambda text: text.replace("square0.png,100,80,blue", "square0.png,100,80,o")
    )
    config = config_of(folders)
    config.model.ssd.num_classes = 3
    (tmp_path / "map.pbtxt").write_text(
        'item { id: 1 name: "blue" } item { id: 2 name: "red" } item { id: 3 name: "o" }'
    )
    config.train_input_reader.label_map_path = str(tmp_path / "map.pbtxt")
    (problem,) = data_problems(config)
    assert (problem.severity, problem.field) == ("warning", "eval_input_reader")
    assert problem.found == '"o": measured, but the training data have no such box.'


def test_a_class_without_a_box_is_a_warning(folders, tmp_path):
    config = config_of(folders)
    (tmp_path / "map.pbtxt").write_text(
        'item { id: 1 name: "blue" } item { id: 2 name: "red" } item { id: 3 name: "green" }'
    )
    config.model.ssd.num_classes = 3
    config.train_input_reader.label_map_path = str(tmp_path / "map.pbtxt")
    (problem,) = data_problems(config)
    assert (problem.severity, problem.field) == ("warning", "train_input_reader")
    assert problem.found == '"green": in the label map, but without a box in the training data.'


def test_boxes_that_leave_their_picture_are_counted_with_the_first_files(folders):
    rewrite(folders[0], lambda text: text.replace(",100,80,", ",50,80,"))
    problems = data_problems(config_of(folders))
    kinds = {problem.found.split(" × ")[1].split(":")[0]: problem for problem in problems}
    assert kinds["size differs from annotation"].found.startswith("8 × ")
    assert kinds["size differs from annotation"].severity == "warning"
    assert ", and 5 more." in kinds["size differs from annotation"].found


def test_a_model_with_too_few_classes_is_an_error_at_its_number(folders):
    config = config_of(folders)
    config.model.ssd.num_classes = 1
    (problem,) = data_problems(config)
    assert (problem.severity, problem.field) == ("error", "model.ssd.num_classes")
    assert problem.next_step == "Write num_classes: 2."


def test_data_that_cannot_be_read_are_an_error_and_the_others_are_looked_at(folders):
    config = config_of(folders)
    config.train_input_reader.source = "csv:nowhere.csv"
    picture = folders[1] / "square3.png"
    picture.write_bytes(picture.read_bytes()[:200])
    first, second = data_problems(config)
    assert first.field == "train_input_reader"
    assert first.found == "nowhere.csv: there is no such file or folder."
    assert second.field == "eval_input_reader"


def test_a_training_set_without_a_single_box_is_an_error(folders, tmp_path):
    coco = {
        "images": [{"id": 1, "file_name": "square0.png", "width": 100, "height": 80}],
        "annotations": [],
        "categories": [{"id": 1, "name": "blue"}],
    }
    (folders[0] / "coco.json").write_text(json.dumps(coco))
    config = config_of(folders)
    config.train_input_reader.source = f"coco:{folders[0] / 'coco.json'}"
    problems = [p for p in data_problems(config) if p.field == "train_input_reader"]
    error = next(p for p in problems if p.severity == "error")
    assert error.found == "the only image has no box."


def test_masks_that_a_model_learns_and_the_data_lack_are_an_error(folders):
    config = config_of(folders)
    config.train_input_reader.load_instance_masks = True
    problems = [p for p in data_problems(config) if p.severity == "error"]
    assert [p.field for p in problems] == ["train_input_reader"]
    assert "mask" in problems[0].text


def test_the_check_places_them_at_the_lines_of_the_config(folders, tmp_path):
    picture = folders[0] / "square3.png"
    picture.write_bytes(picture.read_bytes()[:200])
    path = tmp_path / "pipeline.config"
    write_config(config_of(folders), path)
    problems = check_config(path, look_further=data_problems)
    (problem,) = (p for p in problems if "truncated image" in p.found)
    assert path.read_text().splitlines()[problem.line - 1].startswith("train_input_reader")


def test_the_command_looks_into_the_data_when_asked(folders, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    picture = folders[0] / "square3.png"
    picture.write_bytes(picture.read_bytes()[:200])
    write_config(config_of(folders), "c.config")
    without = CliRunner().invoke(config_command, ["check", "c.config"])
    assert (without.exit_code, without.stdout.splitlines()[-1]) == (0, "c.config: 1 warning")
    with_data = CliRunner().invoke(config_command, ["check", "c.config", "--data"])
    assert with_data.exit_code == 0
    assert "1 × truncated image: square3.png" in with_data.stdout
    assert with_data.stdout.splitlines()[-1] == "c.config: 2 warnings"
