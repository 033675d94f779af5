"""Augmented training samples as pictures, to see what the network will see."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import numpy as np

from detectune.config import schema
from detectune.config.architectures import image_resizer
from detectune.config.reading import training_needs
from detectune.data.pictures import draw_truth
from detectune.data.pipeline import batch_file_names, train_batches
from detectune.data.readers import open_reader
from detectune.data.resizers import build_resizer
from detectune.files import atomic_path
from detectune.structures import GroundTruth


def write_previews(
    config: schema.TrainEvalPipelineConfig, dest: str | os.PathLike[str], *, count: int, seed: int
) -> list[Path]:
    """`count` pictures in `dest`: the first training samples of `config`, boxes and masks drawn."""
    needs = training_needs(config)
    source = open_reader(config.train_input_reader, "train_input_reader", columns=needs.columns)
    batches = train_batches(config, source, build_resizer(image_resizer(config.model)), seed=seed)
    files: list[Path] = []
    for step, (inputs, annotated) in enumerate(batches):
        images, truth = inputs["images"], GroundTruth.from_batch(annotated)
        masks = truth.columns.get("masks")
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
            )
            files.append(Path(dest) / f"{len(files):04d}_{Path(name).stem}.jpg")
            with atomic_path(files[-1]) as temporary:
                picture.save(temporary, "JPEG", quality=90, subsampling=0)  # lines stay sharp
        if len(files) >= count:
            break
    return files
