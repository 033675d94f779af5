"""Each cause of an mAP near 0, provoked in a training of bright rectangles, is named as such.

The same detector learns them by heart in seconds where nothing is wrong.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from command import Outcome, detectune
from PIL import Image
from tiny import tiny_config

from detectune.checkpoints.files import find_checkpoint
from detectune.config import schema
from detectune.config.save import write_config
from detectune.training.logs import read_metrics

pytestmark = pytest.mark.slow

HEIGHT, WIDTH = 64, 96
COLOURS = {"blue": (40, 40, 250), "green": (40, 250, 40), "red": (250, 40, 40)}
NAMES = (*COLOURS, "spare")
STEPS = 120
HALF = "DetectionBoxes_Precision/mAP@.50IOU"

Corners = tuple[float, float, float, float]
"""xmin, ymin, xmax, ymax in pixels."""
Change = Callable[[str, Corners], tuple[str, Corners]]


def as_it_is(name: str, box: Corners) -> tuple[str, Corners]:
    return name, box


def swapped(name: str, box: Corners) -> tuple[str, Corners]:
    x0, y0, x1, y1 = box
    return name, (y0, x0, y1, x1)


def half_as_large(name: str, box: Corners) -> tuple[str, Corners]:
    return name, (box[0] / 2, box[1] / 2, box[2] / 2, box[3] / 2)


def next_name(name: str, box: Corners) -> tuple[str, Corners]:
    return NAMES[NAMES.index(name) + 1], box


def other_name(name: str, box: Corners) -> tuple[str, Corners]:
    return {"blue": "red", "green": "blue", "red": "green"}[name], box


def spare(name: str, box: Corners) -> tuple[str, Corners]:
    return "spare", box


def write_rectangles(folder: Path, change: Change = as_it_is) -> Path:
    """Twelve pictures of one flat rectangle on dark ground; what is annotated is changed."""
    folder.mkdir()
    random = np.random.default_rng(1)
    rows = ["filename,width,height,class,xmin,ymin,xmax,ymax"]
    for index in range(12):
        name = list(COLOURS)[index % 3]
        height, width = int(random.integers(16, 21)), int(random.integers(36, 46))
        top, left = (int(random.integers(1, side)) for side in (HEIGHT - height, WIDTH - width))
        image = np.full((HEIGHT, WIDTH, 3), 20, np.uint8)
        image[top : top + height, left : left + width] = COLOURS[name]
        Image.fromarray(image).save(folder / f"{index}.png")
        said, box = change(name, (left, top, left + width, top + height))
        rows.append(f"{index}.png,{WIDTH},{HEIGHT},{said},{','.join(map(str, box))}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    write_label_map(folder / "map.pbtxt", {name: i for i, name in enumerate(NAMES, 1)})
    return folder


def write_label_map(file: Path, ids: dict[str, int]) -> None:
    file.write_text("".join(f'item {{ id: {i} name: "{name}" }}\n' for name, i in ids.items()))


class Place(NamedTuple):
    """A folder for trainings, and the pictures."""

    folder: Path
    data: Path

    def data_with(self, change: Change) -> Path:
        """The same pictures, annotated in another way."""
        folder = self.folder / change.__name__
        return folder if folder.exists() else write_rectangles(folder, change)

    def train(self, name: str, config: schema.TrainEvalPipelineConfig, *more: object) -> Outcome:
        write_config(config, self.folder / f"{name}.config")
        run = self.folder / name
        done = detectune("train", self.folder / f"{name}.config", "--model-dir", run, *more)
        assert done.status == 0, done.err
        return done

    def report(self, name: str) -> str:
        return (self.folder / name / "report.html").read_text("utf-8")


def config_for(data: Path, steps: int = STEPS, rate: float | None = None):
    """Learns the pictures by heart in 120 steps.

    Args:
        rate: a constant learning rate instead of one that suits.
    """
    config = tiny_config(data)
    config.model.ssd.num_classes = len(NAMES)
    suppression = config.model.ssd.post_processing.batch_non_max_suppression
    suppression.max_detections_per_class, suppression.max_total_detections = 3, 6
    settings = config.train_config
    settings.num_steps, settings.batch_size, settings.evaluate_every_steps = steps, 6, steps
    settings.gradient_clipping_by_norm = 10
    del settings.data_augmentation_options[:]
    schedule = settings.optimizer.momentum_optimizer.learning_rate
    cosine = schedule.cosine_decay_learning_rate
    cosine.learning_rate_base, cosine.total_steps = 0.05, steps
    cosine.warmup_learning_rate, cosine.warmup_steps = 0.005, max(1, steps // 10)
    if rate is not None:
        schedule.constant_learning_rate.learning_rate = rate
    for reader in (config.train_input_reader, config.eval_input_reader[0]):
        reader.label_map_path = str(data / "map.pbtxt")
    return config


def half(run: Path) -> float:
    """mAP@.5 of the last evaluation."""
    return [row[HALF] for row in read_metrics(run / "metrics.jsonl") if HALF in row][-1]


def said(text: str) -> list[str]:
    """What is said of an mAP near 0, in order."""
    return [line.split("mAP is near 0: ")[1] for line in text.splitlines() if "near 0: " in line]


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    folder = tmp_path_factory.mktemp("causes")
    return Place(folder, write_rectangles(folder / "data"))


@pytest.fixture(scope="module")
def sound(place) -> Path:
    done = place.train("sound", config_for(place.data))
    assert half(place.folder / "sound") > 0.7
    assert said(done.err) == []
    assert "Why mAP is near 0" not in place.report("sound")
    return place.folder / "sound"


# What is wrong with the annotations of the evaluation → the cause, and words about it.
FAULTS = {
    swapped: ("swapped_axes", "once x and y are swapped"),
    half_as_large: ("scaled", "once they are scaled by 0.5"),
    next_name: ("classes_off_by_one", 'classes are off by -1: "green" is called "blue"'),
    other_name: ("classes_permuted", 'classes are permuted: "blue" is called "green"'),
}


@pytest.mark.parametrize("change", FAULTS, ids=lambda change: change.__name__)
def test_evaluating_on_data_with_a_fault_names_it(place, sound, tmp_path, change):
    cause, words = FAULTS[change]
    answer = tmp_path / "numbers.json"
    done = detectune("evaluate", sound, "--data", place.data_with(change), "--json", answer)
    assert done.status == 0, done.err
    report = json.loads(answer.read_text())
    assert report["metrics"][HALF] < 0.1
    assert [finding["cause"] for finding in report["findings"]] == [cause]
    (line,) = said(done.out)
    assert words in line


def test_evaluating_on_sound_data_names_nothing(place, sound, tmp_path):
    answer = tmp_path / "numbers.json"
    done = detectune("evaluate", sound, "--data", place.data, "--json", answer)
    assert "findings" not in json.loads(answer.read_text())
    assert said(done.out) == []


def gone_on(place: Place, sound: Path, name: str, change: Callable) -> Outcome:
    """One more step of the sound run, with an evaluation that `change` makes wrong."""
    shutil.copytree(sound, place.folder / name)
    config = config_for(place.data)
    config.train_config.num_steps = STEPS + 1
    change(config.eval_input_reader[0])
    return place.train(name, config, "--resume")


def test_a_training_whose_evaluation_has_x_and_y_swapped_says_so(place, sound):
    def change(reader: schema.InputReader) -> None:
        reader.source = f"csv:{place.data_with(swapped) / 'labels.csv'}"

    done = gone_on(place, sound, "turned", change)
    (line,) = said(done.err)
    assert "where a box was found, once x and y are swapped; as they are, " in line
    assert "once x and y are swapped" in place.report("turned")


def test_a_training_whose_evaluation_has_another_label_map_says_so_twice(place, sound):
    shifted = place.folder / "shifted.pbtxt"
    write_label_map(shifted, {"spare": 1, "blue": 2, "green": 3, "red": 4})

    def change(reader: schema.InputReader) -> None:
        reader.label_map_path = str(shifted)

    done = gone_on(place, sound, "shifted", change)
    assert '"blue" is 1 in training and 2 in evaluation' in done.err.split("mAP is near 0")[0]
    (line,) = said(done.err)
    assert line.startswith('boxes are right but classes are off by -1: "green" is called "blue"')
    assert "classes are off by -1" in place.report("shifted")
    checked = detectune("config", "check", place.folder / "shifted.config")
    assert checked.status == 0
    assert '"blue" is 1 in training and 2 in evaluation' in checked.out


def test_a_training_never_had_the_classes_of_its_evaluation(place):
    config = config_for(place.data, steps=20)
    config.eval_input_reader[0].source = f"csv:{place.data_with(spare) / 'labels.csv'}"
    first, *_ = said(place.train("untrained", config).err)
    assert first.startswith(
        "12 of 12 objects of the evaluation are of classes without a box in the training data: "
        '"spare".'
    )


def test_a_learning_rate_that_does_nothing_is_named(place):
    done = place.train("small", config_for(place.data, steps=40, rate=1e-6))
    assert half(place.folder / "small") < 0.1
    assert said(done.err)[0].startswith("the loss has hardly moved, from ")
    assert "at learning rates up to 1e-06. Make the learning rate ten times as large" in done.err
    assert "the training had" not in done.err


@pytest.mark.parametrize("rate", [2.0, 10.0])
def test_a_learning_rate_that_is_too_large_is_named(place, rate):
    """Clipping keeps the numbers finite; without it the run stops at the first that is not."""
    name = f"large{rate:g}"
    done = place.train(name, config_for(place.data, steps=40, rate=rate))
    assert half(place.folder / name) < 0.1
    first, *rest = said(done.err)
    assert first.startswith("the loss rose again from ")
    assert f"at learning rates up to {rate:g}. Lower the learning rate to a tenth." in first
    assert all("What is said above may be why" in line for line in rest)


def test_a_run_that_diverged_is_cured_as_it_says(place):
    """In another folder and from its last checkpoint, with the learning rate that it names."""
    config = config_for(place.data, steps=40, rate=2.0)
    config.train_config.gradient_clipping_by_norm = 0
    write_config(config, place.folder / "diverged.config")
    words = ("train", place.folder / "diverged.config", "--model-dir")
    done = detectune(*words, place.folder / "diverged")
    assert done.status == 1
    found, allowed, advice = done.err.rstrip("\n").split("\n")[-3:]
    assert "is not finite" in found
    assert "The likeliest cause: the learning rate, 2 at this step: the loss rose from" in allowed
    (rate,) = re.findall(r"Lower the learning rate to about ([\d.e-]+)", advice)
    assert "set gradient_clipping_by_norm: 10" in advice
    optimizer = "train_config.optimizer.momentum_optimizer.learning_rate"
    changes = (
        f"--set={optimizer}.constant_learning_rate.learning_rate={rate}",
        "--set=train_config.gradient_clipping_by_norm=10",
    )
    again = detectune(*words, place.folder / "again", *changes)
    assert again.status == 0, again.err
    assert "with --resume and the changed config" in advice
    resumed = detectune(*words, place.folder / "diverged", "--resume", *changes)
    assert resumed.status == 0, resumed.err


def test_statistics_that_lag_are_named_and_are_the_cause(place):
    config = config_for(place.data, steps=60)
    config.eval_config.batch_norm_recalibration = False
    ssd = config.model.ssd
    predictor = ssd.box_predictor.weight_shared_convolutional_box_predictor
    for params in (ssd.feature_extractor.conv_hyperparams, predictor.conv_hyperparams):
        params.batch_norm.decay = 0.9999
    done = place.train("lagging", config)
    assert half(place.folder / "lagging") < 0.1
    first, *rest = said(done.err)
    assert first.startswith("the loss fell from ")
    assert "% of the batch norms' first statistics is left" in first
    assert all("What is said above may be why" in line for line in rest)
    assert find_checkpoint(place.folder / "lagging")
