"""A run directory: everything that evaluating, predicting, exporting and resuming need.

    pipeline.config      the effective config
    label_map.pbtxt      the classes
    checkpoints/last     the newest weights, and the state of training
    checkpoints/best     the weights of the best evaluation
    backbone.json        the network under the detector, if it is one of the user's
    metrics.jsonl        a line per log and evaluation

An unpacked zoo archive (`pipeline.config`, `checkpoint/ckpt-0`) is a run directory too.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import keras

from detectune.backbones.stored import read_description
from detectune.checkpoints.files import find_checkpoint
from detectune.checkpoints.pointers import is_checkpoint
from detectune.checkpoints.restore import label_map_beside, restore
from detectune.config import schema
from detectune.config.application_names import STORED
from detectune.config.architectures import (
    architecture_name,
    architecture_problem,
    num_classes,
)
from detectune.config.coco_classes import coco_label_map, is_coco
from detectune.config.label_map import LabelMap, read_label_map
from detectune.config.load import load_config
from detectune.config.own_network import network_block
from detectune.detectors.base import Detector
from detectune.detectors.build import build_detector
from detectune.errors import CheckpointError, ConfigError, three_part
from detectune.files import usable_path
from detectune.wording import plural


@dataclass(frozen=True)
class Run:
    """A folder with a pipeline.config and checkpoints."""

    path: Path
    config: schema.TrainEvalPipelineConfig

    @property
    def last(self) -> Path:
        return self.path / "checkpoints" / "last"

    @property
    def best(self) -> Path:
        return self.path / "checkpoints" / "best"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    def checkpoint(self, which: str | None = None) -> str:
        """The prefix of a checkpoint: "best", "last", a step, a path; None takes the best there is.

        Raises:
            CheckpointError: there is none.
        """
        if which in ("best", "last"):
            return find_checkpoint(self.path / "checkpoints" / which)
        if which and which.isascii() and which.isdigit() and not os.path.lexists(which):
            return self._checkpoint_of_step(which)
        return find_checkpoint(which or self.path)

    def _checkpoint_of_step(self, step: str) -> str:
        for folder in (self.best, self.last):
            if is_checkpoint(os.fspath(folder / f"ckpt-{step}")):
                return os.fspath(folder / f"ckpt-{step}")
        files = {file.stem for folder in (self.best, self.last) for file in folder.glob("*.index")}
        there = sorted(int(name[5:]) for name in files if re.fullmatch(r"ckpt-\d{1,15}", name))
        raise CheckpointError(
            three_part(
                f"{self.path}: there is no checkpoint of step {step[:20]}.",
                f"Kept are the steps {', '.join(map(str, there))}."
                if len(there) > 1
                else f"Kept is step {there[0]}."
                if there
                else "None is kept.",
                "Name one of them. A training keeps its newest N with --keep-checkpoints N.",
            )
        )

    def label_map(self) -> LabelMap:
        """The classes; `class 1`, `class 2`, … if no label map is known."""
        count = num_classes(self.config.model)
        return self.known_label_map() or LabelMap.from_names(
            f"class {number + 1}" for number in range(count)
        )

    def known_label_map(self) -> LabelMap | None:
        """The classes, from the label map in the folder or the one that the config names.

        A detector of 90 classes whose folder or config speaks of COCO is one for COCO.
        """
        beside = label_map_beside(os.fspath(self.path / "pipeline.config"))
        if beside is not None:
            return self._fitting(read_label_map(beside), beside)
        for reader in (*self.config.eval_input_reader, self.config.train_input_reader):
            if reader.label_map_path and os.path.isfile(reader.label_map_path):
                return read_label_map(reader.label_map_path)
        names = [reader.label_map_path for reader in self.config.eval_input_reader]
        if is_coco(num_classes(self.config.model), self.path.resolve().name, *names):
            return coco_label_map()
        return None

    def _fitting(self, label_map: LabelMap, file: Path) -> LabelMap:
        there = num_classes(self.config.model)
        highest = max((item.id for item in label_map.items), default=0)
        if highest <= there:
            return label_map
        raise CheckpointError(
            three_part(
                f"{file}: it has ids up to {highest}, but the model has {plural(there, 'class')}.",
                "The label map of a run is that with which it was trained.",
                "Put the right one there; `pipeline.config` beside it says which that was.",
            )
        )

    def network(self) -> keras.Model | None:
        """The network under the detector if it is one of the user's, with random weights.

        Raises:
            CheckpointError: the file that describes it is missing or damaged.
        """
        block = network_block(self.config.model)
        if block is None or not block.saved.endswith(STORED):
            return None
        file = self.path / STORED
        if not file.is_file():
            raise CheckpointError(
                three_part(
                    f"{file}: it is not there.",
                    "It says what the network under this detector is, which somebody brought along "
                    "when the run began.",
                    "Copy it from where the run was trained, with the rest of the folder.",
                )
            )
        return read_description(file)[0]

    def detector(self, which: str | None = None) -> Detector:
        """The detector with the weights of the checkpoint `which`."""
        detector = build_detector(self.config.model, backbone=self.network())
        prefix = self.checkpoint(which)
        try:
            restore(detector, prefix, kind="full")
        except CheckpointError:
            newer = self.checkpoint(which)
            if newer == prefix:
                raise
            # A training that goes on has just put a newer one in its place.
            restore(detector, newer, kind="full")
        return detector


def open_run(path: str | os.PathLike[str]) -> Run:
    """The run directory, unpacked zoo archive or exporter folder at `path`.

    Raises:
        CheckpointError: the folder is missing, or is none of these.
        ConfigError: its pipeline.config cannot be read, or names no detector.
    """
    folder = usable_path(path, "run directory")
    if folder.name == "pipeline.config" and folder.is_file():
        folder = folder.parent
    config = folder / "pipeline.config"
    if not config.is_file():
        found = "holds no pipeline.config" if folder.is_dir() else "is no folder"
        raise CheckpointError(
            three_part(
                f"{path}: it {found}.",
                "Needed is a run directory (pipeline.config and checkpoints/), an unpacked zoo "
                "archive (pipeline.config and checkpoint/) or, to predict, an exported folder.",
                "Check the path; `detectune train FILE --model-dir DIR` makes a run directory.",
            )
        )
    return Run(folder, _with_model(load_config(config), config))


def _with_model(
    config: schema.TrainEvalPipelineConfig, file: Path
) -> schema.TrainEvalPipelineConfig:
    """`config`, if it says which detector it is of."""
    if architecture_name(config.model):
        return config
    problem = architecture_problem(config.model)
    found = problem.found if problem else "there is no model."
    raise ConfigError(
        three_part(
            f"{file}: model: {found}",
            "The pipeline.config of a run is that with which it was trained.",
            "Put it there again; a copy may stand beside it as pipeline.config.earlier.",
        )
    )
