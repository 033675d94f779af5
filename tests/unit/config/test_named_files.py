"""Files that a config names: not there, something else, or written with backslashes."""

from __future__ import annotations

import os

import pytest
from config_samples import write_good_config

from detectune.config.check import check_config


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
