"""`train --freeze` and `model summary`, as they are typed."""

from __future__ import annotations

import json
import re

import pytest
from small_backbone import EXTRACTOR, register_small_backbone
from tiny import tiny_config, write_squares

from detectune.config.load import load_config
from detectune.config.save import write_config


@pytest.fixture
def small(monkeypatch):
    register_small_backbone(monkeypatch)


@pytest.fixture
def config(tmp_path, small):
    found = tiny_config(write_squares(tmp_path / "data"), extractor=EXTRACTOR)
    found.train_config.num_steps = 1
    found.train_config.freeze.append("neck")
    del found.eval_input_reader[:]
    write_config(found, tmp_path / "c.config")
    return tmp_path / "c.config"


def test_words_of_the_command_are_added_to_those_of_the_config(run, config, tmp_path):
    words = ("--freeze", "backbone:7", "--freeze", "neck", "--freeze", "batch-norm")
    status, _, err = run("train", str(config), "--model-dir", str(tmp_path / "run"), *words)
    assert status == 0, err
    kept = load_config(tmp_path / "run" / "pipeline.config").train_config
    assert list(kept.freeze) == ["neck", "backbone:7", "batch-norm"]
    # Two kernels, and scale and offset of all five norms of the backbone.
    assert re.search(r": backbone 12/15, neck (\d+)/\1, heads \d+/\d+", err)
    # Once more, with the same words: the run is the same run.
    again = run("train", str(config), "--model-dir", str(tmp_path / "run"), "--resume", *words)
    assert again[0] == 0
    assert "step 1 of 1 is reached" in again[2]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("bakbone", 'Did you mean "backbone"?'),
        ("backbone:-3", "-3 is no number of layers"),
        ("", '"" names no part'),
    ],
)
def test_a_wrong_word_is_refused_before_the_data_are_read(run, config, tmp_path, word, said):
    (tmp_path / "data" / "labels.csv").unlink()
    status, out, err = run(
        "train", str(config), "--model-dir", str(tmp_path / "run"), "--freeze", word
    )
    assert (status, out) == (2, "")
    assert said in err
    assert "labels.csv" not in err
    assert not (tmp_path / "run").exists()


def test_config_check_says_where_a_wrong_word_stands(run, config):
    text = config.read_text("utf-8").replace('freeze: "neck"', 'freeze: "nek"')
    config.write_text(text, "utf-8")
    status, out, _ = run("config", "check", str(config))
    assert status == 2
    line = next(n for n, one in enumerate(text.splitlines(), 1) if 'freeze: "nek"' in one)
    assert f"c.config:{line}:" in out
    assert 'Did you mean "neck"?' in out


def test_summary_of_a_config_on_the_screen_and_in_files(run, config, tmp_path):
    page, numbers = tmp_path / "network.html", tmp_path / "numbers.json"
    status, out, err = run(
        "model", "summary", str(config), "--freeze", "backbone:7", "--layers",
        "--html", str(page), "--json", str(numbers),
    )  # fmt: skip
    assert status == 0, err
    assert "backbone 1/4" in out
    assert "conv2" in out
    assert "frozen " in out
    read = json.loads(numbers.read_text("utf-8"))
    assert read["model"].startswith(EXTRACTOR)
    rows = {row["name"]: row for row in read["layers"]}
    assert rows["norm2"]["state"] == "frozen"
    assert rows["norm2"]["number"] == 6
    assert rows["conv3"]["state"] == "trains"
    assert page.read_text("utf-8").count("<rect") == len(read["layers"])
    assert f"written: {page}" in out


def test_summary_of_a_run_and_of_nothing(run, config, tmp_path, monkeypatch):
    folder = tmp_path / "trained"
    folder.mkdir()
    config.rename(folder / "pipeline.config")
    status, out, err = run("model", "summary", str(folder))
    assert status == 0, err
    assert "prediction" in out
    monkeypatch.chdir(tmp_path)
    for word, said in (
        ("nothing", "there is no such folder, and no model of the zoo"),
        ("missing.config", "missing.config"),
        ("ssd_mobilenet_v2_320x320_coco17_tpu-8", "detectune zoo download"),
        (str(tmp_path / "data"), "holds no pipeline.config"),
    ):
        status, out, err = run("model", "summary", word)
        assert (status, out) == (2, ""), word
        assert said in err
        assert len(err.strip().splitlines()) >= 3


def test_a_summary_of_what_cannot_be_frozen_says_how_many_layers_there_are(run, config):
    status, _, err = run("model", "summary", str(config), "--freeze", "backbone:16")
    assert status == 0, err
    status, out, err = run("model", "summary", str(config), "--freeze", "backbone:17")
    assert (status, out) == (2, "")
    assert "the backbone has 16 layers" in err
