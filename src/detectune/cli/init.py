"""`detectune init`: the folders of a new project."""

from __future__ import annotations

import os
from pathlib import Path

import click

from detectune.cli.arguments import PATH
from detectune.errors import ConfigError, three_part
from detectune.files import write_text
from detectune.terminal import say

FOLDERS = ("images/train", "images/test", "training", "pre-trained")

_README = """# {name}

A detector made with detectune.

    images/train/    pictures and annotations to learn from (VOC, COCO, YOLO, CSV or TFRecord)
    images/test/     others to measure with; no picture in both
    pre-trained/     detectors of the zoo
    training/        one folder for each training run

    detectune data inspect images/train
    detectune zoo download ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8
    detectune config new --model ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8 \\
        --train images/train --eval images/test -o training/pipeline.config
    detectune train training/pipeline.config --model-dir training/first
    detectune predict training/first images/test
"""


@click.command()
@click.argument("project", type=PATH)
def init(project: str) -> None:
    """Make the folders of a new PROJECT."""
    folder = Path(project)
    made = make_project(folder)
    for path in made:
        say(f"made {path}")
    if not made:
        say(f"{project}: all is there")
    say(f"next: put pictures and annotations into {folder / 'images' / 'train'}")


def make_project(project: Path) -> list[Path]:
    """Make what is missing of a project; what was made. Nothing is overwritten.

    Raises:
        ConfigError: a file, or a folder with other things in it, stands there.
    """
    if os.path.exists(project) and not _may_be_used(project):
        kind = "a file" if project.is_file() else "a folder with other things in it"
        raise ConfigError(
            three_part(
                f"{project}: this is {kind}.",
                "A project is a new or empty folder, or one that `detectune init PROJECT` made.",
                "Choose another name.",
            )
        )
    made = [project / name for name in FOLDERS if not os.path.isdir(project / name)]
    try:
        for folder in made:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            three_part(
                f"{project}: the folders could not be made: {error.strerror or error}.",
                "The place must be writable.",
                "Choose another place.",
            )
        ) from error
    readme = project / "README.md"
    if not readme.exists():
        write_text(readme, _README.format(name=project.resolve().name))
        made.append(readme)
    return made


def _may_be_used(project: Path) -> bool:
    if not project.is_dir():
        return False
    return not any(project.iterdir()) or (project / "images").is_dir()
