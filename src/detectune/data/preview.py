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
from detectune.data.columns.base import columns
from detectune.data.pictures import draw_truth
from detectune.data.pipeline import batch_file_names, train_batches
from detectune.data.readers import open_reader
from detectune.data.resizers import build_resizer
from detectune.files import atomic_path
from detectune.structures import GroundTruth


def write_previews(
    config: schema.TrainEvalPipelineConfig, dest: str | os.PathLike[str], *, count: int, seed: int
) -> list[Path]:
    """`count` pictures in `dest`: the first training samples of `config`, annotations drawn."""
    refuse(errors(report_fields(config)))
    needs = training_needs(config)
    source = open_reader(config.train_input_reader, "train_input_reader", columns=needs.columns)
    batches = train_batches(config, source, build_resizer(image_resizer(config.model)), seed=seed)
    files: list[Path] = []
    for step, (inputs, annotated) in enumerate(batches):
        images, truth = inputs["images"], GroundTruth.from_batch(annotated)
        masks = truth.columns.get("masks")
        points = _points(truth)
        names = batch_file_names(source, config, seed, step)
        size = np.array([images.shape[1], images.shape[2]] * 2, np.float32)
        for row, name in enumerate(itertools.islice(names, count - len(files))):
            pixels = np.clip(images[row].numpy(), 0, 255).astype(np.uint8)
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
            files.append(Path(dest) / f"{len(files):04d}_{Path(name).stem}.jpg")
            with atomic_path(files[-1]) as temporary:
                picture.save(temporary, "JPEG", quality=90, subsampling=0)  # lines stay sharp
        if len(files) >= count:
            break
    return files


def _points(truth: GroundTruth) -> np.ndarray | None:
    """`[B, N, K, 2]` of all columns of points together; None if there is none."""
    found = [rows for name, rows in truth.columns.items() if columns[name].moves == "points"]
    return np.concatenate(found, axis=2) if found else None
