"""A config with data for studies, and a stand-in for trainings."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from config_samples import good_config
from PIL import Image

from detectune.config import schema
from detectune.config.load import load_config
from detectune.study.outcomes import CellFiles, Outcome, failed, write_outcome

HEADER = "filename,width,height,class,xmin,ymin,xmax,ymax\n"


def write_images(folder: Path, kinds: list[str]) -> Path:
    """A CSV data set with an image for each of `kinds`, of classes with + between them."""
    folder.mkdir(parents=True)
    lines = []
    for number, kind in enumerate(kinds):
        name = f"{number}.png"
        # No two images are alike, or training and evaluation would be said to share them.
        Image.new("RGB", (20, 16), (number, len(kinds), len(folder.name))).save(folder / name)
        classes = [word for word in kind.split("+") if word]
        lines += [f"{name},20,16,{word},2,2,9,9\n" for word in classes]
        lines += [] if classes else [f"{name},20,16,,,,,\n"]
    (folder / "labels.csv").write_text(HEADER + "".join(lines))
    return folder


@pytest.fixture
def config(tmp_path, monkeypatch) -> schema.TrainEvalPipelineConfig:
    """Six images to train on and two to evaluate; it starts from a detector."""
    monkeypatch.chdir(tmp_path)
    write_images(Path("train"), ["red", "red", "red", "blue", "red", ""])
    write_images(Path("test"), ["red", "blue"])
    Path("zoo").mkdir()
    for ending in (".index", ".data-00000-of-00001"):
        Path(f"zoo/ckpt-0{ending}").write_bytes(b"x")
    found = good_config(train="csv:train", evaluation="csv:test", checkpoint="zoo/ckpt-0")
    found.train_input_reader.ClearField("label_map_path")
    found.eval_input_reader[0].ClearField("label_map_path")
    return found


class Trainings:
    """Stands in for trainings, and remembers what it was given.

    The mAP is a tenth of the number of images, and a hundredth of the seed more. Names that match
    `failing` fail, and a name that matches `killed` ends the study.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.configs: dict[str, schema.TrainEvalPipelineConfig] = {}
        self.failing = self.killed = self.silent = "never"
        self.on_call: Callable[[], None] = lambda: None

    def __call__(self, files: CellFiles) -> str:
        name = files.config.stem
        self.on_call()
        self.names.append(name)
        self.configs[name] = load_config(files.config)
        files.run.mkdir(parents=True, exist_ok=True)
        if re.search(self.killed, name):
            raise KeyboardInterrupt
        if re.search(self.silent, name):
            return "its process was ended by SIGKILL"
        if re.search(self.failing, name):
            write_outcome(files.outcome, failed("the loss is not finite"))
            return ""
        write_outcome(files.outcome, self.outcome(self.configs[name]))
        return ""

    def outcome(self, config: schema.TrainEvalPipelineConfig) -> Outcome:
        listed = config.train_input_reader.image_list_path
        count = len(Path(listed).read_text().splitlines()) if listed else 6
        score = count / 10 + config.train_config.seed / 100
        return Outcome("done", score, score + 0.1, config.train_config.num_steps, 30.0, 0.5, 2.0)


@pytest.fixture
def trainings() -> Trainings:
    return Trainings()
