"""Greatest resident memory of a few training steps: the source of `config/memory.py`.

    python benchmarks/memory.py MODEL BATCH [--out FILE.csv]

MODEL is a name of `detectune config new`. One model and batch for each process: memory that was
once used is not given back. Two-stage detectors without a pyramid keep the statistics of their
batch norms, as in the configs that `config new` writes.
"""

from __future__ import annotations

import argparse
import os
import resource
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from google.protobuf import text_format
from tables import add_rows
from train_step import OPTIMIZER, batch_of

from detectune.config import schema
from detectune.detectors.build import build_detector
from detectune.recipes.templates import template
from detectune.training.optimizers import build_optimizer

_STEPS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("batch", type=int)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    config = schema.TrainEvalPipelineConfig(model=template(arguments.model).model)
    config.train_config.batch_size = arguments.batch
    text_format.Parse(OPTIMIZER, config.train_config)
    if config.model.HasField("faster_rcnn"):
        extractor = config.model.faster_rcnn.feature_extractor
        extractor.batch_norm_trainable = extractor.HasField("fpn")
    detector = build_detector(config.model)
    images, truth, _ = batch_of(config, detector)
    detector.compile(optimizer=build_optimizer(config.train_config.optimizer), jit_compile=False)
    built = _gigabytes()
    for _ in range(_STEPS):
        detector.train_on_batch(images, truth)
    row = {"model": arguments.model, "batch": arguments.batch, "pixels": images[0, :, :, 0].size}
    add_rows(
        arguments.out, [row | {"built_gb": round(built, 2), "peak_gb": round(_gigabytes(), 2)}]
    )


def _gigabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
