"""The guide to Faster R-CNN, typed in as it stands: from the archive to the export."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from detectune.checkpoints.files import point_to, write_checkpoint
from detectune.checkpoints.keys import variable_keys
from detectune.config.save import write_config
from detectune.detectors.build import build_detector
from detectune.exporters.contract import ANCHOR_OUTPUTS, OUTPUTS
from detectune.exporters.saved_model import SavedModelExporter
from detectune.recipes.templates import template

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "faster-rcnn.md"
ARCHIVE = "faster_rcnn_resnet50_v1_640x640_coco17_tpu-8"
COLOURS = {"cat": 40, "dog": 80, "fox": 120, "hen": 160, "owl": 200}

pytestmark = pytest.mark.slow


def write_archive(folder: Path) -> None:
    """What the zoo's archive holds, with random weights."""
    keras.utils.set_random_seed(3)
    config = template(ARCHIVE)
    values = {
        row.key: np.asarray(row.variable) for row in variable_keys(build_detector(config.model))
    }
    write_checkpoint(folder / "checkpoint" / "ckpt-0", values)
    point_to(folder / "checkpoint" / "ckpt-0")
    for reader in (config.train_input_reader, config.eval_input_reader[0]):
        reader.label_map_path = "PATH_TO_BE_CONFIGURED/label_map.txt"
        reader.tf_record_input_reader.input_path[:] = ["PATH_TO_BE_CONFIGURED/train.tfrecord"]
    config.train_config.fine_tune_checkpoint = "PATH_TO_BE_CONFIGURED/resnet50.ckpt-1"
    write_config(config, folder / "pipeline.config")


def write_images(folder: Path) -> None:
    """One animal on each picture, and annotations as CSV."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = ["filename,width,height,class,xmin,ymin,xmax,ymax"]
    for place, (name, shade) in enumerate(COLOURS.items()):
        image = np.full((120, 160, 3), 230, np.uint8)
        image[30:90, 20 + 8 * place : 90 + 8 * place] = shade
        Image.fromarray(image).save(folder / f"{name}.png")
        rows.append(f"{name}.png,160,120,{name},{20 + 8 * place},30,{90 + 8 * place},90")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")


def script(archive: Path, images: Path, label_map: Path) -> str:
    """The guide's commands, with two steps instead of two thousand."""
    text = "".join(re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text("utf-8"), re.M | re.S))
    download = f"detectune zoo download {ARCHIVE}\n"
    assert text.count(download) == 1
    at_hand = (
        f"cp -r '{archive}' pre-trained/{ARCHIVE}\ncp -r '{images}'/* images/\n"
        f"cp '{label_map}' label_map.pbtxt\n"
    )
    text = text.replace(download, at_hand).replace("num_steps=2000", "num_steps=2")
    return f"set -euo pipefail\ndetectune() {{ '{sys.executable}' -m detectune \"$@\"; }}\n{text}"


def test_the_guide_leads_from_the_archive_to_the_export(tmp_path):
    write_archive(tmp_path / "archive")
    for part in ("train", "test"):
        write_images(tmp_path / "pictures" / part)
    lines = [f"item {{ id: {k + 1} name: '{name}' }}\n" for k, name in enumerate(COLOURS)]
    (tmp_path / "map.pbtxt").write_text("".join(lines))
    commands = script(tmp_path / "archive", tmp_path / "pictures", tmp_path / "map.pbtxt")
    done = subprocess.run(
        ["bash", "-c", commands], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    project = tmp_path / "animals"
    # Of 90 classes to 5: the class layer's kernel and bias start anew, and nothing else.
    report = done.stdout + done.stderr
    assert re.search(r"fresh: 2 \(.*class_predictor_layers.*\)", report), report
    assert (project / "training/animals/faster_rcnn/run/report.html").is_file()
    assert len(list((project / "drawn").glob("*.png"))) + len(
        list((project / "drawn").glob("*.jpg"))
    ) == len(COLOURS)
    model = SavedModelExporter().read(project / "exported" / "saved_model")
    answers = model(input_tensor=np.zeros((1, 120, 160, 3), np.uint8))
    assert sorted(answers) == sorted((*OUTPUTS, *ANCHOR_OUTPUTS))
    assert answers["detection_multiclass_scores"].shape[-1] == len(COLOURS) + 1
