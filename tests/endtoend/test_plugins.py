"""Parts of another package, found by their entry points: the package of the guide to extending."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from command import Outcome
from PIL import Image
from tiny import tiny_config, write_squares

from detectune.checkpoints.files import read_checkpoint
from detectune.config.save import write_config
from detectune.training.logs import read_metrics

ROOT = Path(__file__).resolve().parents[2]
TOYS = ROOT / "docs" / "snippets" / "detectune_toys"
CONFIG_FILE = "cells.config"
LOW = ("--threshold", "0.05")

BUILDS_AN_SSD = """
import detectune
detector = detectune.build_detector(detectune.load_config("ssd.config").model)
print([shape[-1] for shape in detector.backbone.output_shapes], detector.backbone.pad_value)
"""
LOADS = """
import numpy as np, detectune
detector = detectune.load_detector("run")
found = detector.detect(np.zeros((1, 64, 64, 3), "float32"), np.array([[64, 64]], "float32"))
print(type(detector).__name__, detector.count_params(), found.scores.shape)
"""
PICTURE = "squares/square0.png"
GOOD = {
    "check": ["config", "check", CONFIG_FILE],
    "check ssd": ["config", "check", "ssd.config"],
    "show": ["config", "show", CONFIG_FILE, "--set", "model.*.num_classes=5"],
    "inspect": ["data", "inspect", "squares/labels.jsonl"],
    "preview": ["data", "preview", "inverted.config", "previews", "--count", "2"],
    "train": ["train", CONFIG_FILE, "--model-dir", "run"],
    "again": ["train", CONFIG_FILE, "--model-dir", "run", "--resume"],
    "evaluate": ["evaluate", "run", "--checkpoint", "last", "--json", "metrics.json"],
    "export": ["export", "run", "--to", "frozen_graph", "-o", "cells.pb"],
    "export as we do": ["export", "run", "-o", "exported"],
    "predict": ["predict", "run", PICTURE, "--out", "1", "--json", "1.json", *LOW],
    "predict frozen": ["predict", "cells.pb", PICTURE, "--out", "2", "--json", "2.json", *LOW],
    "ssd": ["python", BUILDS_AN_SSD],
    "load": ["python", LOADS],
}
WRONG = {
    "check augmentation": ["config", "check", "invent.config"],
    "check model": ["config", "check", "classless.config"],
    "inspect": ["data", "inspect", "wrong.jsonl"],
    "train without certainty": ["train", "csv.config", "--model-dir", "other"],
    "train on unknown backbone": ["train", "mobile.config", "--model-dir", "other"],
    "train with broken stage": ["train", "stage.config", "--model-dir", "other"],
    "export broken": ["export", "run", "--to", "broken", "-o", "broken.pb"],
    "predict damaged": ["predict", "damaged.pb", PICTURE, "--out", "3"],
}


class Toys(NamedTuple):
    """The folder in which the commands were run, and what each of them left behind."""

    folder: Path
    outcomes: dict[str, Outcome]

    def good(self, name: str) -> Outcome:
        return self.outcomes[f"good {name}"]

    def wrong(self, name: str) -> Outcome:
        return self.outcomes[f"wrong {name}"]


def install(site: Path, name: str, groups: dict[str, dict[str, str]]) -> None:
    """What pip leaves of a package, without its modules."""
    info = site / f"{name}-0.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
    lines = [
        line
        for group, entries in groups.items()
        for line in (f"[{group}]", *(f"{key} = {module}" for key, module in entries.items()), "")
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))


def write_data(folder: Path) -> None:
    """Squares as the format `jsonl` has them, and configs that name them."""
    squares = write_squares(folder / "squares")
    lines = []
    for row in (squares / "labels.csv").read_text().splitlines()[1:]:
        name, _, _, kind, left, top, right, bottom = row.split(",")
        box = [int(side) for side in (top, left, bottom, right)]
        lines.append({"file": name, "objects": [{"class": kind, "box": box, "certainty": 0.5}]})
    (squares / "labels.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "wrong.jsonl").write_text('{"file": "square0.png"}\n')
    (folder / "damaged.pb").write_bytes(b"no graph")
    text = (TOYS / CONFIG_FILE).read_text()

    def write(name: str, old: str, new: str) -> None:
        assert old in text
        (folder / f"{name}.config").write_text(text.replace(old, new))

    (folder / CONFIG_FILE).write_text(text)
    write("inverted", "probability: 0.1", "probability: 1.0")
    write("invent", "random_invert]", "random_invent]")
    write("classless", "num_classes: 2", "")
    write("csv", "labels.jsonl", "labels.csv")
    (folder / "csv.config").write_text((folder / "csv.config").read_text().replace("jsonl:", ""))
    write("mobile", "num_classes: 2", 'num_classes: 2 backbone: "blockz"')
    write("stage", '"round_weights"', '"broken"')
    ssd = tiny_config(extractor="ssd_blocks_fpn_keras")
    ssd.train_input_reader.source = "squares/labels.jsonl"
    ssd.eval_input_reader.add().source = "squares/labels.jsonl"
    write_config(ssd, folder / "ssd.config")


@pytest.fixture(scope="module")
def toys(tmp_path_factory) -> Toys:
    folder = tmp_path_factory.mktemp("toys")
    groups = tomllib.loads((TOYS / "pyproject.toml").read_text())["project"]["entry-points"]
    install(folder / "site", "detectune_toys", groups)
    shutil.copytree(TOYS / "detectune_toys", folder / "site" / "detectune_toys")
    # Another package, of which nothing can be imported.
    install(folder / "site", "broken", {group: {"broken": "broken_parts"} for group in groups})
    (folder / "site" / "broken_parts.py").write_text("raise OSError('the disk is on fire')\n")
    write_data(folder)
    commands = {
        f"{kind} {name}": words
        for kind, part in (("good", GOOD), ("wrong", WRONG))
        for name, words in part.items()
    }
    (folder / "commands.json").write_text(json.dumps(commands))
    tests = ROOT / "tests"
    path = [folder / "site", tests / "endtoend", tests, *sys.path]
    done = subprocess.run(
        [sys.executable, tests / "endtoend" / "run_commands.py", "commands.json", "outcomes.json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    outcomes = json.loads((folder / "outcomes.json").read_text())
    return Toys(folder, {name: Outcome(*values) for name, values in outcomes.items()})


@pytest.mark.parametrize("name", GOOD)
def test_a_command_does_with_these_parts_what_it_does_with_ours(toys, name):
    assert toys.good(name).status == 0, toys.good(name).err


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        (
            "check augmentation",
            [
                "invent.config:14:31: error: train_config.data_augmentation_options[0]."
                "[detectune_toys.random_invent]: no installed package adds",
                "known: [detectune_toys.random_invert]. Could not be imported: broken (OSError",
                "Install the package detectune_toys that brings it, or correct the name.",
            ],
        ),
        (
            "check model",
            ["model.[detectune_toys.cells].num_classes: the config has no number of classes."],
        ),
        ("inspect", ["wrong.jsonl:1: KeyError: 'objects'.", "A line is", "Correct the line."]),
        (
            "train without certainty",
            ["square0.png: 1 image has no certainty", "Add certainty to the"],
        ),
        (
            "train on unknown backbone",
            ['no backbone is called "blockz"', "Known: blocks, ", 'Did you mean "blocks"?'],
        ),
        (
            "train with broken stage",
            ['the training stage "broken" could not be imported: OSError: the disk is on fire.'],
        ),
        (
            "export broken",
            [
                'the export format "broken" could not be imported: OSError: the disk is on fire.',
                "Known: frozen_graph, saved_model.",
            ],
        ),
        ("predict damaged", ["damaged.pb: it is no frozen graph of a detector:"]),
    ],
)
def test_what_is_wrong_is_said_with_the_next_step(toys, name, texts):
    done = toys.wrong(name)
    assert done.status == 2
    said = done.out + done.err
    assert [text for text in texts if text not in said] == [], said


def test_the_block_of_the_detector_is_read_changed_and_written(toys):
    assert toys.good("check").out.endswith("cells.config: 1 warning\n")
    assert "[detectune_toys.cells] {\n    num_classes: 5\n" in toys.good("show").out
    written = (toys.folder / "run" / "pipeline.config").read_text()
    assert "[detectune_toys.cells] {\n    num_classes: 2\n" in written


def test_a_type_of_feature_extractor_follows_from_the_backbone(toys):
    # Levels 3 to 5 of the blocks, of which depth_multiplier 0.25 and min_depth 8 leave so much.
    assert toys.good("ssd").out == "[8, 8, 10] (127.5, 127.5, 127.5)\n"


def test_the_source_gives_boxes_and_classes(toys):
    said = toys.good("inspect").out
    assert "jsonl:squares/labels.jsonl\n8 images, 0 of them without boxes; 8 boxes" in said
    assert re.search(r"blue +│ 4 .*\n.*red +│ 4 ", said)


def test_the_augmentation_makes_a_negative(toys):
    (first, _) = sorted((toys.folder / "previews").iterdir())
    original = toys.folder / "squares" / f"{first.stem.split('_')[1]}.png"
    with Image.open(first) as preview, Image.open(original) as image:
        seen = np.asarray(preview.resize((64, 64)), float)[60, 60]
        there = np.asarray(image.resize((64, 64)), float)[60, 60]
    np.testing.assert_allclose(seen, 255 - there, atol=25)  # grey noise, and JPEG
    assert seen.mean() > there.mean() + 10


def test_the_detector_learns_and_is_measured_alike_in_a_run_and_after_it(toys):
    rows = read_metrics(toys.folder / "run" / "metrics.jsonl")
    losses = [row["Loss/total_loss"] for row in rows if row["kind"] == "train"]
    assert losses[-1] < losses[0] / 10
    last = rows[-1]
    assert (last["kind"], last["step"]) == ("eval", 101)
    metrics = json.loads((toys.folder / "metrics.json").read_text())["metrics"]
    assert metrics["DetectionBoxes_Precision/mAP@.50IOU"] > 0.4
    assert {name: last[name] for name in metrics} == pytest.approx(metrics, abs=1e-6)


def test_the_stage_rounds_weights_and_is_not_done_again(toys):
    before = read_checkpoint(toys.folder / "run" / "checkpoints" / "last" / "ckpt-101")
    kernel = next(value for key, value in before.items() if "classes/kernel" in key)
    assert kernel.std() > 0
    # bfloat16 is the upper half of float32.
    assert not (kernel.astype("f4").view("u4") & 0xFFFF).any()
    assert "nothing to do: weights are rounded" in toys.good("again").err


def test_an_export_of_the_format_answers_like_the_run(toys):
    assert "same answers as the model on 4 images of the data set" in toys.good("export").out
    own, frozen = (json.loads((toys.folder / f"{name}.json").read_text()) for name in (1, 2))
    assert own[0]["category_name"] == "blue"
    # Pixels of the picture; the box is at 11, 34 and measures 25 by 38.
    np.testing.assert_allclose(own[0]["bbox"], [11, 34, 25, 38], atol=6)
    assert len(own) == len(frozen)
    for mine, theirs in zip(own, frozen, strict=True):
        assert mine["category_id"] == theirs["category_id"]
        np.testing.assert_allclose(mine["bbox"], theirs["bbox"], atol=1e-2)
        assert mine["score"] == pytest.approx(theirs["score"], abs=1e-4)


def test_load_detector_gives_the_trained_detector(toys):
    assert toys.good("load").out == "CellDetector 12174 (1, 20)\n"
