"""Augmented training samples as pictures, to see what the network will see."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import numpy as np

from detectune.config import schema
from detectune.config.architectures import image_resizer
from detectune.config.problems import errors, refuse
from detectune.config.reading import training_needs
from detectune.config.report import report_fields
from detectune.data.columns.base import columns as known_columns
from detectune.data.pictures import draw_truth
from detectune.data.pipeline import batch_file_names, train_batches
from detectune.data.readable import LeftOut, ReadableImages, named_errors, unsaid
from detectune.data.readers import open_reader
from detectune.data.resizers import build_resizer
from detectune.files import atomic_path, ensure_folder, short_name
from detectune.structures import GroundTruth
from detectune.wording import one_line


def write_previews(
    config: schema.TrainEvalPipelineConfig, dest: str | os.PathLike[str], *, count: int, seed: int
) -> tuple[list[Path], LeftOut]:
    """`count` pictures in `dest`: the first training samples of `config`, annotations drawn.

    Returns:
        The pictures, and the images that cannot be read, which are left out.
    """
    refuse(errors(report_fields(config)))
    ensure_folder(dest)
    columns = training_needs(config).columns
    source = open_reader(config.train_input_reader, "train_input_reader", columns=columns)
    images = ReadableImages(source, unsaid)
    return _write(config, images, Path(dest), count, seed), images.left_out


def _write(
    config: schema.TrainEvalPipelineConfig,
    images: ReadableImages,
    dest: Path,
    count: int,
    seed: int,
) -> list[Path]:
    source, resizer = images.source, build_resizer(image_resizer(config.model))
    batches = train_batches(config, source, resizer, seed=seed, images=images)
    files: list[Path] = []
    for step, (inputs, annotated) in enumerate(named_errors(batches, images)):
        seen, truth = inputs["images"], GroundTruth.from_batch(annotated)
        masks = truth.columns.get("masks")
        points = _points(truth)
        names = batch_file_names(source, config, seed, step, images.gone)
        size = np.array([seen.shape[1], seen.shape[2]] * 2, np.float32)
        for row, name in enumerate(itertools.islice(names, count - len(files))):
            pixels = np.clip(seen[row].numpy(), 0, 255).astype(np.uint8)
            valid = truth.valid[row].numpy()
            picture = draw_truth(
                pixels.repeat(3, -1) if pixels.shape[-1] == 1 else pixels,
                truth.boxes[row].numpy()[valid] / size,
                truth.classes[row].numpy()[valid] + 1,
                source.label_map,
                longest=640,
                masks=() if masks is None else masks[row].numpy()[valid],
                points=None if points is None else points[row][valid] / size[:2],
            )
            files.append(dest / _file_name(len(files), name))
            with atomic_path(files[-1]) as temporary:
                picture.save(temporary, "JPEG", quality=90, subsampling=0)  # lines stay sharp
        if len(files) >= count:
            break
    return files


def _file_name(number: int, image: str) -> str:
    """`0007_name of the image.jpg`, with nothing in it that a file name may not have."""
    stem = one_line(image.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0])
    return short_name(f"{number:04d}_{stem}".replace("\\", "_"), ".jpg")


def _points(truth: GroundTruth) -> np.ndarray | None:
    """`[B, N, K, 2]` of all columns of points together; None if there is none."""
    found = [rows for name, rows in truth.columns.items() if known_columns[name].moves == "points"]
    return np.concatenate(found, axis=2) if found else None
