"""A run → an exported model, checked against the run before success is reported."""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detectune.checkpoints.files import point_to, write_checkpoint
from detectune.checkpoints.keys import variable_keys
from detectune.checkpoints.run_directory import Run, open_run
from detectune.config.application_names import STORED
from detectune.config.architectures import image_resizer
from detectune.config.label_map import write_label_map
from detectune.config.save import write_config
from detectune.data.decode import decoded, read_image
from detectune.data.padding import padded_to_square
from detectune.data.readers import open_reader
from detectune.data.resizers import Resizer, build_resizer
from detectune.data.sources.base import Source
from detectune.detectors.base import Detector
from detectune.errors import DetectuneError, ExportError, three_part
from detectune.exporters.base import Exporter, Metadata
from detectune.exporters.comparison import Differences, differences
from detectune.exporters.destination import free_target, new_target
from detectune.files import usable_path, write_text
from detectune.registry import exporters
from detectune.wording import plural

_log = logging.getLogger("detectune")
_CHECKED_IMAGES = 4


@dataclass(frozen=True)
class Exported:
    """What was written, and how it compares with the model."""

    path: Path
    images: int
    """On how many images it was compared."""
    real: bool
    """Whether these were images of the data set; else they were random."""
    box_difference: float
    """The largest difference of a box, as a fraction of the image."""
    score_difference: float
    """The largest difference of a score."""


def export(
    run: Run | str | os.PathLike[str],
    *,
    to: str = "saved_model",
    path: str | os.PathLike[str],
    checkpoint: str | None = None,
    images: list[str] | None = None,
    precision: str | None = None,
) -> Exported:
    """Write the detector of `run` to `path`, and check what was written.

    Where the format is a folder, `path` gets one named after the format, such as `saved_model/`,
    and `checkpoint/`, `pipeline.config` and `label_map.pbtxt`, as from the original's exporter.
    Where it is a file, `path` is that file.

    Args:
        to: the format: "saved_model", or one that another package brings.
        checkpoint: "best", "last" or a path; the best there is if None.
        images: files to compare on; images of the data set if None, or random ones if that is
            not at hand.
        precision: one that the format has; the usual one of the format if None.

    Raises:
        ConfigError: there is something at `path`, or format or precision are unknown.
        ExportError: a library that the format needs is not installed, the detector cannot be
            written in it, or its answers differ.
    """
    opened = run if isinstance(run, Run) else open_run(run)
    exporter: Exporter = exporters[to]
    precision = next(iter(exporter.tolerances)) if precision is None else precision
    exporter.check_precision(precision)
    exporter.check_installed()
    target = free_target(usable_path(path, "--output"), exporter)
    detector = opened.detector(checkpoint)
    resizer = _of_one_size(build_resizer(image_resizer(opened.config.model), detector.pad_value))
    metadata = Metadata(opened.label_map(), opened.config)
    with new_target(target) as work:
        written = work
        if exporter.produces == "folder":
            work.mkdir()
            written = work / exporter.name
        exporter.write(detector, resizer, written, precision=precision, metadata=metadata)
        pictures, real = _pictures(opened, images)
        found = differences(exporter.read(written), detector, resizer, pictures)
        _check(exporter, precision, found, len(pictures))
        if exporter.produces == "folder":
            _write_companions(metadata, detector, work)
    return Exported(target, len(pictures), real, found.boxes, found.scores)


def _of_one_size(resizer: Resizer) -> Resizer:
    square = padded_to_square(resizer)
    if square is not resizer:
        _log.warning(
            "images are padded to %dx%d in the export, which has one input size inside; "
            "`predict` on the run takes them as they are.",
            *square.output_size,
        )
    return square


def _check(exporter: Exporter, precision: str, found: Differences, count: int) -> None:
    allowed = exporter.tolerances[precision]
    if not found.within(allowed):
        raise ExportError(
            three_part(
                f"export: on {plural(count, 'image')} the answers differ from the model's: boxes "
                f"by {found.boxes:.2g} of the image, scores by {found.scores:.2g}.",
                f"Allowed for {exporter.name} in {precision}: {allowed.boxes:g} and "
                f"{allowed.scores:g}. Nothing was written.",
                "This is a defect of detectune, or of the package that brings the format: please "
                "report it with the pipeline.config.",
            )
        )


def _write_companions(metadata: Metadata, detector: Detector, folder: Path) -> None:
    values = {row.key: np.asarray(row.variable) for row in variable_keys(detector)}
    write_checkpoint(folder / "checkpoint" / "ckpt-0", values)
    point_to(folder / "checkpoint" / "ckpt-0")
    write_config(metadata.config, folder / "pipeline.config")
    write_label_map(metadata.label_map, folder / "label_map.pbtxt")
    if detector.network_description:
        write_text(folder / STORED, detector.network_description)


def _pictures(run: Run, files: list[str] | None) -> tuple[list[np.ndarray], bool]:
    """Images to compare on, and whether they are real ones."""
    if files:
        return [read_image(file) for file in files], True
    for reader in (*run.config.eval_input_reader, run.config.train_input_reader):
        try:
            source = open_reader(reader, "eval_input_reader", run.label_map())
        except DetectuneError:
            continue  # the data may lie on another machine; random images compare as well
        pictures = list(itertools.islice(_readable(source), _CHECKED_IMAGES))
        if pictures:
            return pictures, True
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (240, 320, 3), np.uint8) for _ in range(2)], False


def _readable(source: Source) -> Iterator[np.ndarray]:
    """The images of `source` that can be read, one after another."""
    for index in range(len(source)):
        try:
            yield decoded(source.image_bytes(index))
        except ValueError:
            continue  # any other serves as well
