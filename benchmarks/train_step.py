"""A training step through `fit` against the bare network, side by side in one process.

    python benchmarks/train_step.py CONFIG [--batch 2] [--steps 20] [--out FILE.csv]

CONFIG is a pipeline.config, or a model of `detectune config new`. Rows are added to FILE.csv.

Figures, measured in turns so that a busy machine disturbs all alike:

    bare      forward and backward pass of the same network, compiled, batch in memory; its loss is
              the mean of the outputs, and its batch norms are Keras's own; of two-stage detectors
              with as many regions as the second stage learns from, see bare.py
    fused     the same with detectune's batch norms
    training  `fit` of the whole detector: targets, losses, optimizer, with the batch in memory
    pipeline  the same fed by the input pipeline (with --data SOURCE)
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from bare import network_outputs
from google.protobuf import text_format
from tables import add_rows

from detectune.config import schema
from detectune.config.architectures import image_resizer
from detectune.config.load import load_config
from detectune.data.pipeline import train_batches
from detectune.data.resizers import build_resizer
from detectune.data.sources import recognise
from detectune.detectors.base import Detector
from detectune.detectors.build import build_detector
from detectune.layers import batch_norm, conv_norm
from detectune.recipes.templates import template
from detectune.structures import GroundTruth
from detectune.training.optimizers import build_optimizer

OPTIMIZER = """optimizer { momentum_optimizer { learning_rate {
    constant_learning_rate { learning_rate: 0.001 } } } use_moving_average: false }"""


def bare_step(detector: Detector, images: np.ndarray):
    """A compiled forward and backward pass of the network alone."""

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            outputs = network_outputs(detector, batch, training=True)
            loss = tf.add_n([tf.reduce_mean(output) for output in outputs])
        return tape.gradient(loss, [v.value for v in detector.trainable_variables])

    batch = tf.constant(images)
    return lambda: step()[0].numpy()


def fit_step(detector: Detector, config: schema.TrainEvalPipelineConfig, batches: tf.data.Dataset):
    """One step of `fit`, driven by hand so that it can take turns with others."""
    detector.compile(optimizer=build_optimizer(config.train_config.optimizer), jit_compile=False)
    iterator = iter(batches)

    def step() -> None:
        images, truth = next(iterator)
        detector.train_on_batch(images, truth)

    return step


def batch_of(config: schema.TrainEvalPipelineConfig, detector: Detector):
    """Made-up images and one box each."""
    resizer = build_resizer(image_resizer(config.model), detector.pad_value)
    height, width = resizer.output_size
    count = config.train_config.batch_size
    images = np.random.default_rng(0).uniform(0, 255, (count, height, width, 3)).astype(np.float32)
    boxes = np.zeros((count, 8, 4), np.float32)
    boxes[:, 0] = [height * 0.2, width * 0.2, height * 0.7, width * 0.8]
    valid = np.zeros((count, 8), bool)
    valid[:, 0] = True
    truth = GroundTruth(boxes, np.zeros((count, 8), np.int32), valid, valid.astype(np.float32))
    if "mask_loss" in detector.loss_names:
        masks = np.zeros((count, 8, height, width), np.uint8)
        masks[:, 0, height // 4 : height // 2, width // 4 : width // 2] = 1
        truth = truth._replace(columns={"masks": masks})
    return images, truth, resizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config")
    parser.add_argument("--data", help="a data set, for the figure with the input pipeline")
    parser.add_argument("--batch", type=int, help="images in a batch, instead of the config's")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    given = Path(arguments.config)
    config = schema.TrainEvalPipelineConfig()
    if given.is_file():
        config = load_config(given)
    else:
        config.model.CopyFrom(template(arguments.config).model)
    config.train_config.batch_size = arguments.batch or config.train_config.batch_size
    if not config.train_config.HasField("optimizer"):
        text_format.Parse(OPTIMIZER, config.train_config)
    steps = {}
    kernel = batch_norm.has_fused_kernel
    detector = build_detector(config.model)
    images, truth, resizer = batch_of(config, detector)
    batch_norm.has_fused_kernel = conv_norm.has_fused_kernel = lambda inputs: False
    steps["bare"] = bare_step(build_detector(config.model), images)
    _timed(steps["bare"])  # traced while Keras's own batch norm is in place
    batch_norm.has_fused_kernel = conv_norm.has_fused_kernel = kernel
    steps["fused"] = bare_step(build_detector(config.model), images)
    memory = tf.data.Dataset.from_tensors(({"images": images}, truth.as_batch())).repeat()
    steps["training"] = fit_step(detector, config, memory)
    if arguments.data:
        source = recognise.open_source(arguments.data)
        batches = train_batches(config, source, resizer, seed=0)
        steps["pipeline"] = fit_step(build_detector(config.model), config, batches)
    for step in steps.values():
        _timed(step)
    times = {name: [] for name in steps}
    for _ in range(arguments.steps):
        for name, step in steps.items():
            times[name].append(_timed(step))
    rows = [
        {
            "model": given.stem,
            "batch": config.train_config.batch_size,
            "what": name,
            "median_s": round(statistics.median(seconds), 4),
            "min_s": round(min(seconds), 4),
            "ratio_to_bare": round(
                statistics.median(seconds) / statistics.median(times["bare"]), 3
            ),
            "ratio_to_fused": round(
                statistics.median(seconds) / statistics.median(times["fused"]), 3
            ),
        }
        for name, seconds in times.items()
    ]
    print("peak MB of all together", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
    add_rows(arguments.out, rows)


def _timed(step) -> float:
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


if __name__ == "__main__":
    print(f"Keras {keras.__version__} on {keras.backend.backend()}, TensorFlow {tf.__version__}")
    main()
