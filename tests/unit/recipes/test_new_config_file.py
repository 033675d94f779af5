"""`config new` on data: needs the readers of `detectune.data`."""

from pathlib import Path

import pytest
from PIL import Image

from detectune.config.check import check_config
from detectune.config.label_map import read_label_map
from detectune.config.load import load_config
from detectune.recipes.new_config_file import write_new_config

pytest.importorskip("detectune.data.sources.recognise")
MODEL = "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8"
HEADER = "filename,width,height,class,xmin,ymin,xmax,ymax\n"


def make_data(folder, names):
    folder.mkdir()
    rows = [HEADER]
    for index, name in enumerate(names):
        Image.new("RGB", (40, 30), (index, 0, 0)).save(folder / f"{index}.jpg")
        rows.append(f"{index}.jpg,40,30,{name},1,2,20,25\n")
    (folder / "labels.csv").write_text("".join(rows))


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_data(tmp_path / "train", ["nut", "bolt", "nut"])
    make_data(tmp_path / "test", ["bolt"])
    return {"model": MODEL, "train": "csv:train", "evaluation": "csv:test"}


def test_classes_and_plan_come_from_the_data(data, tmp_path):
    said = write_new_config(**data, output="tools.config")
    config = load_config("tools.config")
    assert config.model.ssd.num_classes == 2
    assert config.train_config.batch_size == 3
    assert read_label_map("tools.label_map.pbtxt").names == ("bolt", "nut")
    assert said.config == config
    assert said.reasons[0] == "num_classes 2: bolt, nut."
    assert said.written == (
        "wrote tools.label_map.pbtxt: the classes of csv:train",
        "wrote tools.config",
    )
    assert said.next_steps == (
        f"next: detectune zoo download {MODEL}",
        "next: detectune train tools.config --model-dir training/tools",
    )


def test_only_the_checkpoint_is_missing_then(data):
    write_new_config(**data, output="tools.config")
    problems = check_config("tools.config")
    assert [problem.field for problem in problems] == ["train_config.fine_tune_checkpoint"]


def test_a_label_map_of_the_user_is_used(data):
    Path("mine.pbtxt").write_text('item { id: 1 name: "nut" } item { id: 5 name: "bolt" }')
    write_new_config(**data, output="tools.config", label_map_path="mine.pbtxt", num_steps=40)
    config = load_config("tools.config")
    assert config.model.ssd.num_classes == 5
    assert config.train_input_reader.label_map_path == "mine.pbtxt"
    assert config.train_config.num_steps == 40
    assert not Path("tools.label_map.pbtxt").exists()


def test_a_data_set_that_cannot_be_read_writes_nothing(data):
    from detectune.errors import DataError

    with pytest.raises(DataError):
        write_new_config(**{**data, "evaluation": "csv:nowhere"}, output="tools.config")
    assert not Path("tools.config").exists()
