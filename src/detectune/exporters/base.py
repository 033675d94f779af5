"""What an export format is: how it is written, read and recognised, and how exact it is.

    detector, resizer ─► Exporter.write ─► folder or file ─► Exporter.read ─► ExportedModel

A format is a class in a file of this package, or in an entry point of the group
`detectune.exporters`, with `@exporters.register("name")` above it. Its module imports what only it
needs inside its methods: it must be there to say what to install.
"""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from detectune.config import schema
from detectune.config.label_map import LabelMap
from detectune.data.resizers import Resizer
from detectune.detectors.base import Detector
from detectune.errors import ConfigError, ExportError, did_you_mean, three_part

Answers = dict[str, np.ndarray]
"""Arrays by the names of `exporters.contract`."""


@dataclass(frozen=True)
class Tolerance:
    """How far the answers of an export may be from the model's."""

    boxes: float
    """Fractions of the image."""
    scores: float


@dataclass(frozen=True)
class Metadata:
    """What a file may carry so that it can be used alone."""

    label_map: LabelMap
    config: schema.TrainEvalPipelineConfig


@dataclass(frozen=True)
class ExportedModel:
    """An export that was read: images, and boxes of the data if it takes them, → answers."""

    answer: Callable[[Mapping[str, np.ndarray]], Answers]
    """Inputs by the names of `exporters.contract` → outputs by theirs."""
    inputs: tuple[str, ...]
    """Names of the inputs."""
    label_map: LabelMap | None = None
    """The classes, if the file itself says them."""

    def __call__(self, **inputs: np.ndarray) -> Answers:
        return self.answer(inputs)


class Exporter(ABC):
    """One format. Everything that other code needs to know about it is an attribute here."""

    name: str
    """As in `--to`; a folder of this name holds the model where a folder is written."""
    tolerances: ClassVar[Mapping[str, Tolerance]]
    """Precision, the usual one first → how far answers may be from the model's."""
    produces: Literal["folder", "file"] = "folder"
    """A folder gets checkpoint, pipeline.config and label map beside the model; a file is alone."""
    suffix: str = ""
    """What the name of a file ends in, with its dot."""
    requires: ClassVar[Mapping[str, str]] = {}
    """Module that must be importable → what `pip install` needs to bring it."""

    @abstractmethod
    def write(
        self, detector: Detector, resizer: Resizer, path: Path, *,
        precision: str = "fp32", metadata: Metadata | None = None,
    ) -> None:  # fmt: skip
        """Write `detector` to `path`, where nothing is yet.

        Args:
            resizer: what happens to images before the network, inside the export.

        Raises:
            ExportError: the detector cannot be written in this format.
        """

    @abstractmethod
    def read(self, path: Path) -> ExportedModel:
        """What `write` left at `path`.

        Raises:
            CheckpointError: it is damaged.
        """

    @abstractmethod
    def recognises(self, path: Path) -> bool:
        """Whether `path` is an export of this format, found without the libraries it needs."""

    def check_precision(self, precision: str) -> None:
        """Raises:
        ConfigError: the format has no such precision.
        """
        if precision not in self.tolerances:
            raise ConfigError(
                three_part(
                    f"--precision {precision}: {self.name} is not written in it.",
                    f"Allowed: {', '.join(self.tolerances)}.",
                    f"{did_you_mean(precision, self.tolerances)}Choose one of these, or leave the "
                    "option out.",
                )
            )

    def check_installed(self) -> None:
        """Raises:
        ExportError: a library is not installed.
        """
        missing = {
            module: line for module, line in self.requires.items() if not _importable(module)
        }
        if missing:
            raise ExportError(
                three_part(
                    f"{self.name}: not installed: {', '.join(missing)}.",
                    f"{self.name} is written and read with {', '.join(self.requires)}, which "
                    "nothing else here needs.",
                    f"Install with: pip install {' '.join(dict.fromkeys(missing.values()))}",
                )
            )


def _importable(module: str) -> bool:
    """Whether there is such a module; it is not imported."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of the package it is in
        return False
