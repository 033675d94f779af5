"""Config, folder and data are refused before Keras or TensorFlow is loaded."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from three_parts import three_parts
from tiny import tiny_config, write_squares

import detectune
from detectune.config.save import write_config
from detectune.errors import ConfigError, DataError
from detectune.registry import stages
from detectune.training.console import RunConsole
from detectune.training.prepare import prepare
from detectune.training.sources import StreamRequest
from detectune.training.stages.base import Stage
from detectune.training.state import _progress_from

SCRIPT = """
import sys
from detectune.config.load import load_config
from detectune.errors import DetectuneError
from detectune.training.train import train
try:
    train(load_config(sys.argv[1]), sys.argv[2])
except DetectuneError as error:
    print(error)
print("loaded:", *(name for name in ("tensorflow", "keras") if name in sys.modules))
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_squares(tmp_path_factory.mktemp("prepare") / "data")


def test_a_wrong_path_is_refused_before_keras_or_tensorflow_is_loaded(data, tmp_path):
    config = tiny_config(data)
    config.eval_input_reader[0].source = "csv:nowhere/labels.csv"
    write_config(config, tmp_path / "c.config")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "c.config"), str(tmp_path / "run")],
        env=os.environ | {"PYTHONPATH": str(Path(detectune.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    said = done.stdout.splitlines()
    assert "nowhere" in said[0]
    assert said[-1] == "loaded:"
    assert not (tmp_path / "run").exists()


def test_a_stage_that_nobody_registered_is_refused_by_name(data, tmp_path):
    config = tiny_config(data)
    config.train_config.stage.append("gradient_decent")
    with pytest.raises(ConfigError, match='no training stage is called "gradient_decent"'):
        prepare(config, tmp_path / "run")


def test_a_config_without_an_architecture_is_refused(data, tmp_path):
    config = tiny_config(data)
    config.ClearField("model")
    with pytest.raises(ConfigError, match="the config has no architecture"):
        prepare(config, tmp_path / "run")


class Adapts(Stage):
    """Reads a third stream."""

    source = ""

    def streams(self, config):
        reader = type(config.train_input_reader)(source=self.source)
        return {"target": StreamRequest(reader, "stage adapts")}

    def finished(self, training):
        return "it only reads"

    def run(self, training):
        raise AssertionError("it is finished")


def test_a_stage_gets_the_streams_that_it_asks_for_and_they_are_checked(
    data, tmp_path, monkeypatch
):
    monkeypatch.setitem(stages._parts, "adapts", Adapts)
    monkeypatch.setattr(Adapts, "source", f"csv:{data / 'labels.csv'}")
    config = tiny_config(data)
    config.train_config.stage.extend(["gradient_descent", "adapts"])
    prepared = prepare(config, tmp_path / "run")
    assert list(prepared.data.sources) == ["train", "evaluate", "target"]
    assert len(prepared.data.sources["target"]) == 8
    monkeypatch.setattr(Adapts, "source", "csv:nowhere/labels.csv")
    with pytest.raises(DataError, match="nowhere"):
        prepare(config, tmp_path / "run")


def test_the_progress_of_an_earlier_version_stands_in_the_only_stage_it_had():
    progress = _progress_from(b'{"step": 7, "best_metric": 0.5, "best_step": 6}')
    assert (progress.step, progress.stage, progress.stage_step) == (7, 0, 7)
    assert progress.best_step == 6
    progress.next_stage()
    progress.advance()
    assert (progress.step, progress.stage, progress.stage_step) == (8, 1, 1)


def test_warnings_of_the_check_are_said_once_before_anything_is_built(data, tmp_path):
    config = tiny_config(data)
    momentum = config.train_config.optimizer.momentum_optimizer
    momentum.learning_rate.cosine_decay_learning_rate.total_steps = 50_000
    text = io.StringIO()
    prepare(config, tmp_path / "run", console=RunConsole(Console(file=text)))
    said = text.getvalue()
    place = "train_config.optimizer.momentum_optimizer.learning_rate.cosine_decay_learning_rate"
    expected = f"warning: {place}.total_steps: the training ends at step 8 of a schedule of 50000."
    assert said.count(expected) == 1
    assert said.count("there is no fine_tune_checkpoint.") == 1
    assert said.index(expected) < said.index("reading the data")


def without_boxes(data: Path, folder: Path) -> str:
    """A COCO data set of the same pictures in which nothing is annotated."""
    pictures = sorted(file.name for file in data.glob("*.png"))
    images = [
        {"id": number, "file_name": str(data / name), "height": 80, "width": 100}
        for number, name in enumerate(pictures, 1)
    ]
    categories = [{"id": 1, "name": "blue"}, {"id": 2, "name": "red"}]
    path = folder / "empty.json"
    path.write_text(json.dumps({"images": images, "annotations": [], "categories": categories}))
    return f"coco:{path}"


def test_a_folder_without_a_run_to_go_on_with_is_said(data, tmp_path):
    text = io.StringIO()
    console = RunConsole(Console(file=text, width=300))
    prepared = prepare(tiny_config(data), tmp_path / "run", resume=True, console=console)
    assert not prepared.resumes
    assert f"{tmp_path / 'run'}: there is no run to go on with; a new one begins" in text.getvalue()


def test_training_data_without_a_box_are_refused_before_anything_is_computed(data, tmp_path):
    config = tiny_config(data)
    config.train_input_reader.source = without_boxes(data, tmp_path)
    with pytest.raises(DataError) as caught:
        prepare(config, tmp_path / "run")
    found, allowed, next_step = three_parts(caught.value)
    assert found.endswith("in 8 images there is no object.")
    assert allowed.startswith("A training needs at least one box")
    assert next_step.startswith("`detectune data inspect ")
    assert not (tmp_path / "run").exists()


def test_evaluation_data_without_a_box_are_said_before_the_training(data, tmp_path):
    config = tiny_config(data)
    config.eval_input_reader[0].source = without_boxes(data, tmp_path)
    text = io.StringIO()
    prepare(config, tmp_path / "run", console=RunConsole(Console(file=text, width=300)))
    assert "no image has a box, so that no mAP can be measured" in text.getvalue()


def test_boxes_of_crowds_alone_teach_nothing(data, tmp_path):
    config = tiny_config(data)
    name = without_boxes(data, tmp_path)
    path = Path(name.removeprefix("coco:"))
    content = json.loads(path.read_text())
    crowd = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [5, 5, 20, 20], "iscrowd": 1}
    content["annotations"] = [crowd | {"area": 400}]
    path.write_text(json.dumps(content))
    config.train_input_reader.source = name
    with pytest.raises(DataError, match="there is no object but regions of many"):
        prepare(config, tmp_path / "run")
