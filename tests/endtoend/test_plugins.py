"""Parts of another package, found by their entry points: the package of the guide to extending."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from command import Outcome
from tiny import CONFIG, write_squares

ROOT = Path(__file__).resolve().parents[2]
TOYS = ROOT / "docs" / "snippets" / "detectune_toys"
CONFIG_FILE = "cells.config"

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
COMMANDS = {
    "check": ["config", "check", CONFIG_FILE],
    "check ssd": ["config", "check", "ssd.config"],
    "check wrong": ["config", "check", "wrong.config"],
    "show": ["config", "show", CONFIG_FILE, "--set", "model.*.num_classes=5"],
    "inspect": ["data", "inspect", "squares/labels.jsonl"],
    "inspect wrong": ["data", "inspect", "wrong.jsonl"],
    "preview": ["data", "preview", "inverted.config", "previews", "--count", "2"],
    "train": ["train", CONFIG_FILE, "--model-dir", "run"],
    "again": ["train", CONFIG_FILE, "--model-dir", "run", "--resume"],
    "without certainty": ["train", "csv.config", "--model-dir", "other"],
    "evaluate": ["evaluate", "run", "--json", "metrics.json"],
    "export": ["export", "run", "--to", "frozen_graph", "-o", "cells.pb"],
    "export as we do": ["export", "run", "-o", "exported"],
    "export broken": ["export", "run", "--to", "broken", "-o", "broken.pb"],
    "predict": ["predict", "run", "squares/square0.png", "--out", "1", "--json", "1.json"],
    "predict frozen": ["predict", "cells.pb", "squares/square0.png", "--out", "2"]
    + ["--json", "2.json"],
    "predict damaged": ["predict", "damaged.pb", "squares/square0.png", "--out", "3"],
    "ssd": ["python", BUILDS_AN_SSD],
    "load": ["python", LOADS],
}


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
    text = (TOYS / CONFIG_FILE).read_text()
    (folder / CONFIG_FILE).write_text(text)
    (folder / "inverted.config").write_text(text.replace("probability: 0.1", "probability: 1.0"))
    (folder / "csv.config").write_text(text.replace("labels.jsonl", "labels.csv"))
    (folder / "wrong.config").write_text(
        text.replace("random_invert]", "random_invent]").replace("    num_classes: 2\n", "")
    )
    readers = text[text.index("train_input_reader") : text.index("eval_config")]
    readers += text[text.index("eval_input_reader") :]
    (folder / "ssd.config").write_text(
        CONFIG.replace("ssd_mobilenet_v2_fpn_keras", "ssd_blocks_fpn_keras") + readers
    )
    (folder / "damaged.pb").write_bytes(b"no graph")


@pytest.fixture(scope="module")
def toys(tmp_path_factory) -> tuple[Path, dict[str, Outcome]]:
    """The folder in which the commands were run, and what each of them left behind."""
    folder = tmp_path_factory.mktemp("toys")
    groups = tomllib.loads((TOYS / "pyproject.toml").read_text())["project"]["entry-points"]
    install(folder / "site", "detectune_toys", groups)
    shutil.copytree(TOYS / "detectune_toys", folder / "site" / "detectune_toys")
    # Another package, of which nothing can be imported.
    install(folder / "site", "broken", {group: {"broken": "broken_parts"} for group in groups})
    (folder / "site" / "broken_parts.py").write_text("raise OSError('the disk is on fire')\n")
    write_data(folder)
    (folder / "commands.json").write_text(json.dumps(COMMANDS))
    tests = [str(ROOT / "tests" / "endtoend"), str(ROOT / "tests")]
    path = os.pathsep.join([str(folder / "site"), *tests, *sys.path])
    done = subprocess.run(
        [sys.executable, tests[0] + "/run_commands.py", "commands.json", "outcomes.json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    outcomes = json.loads((folder / "outcomes.json").read_text())
    return folder, {name: Outcome(*values) for name, values in outcomes.items()}


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in COMMANDS
        if "wrong" not in name and name.split()[-1] not in ("broken", "damaged", "certainty")
    ],
)
def test_the_commands_succeed(toys, name):
    assert toys[1][name].status == 0, toys[1][name].err


def test_a_block_of_the_package_is_checked_and_changed(toys):
    _, done = toys
    print(done)
    assert 0
