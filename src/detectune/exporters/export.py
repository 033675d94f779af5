"""A run → an exported model, checked against the run before success is reported."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from detectune.checkpoints.files import point_to, write_checkpoint
from detectune.checkpoints.keys import variable_keys
from detectune.checkpoints.run_directory import Run, open_run
from detectune.config.architectures import image_resizer
from detectune.config.label_map import write_label_map
from detectune.config.save import write_config
from detectune.data.decode import read_image
from detectune.data.padding import padded_to_square
from detectune.data.readers import open_reader
from detectune.data.resizers import Resizer, build_resizer
from detectune.detectors.base import Detector
from detectune.detectors.inference import DetectionModel, to_original
from detectune.errors import ConfigError, DetectuneError, ExportError, three_part
from detectune.exporters.contract import BOX_TOLERANCE, SCORE_TOLERANCE
from detectune.exporters.saved_model import read_saved_model
from detectune.files import write_error
from detectune.registry import exporters
from detectune.structures import Inputs

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
    run: Run | str | os.PathLike,
    *,
    to: str = "saved_model",
    path: str | os.PathLike,
    checkpoint: str | None = None,
    images: list[str] | None = None,
    precision: str = "fp32",
) -> Exported:
    """Write the detector of `run` to the folder `path`, and check what was written.

    The folder gets `saved_model/`, `checkpoint/`, `pipeline.config` and `label_map.pbtxt`, as
    from the original's exporter.

    Args:
        to: the format: "saved_model".
        checkpoint: "best", "last" or a path; the best there is if None.
        images: files to compare on; images of the data set if None, or random ones if that is
            not at hand.
        precision: "fp32".

    Raises:
        ConfigError: the folder is not empty, or format or precision are unknown.
        ExportError: the format cannot be written, or its answers differ.
    """
    opened = run if isinstance(run, Run) else open_run(run)
    write = exporters[to]
    _check_precision(precision)
    target = _free_folder(Path(path))
    detector = opened.detector(checkpoint)
    resizer = _of_one_size(build_resizer(image_resizer(opened.config.model), detector.pad_value))
    with _new_folder(target) as work:
        write(detector, resizer, work / "saved_model")
        checked = _compare(opened, detector, resizer, work / "saved_model", images)
        _write_companions(opened, detector, work)
    return Exported(target, *checked)


def _of_one_size(resizer: Resizer) -> Resizer:
    square = padded_to_square(resizer)
    if square is not resizer:
        _log.warning(
            "images are padded to %dx%d in the export, which has one input size inside; "
            "`predict` on the run takes them as they are.",
            *square.output_size,
        )
    return square


@contextmanager
def _new_folder(target: Path) -> Iterator[Path]:
    """A folder beside `target` that becomes `target` when the block ends well.

    Raises:
        WriteError: the disk is full, or may not be written to.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as folder:
            work = Path(folder) / "export"
            work.mkdir()
            yield work
            if target.exists():
                target.rmdir()
            shutil.move(work, target)
    except tf.errors.ResourceExhaustedError as error:
        raise write_error(target, OSError(errno.ENOSPC, "no space")) from error
    except OSError as error:
        if isinstance(error, DetectuneError):
            raise
        raise write_error(target, error) from error


def _check_precision(precision: str) -> None:
    if precision != "fp32":
        raise ConfigError(
            three_part(
                f"--precision {precision}: a SavedModel is written in fp32.",
                "Allowed: fp32.",
                "Leave the option out.",
            )
        )


def _free_folder(path: Path) -> Path:
    if path.is_file() or (path.is_dir() and any(path.iterdir())):
        raise ConfigError(
            three_part(
                f"{path}: there is something here already.",
                "An export is written to a new or empty folder; nothing is overwritten.",
                "Choose another path, or remove what is there.",
            )
        )
    return path


def _write_companions(run: Run, detector: Detector, folder: Path) -> None:
    values = {row.key: np.asarray(row.variable) for row in variable_keys(detector)}
    write_checkpoint(folder / "checkpoint" / "ckpt-0", values)
    point_to(folder / "checkpoint" / "ckpt-0")
    write_config(run.config, folder / "pipeline.config")
    write_label_map(run.label_map(), folder / "label_map.pbtxt")


def _compare(
    run: Run, detector: Detector, resizer: Resizer, path: Path, files: list[str] | None
) -> tuple[int, bool, float, float]:
    """(images, real, largest difference of boxes, of scores) between the file and `detector`."""
    pictures, real = _pictures(run, files)
    model, answer = DetectionModel(detector), read_saved_model(path)
    worst_box = worst_score = 0.0
    for picture in pictures:
        resized, size = resizer(picture)
        sizes = np.asarray(size)[None]
        images = np.asarray(resized)[None]
        given = _some_boxes(detector.needs.size("proposals"))
        if given is None:
            mine, theirs = model.detect(images, sizes), answer(picture[None])
        else:
            boxes = given * np.tile(sizes, 2).astype(np.float32)
            mine, theirs = (
                model.detect(Inputs(images=images, proposals=boxes), sizes),
                answer(picture[None], given),
            )
        boxes = to_original(mine, sizes, np.ones((1, 2)))
        worst_box = max(worst_box, _difference(theirs["detection_boxes"], boxes))
        worst_score = max(worst_score, _difference(theirs["detection_scores"], mine.scores))
    if worst_box > BOX_TOLERANCE or worst_score > SCORE_TOLERANCE:
        raise ExportError(
            three_part(
                f"export: on {len(pictures)} images the answers differ from the model's: boxes by "
                f"{worst_box:.2g} of the image, scores by {worst_score:.2g}.",
                f"Allowed: {BOX_TOLERANCE:g} and {SCORE_TOLERANCE:g}. Nothing was written.",
                "This is a defect of detectune: please report it with the pipeline.config.",
            )
        )
    return len(pictures), real, worst_box, worst_score


def _some_boxes(count: int) -> np.ndarray | None:
    """Proposals `[1, count, 4]`, fractions, to compare a detector of given boxes on."""
    if not count:
        return None
    corners = np.random.default_rng(0).random((1, count, 2, 2), np.float32)
    return np.concatenate([corners.min(axis=2), corners.max(axis=2)], axis=-1)


def _difference(theirs: np.ndarray, mine: np.ndarray) -> float:
    return float(np.max(np.abs(theirs - mine), initial=0.0))


def _pictures(run: Run, files: list[str] | None) -> tuple[list[np.ndarray], bool]:
    """Images to compare on, and whether they are real ones."""
    if files:
        return [read_image(file) for file in files], True
    for reader in (*run.config.eval_input_reader, run.config.train_input_reader):
        try:
            source = open_reader(reader, "eval_input_reader", run.label_map())
        except DetectuneError:
            continue  # the data may lie on another machine; random images compare as well
        count = min(len(source), _CHECKED_IMAGES)
        if count:
            return [_decoded(source.image_bytes(index)) for index in range(count)], True
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (240, 320, 3), np.uint8) for _ in range(2)], False


def _decoded(data: bytes) -> np.ndarray:
    from detectune.data.decode import decode
    from detectune.data.image_files import decodable

    return np.asarray(decode(decodable(data)))
