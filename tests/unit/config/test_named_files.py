"""Files that a config names: not there, something else, or written with backslashes."""

from __future__ import annotations

import os

import pytest
from config_samples import good_config, write_good_config

from detectune.config.check import check_config
from detectune.config.save import config_text


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def problems_with(folder, old, new):
    path = write_good_config(folder, lambda text: text.replace(old, new))
    return [problem for problem in check_config(path) if problem.severity == "error"]


LABEL_MAP = 'label_map_path: "label_map.pbtxt"'


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (r"data\\train.record", r"data\train.record"),  # a backslash, escaped
        (r"data\train.record", r"data\train.record"),  # a tab
    ],
)
def test_backslashes_in_a_path_that_is_there_are_named(folder, written, shown):
    (folder / "data").mkdir()
    (folder / "data" / "train.record").write_bytes(b"x")
    (problem,) = problems_with(folder, 'input_path: "train.record"', f'input_path: "{written}"')
    assert problem.field == "train_input_reader.tf_record_input_reader.input_path[0]"
    assert problem.found == f'the path of the TFRecord is "{shown}".'
    assert problem.next_step == 'Write "data/train.record", which is there.'


def test_backslashes_in_a_checkpoint_that_is_there_are_named(folder):
    old = "zoo/checkpoint/ckpt-0"
    (problem,) = problems_with(folder, old, r"zoo\\checkpoint\\ckpt-0")
    assert problem.next_step == 'Write "zoo/checkpoint/ckpt-0", which is there.'


def test_a_newline_in_the_name_of_a_class_does_not_hide_what_is_wrong(folder):
    path = write_good_config(folder)
    (folder / "label_map.pbtxt").write_text(
        'item { id: 1 name: "ham\\nmer" }\nitem { id: 1 name: "pliers" }\n'
    )
    errors = [problem for problem in check_config(path) if problem.severity == "error"]
    assert {problem.field for problem in errors} == {
        "train_input_reader.label_map_path",
        "eval_input_reader[0].label_map_path",
    }
    assert r'"pliers" and "ham\nmer" both have the id 1.' in errors[0].found
    assert "\n" not in errors[0].shown("x")


def test_what_a_terminal_would_obey_is_shown_as_it_is_written(folder):
    (problem, _) = problems_with(folder, LABEL_MAP, r'label_map_path: "\033[31mred"')
    assert "\033" not in problem.shown("c.config")
    assert r"\x1b[31mred" in problem.shown("c.config")


@pytest.mark.parametrize("name", [r"a\000b", "x" * 300, "x/" * 3000 + "y"])
def test_names_that_no_file_can_have_are_missing_files(folder, name):
    found = problems_with(folder, 'input_path: "train.record"', f'input_path: "{name}"')
    assert [p.field for p in found] == ["train_input_reader.tf_record_input_reader.input_path[0]"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_is_no_record_and_no_label_map(folder):
    os.mkfifo(folder / "pipe")
    (problem,) = problems_with(folder, 'input_path: "train.record"', 'input_path: "pipe"')
    assert problem.found == "pipe is no file but a pipe."


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_as_label_map_is_not_waited_for(folder):
    os.mkfifo(folder / "pipe")
    found = problems_with(folder, LABEL_MAP, 'label_map_path: "pipe"')
    assert [p.found for p in found] == ["pipe:1:1: this is a pipe or a device, not a file."] * 2


def test_a_folder_is_no_label_map(folder):
    found = problems_with(folder, LABEL_MAP, 'label_map_path: "zoo"')
    assert [p.found for p in found] == ["zoo is a folder."] * 2


def of_classifier(folder, name, **train):
    """What the check says of a config that starts from `name`."""
    write_good_config(folder)
    config = good_config(checkpoint=name)
    config.train_config.ClearField("fine_tune_checkpoint_type")
    for field, value in train.items():
        setattr(config.train_config, field, value)
    path = folder / "classifier.config"
    path.write_text(config_text(config))
    return check_config(path)


@pytest.mark.parametrize("train", [{}, {"fine_tune_checkpoint_type": "classification"}])
@pytest.mark.parametrize("name", ["imagenet", "net.weights.h5"])
def test_weights_of_keras_are_a_start_and_a_type_is_not_needed(folder, name, train):
    (folder / "net.weights.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    assert of_classifier(folder, name, **train) == []


@pytest.mark.parametrize("name", ["imagenet", "net.keras"])
@pytest.mark.parametrize("kind", ["detection", "fine_tune", "full"])
def test_they_give_nothing_but_the_backbone(folder, name, kind):
    (folder / "net.keras").write_bytes(b"PK\x03\x04")
    (problem,) = of_classifier(folder, name, fine_tune_checkpoint_type=kind)
    assert problem.severity == "error"
    assert problem.field == "train_config.fine_tune_checkpoint_type"
    assert problem.found == f'the type is "{kind}", and {name} holds weights of a classifier.'
    assert problem.next_step == 'Write fine_tune_checkpoint_type: "classification".'


def test_an_older_config_says_detection_in_another_way(folder):
    (problem,) = of_classifier(folder, "imagenet", from_detection_checkpoint=True)
    assert problem.field == "train_config.fine_tune_checkpoint"
    assert 'the type is "detection"' in problem.found


def extractor_problems(folder, **fields):
    write_good_config(folder)
    config = good_config(checkpoint="imagenet")
    for field, value in fields.items():
        setattr(config.model.ssd.feature_extractor, field, value)
    (folder / "imagenet.config").write_text(config_text(config))
    return [one for one in check_config(folder / "imagenet.config") if one.severity == "error"]


def test_imagenet_is_refused_for_a_network_that_keras_does_not_have(folder):
    for name in ("ssd_resnet50_v1_fpn_keras", "ssd_inception_v4_fpn_keras"):
        (problem,) = extractor_problems(folder, type=name)
        assert problem.field == "train_config.fine_tune_checkpoint"
        assert problem.found.endswith(f"it has no network like that of {name}.")
        assert "ssd_mobilenet_v2_fpn_keras" in problem.allowed
        assert 'backbone { name: "ResNet50" }' in problem.next_step
    assert extractor_problems(folder, type="ssd_mobilenet_v2_fpn") == []  # its old name


def test_imagenet_is_refused_for_another_width(folder):
    (problem,) = extractor_problems(folder, depth_multiplier=0.5)
    assert problem.found == 'it is "imagenet", and depth_multiplier is 0.5.'
    assert problem.next_step.startswith("Write depth_multiplier: 1.0")


@pytest.mark.parametrize(
    ("name", "data", "found"),
    [
        ("no.h5", None, "there is no file of weights no.h5."),
        ("empty.h5", b"", "empty.h5 is empty."),
        ("page.keras", b"<html>", "page.keras is neither HDF5 nor a .keras file."),
        ("folder.h5", "folder", "folder.h5: Is a directory."),
    ],
)
def test_a_file_of_weights_is_there_and_begins_like_one(folder, name, data, found):
    if isinstance(data, bytes):
        (folder / name).write_bytes(data)
    elif data:
        (folder / name).mkdir()
    (problem,) = of_classifier(folder, name)
    assert (problem.severity, problem.found) == ("error", found)
    assert problem.next_step
