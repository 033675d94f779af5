"""A training step with the backbone frozen, and with its output kept, against their parts.

    python benchmarks/frozen.py MODEL BATCH [--steps 20] [--out FILE.csv]

MODEL is a name of `detectune config new`. Figures, measured in turns in one process so that a busy
machine disturbs all alike:

    full      a step in which everything trains
    frozen    with the backbone frozen
    cached    with the backbone's output read from a disk, through the pipeline
    begin     forward pass of the frozen part, batch norms as they are in inference
    folded    the same with batch norms folded into the convolutions, as a frozen step computes it
    rest      forward and backward pass of what lies behind it, with targets and losses
    network   the same without them: the loss is the mean of the outputs

`to_parts` is `frozen` against `begin` + `rest`, and `cached` against `rest`; `to_network` the same
with `network` in place of `rest`. Peak memory is that of a process for each of the first three.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
from bare import network_outputs
from google.protobuf import text_format
from tables import add_rows
from train_step import OPTIMIZER, _timed, batch_of

from detectune.config import schema
from detectune.data.kept.batches import KeptMaps, kept_batches, record_dtype, records_of
from detectune.data.kept.numbers import numbers_of
from detectune.data.kept.store import Index, Store, new_store, open_store
from detectune.data.kept.views import views_of
from detectune.detectors.base import Detector
from detectune.detectors.build import build_detector
from detectune.detectors.frozen import prepare_frozen
from detectune.recipes.templates import template
from detectune.structures import GroundTruth, Inputs
from detectune.training.freezing import freeze
from detectune.training.optimizers import build_optimizer

BACKBONE = "classification_backbone"
_IMAGES = 32
_MEMORY_STEPS = 3


def config_of(model: str, batch: int) -> schema.TrainEvalPipelineConfig:
    config = schema.TrainEvalPipelineConfig(model=template(model).model)
    config.train_config.batch_size = batch
    text_format.Parse(OPTIMIZER, config.train_config)
    return config


def detector_of(config: schema.TrainEvalPipelineConfig, *, frozen: bool) -> Detector:
    detector = build_detector(config.model)
    if frozen:
        freeze(detector, freeze_patterns=[BACKBONE], update_patterns=[])
        assert prepare_frozen(detector) is not None
    detector.compile(optimizer=build_optimizer(config.train_config.optimizer), jit_compile=False)
    detector.optimizer.build(detector.trainable_variables)
    return detector


class Parts:
    """A step of each kind, and the parts of a frozen one."""

    def __init__(self, config: schema.TrainEvalPipelineConfig, folder: Path) -> None:
        self.config, self.folder = config, folder
        self.frozen = detector_of(config, frozen=True)
        images, truth, _ = batch_of(config, self.frozen)
        self.images = tf.constant(images)
        self.truth = {name: tf.constant(part) for name, part in truth.as_batch().items()}
        assert self.frozen.frozen is not None
        # Through `predict_on_batch` it would be compiled for nothing else.
        self.kept = [tf.constant(one) for one in self._begin(self.frozen)()]

    def steps(self) -> dict[str, object]:
        frozen = self.frozen
        folded, plain = self._begin(frozen), self._plain(frozen)
        rest, network = self._rest(), self._network()
        return {
            "full": self._fit(detector_of(self.config, frozen=False), self.images),
            "frozen": self._fit(frozen, self.images),
            "cached": self._fit_kept(detector_of(self.config, frozen=True)),
            "begin": lambda: plain()[0].numpy(),
            "folded": lambda: folded()[0].numpy(),
            "rest": lambda: rest()[-1].numpy(),
            "network": lambda: network()[-1].numpy(),
        }

    def _fit(self, detector: Detector, images: tf.Tensor):
        inputs = {"images": images}
        return lambda: detector.train_on_batch(inputs, self.truth)

    def _fit_kept(self, detector: Detector):
        batches = iter(kept_batches_of(self.config, self.kept, self.truth, self.folder))

        def step() -> None:
            inputs, truth = next(batches)
            detector.train_on_batch(inputs, truth)

        return step

    def _begin(self, detector: Detector):
        return tf.function(lambda: detector.frozen.begin(self.images))

    def _plain(self, detector: Detector):
        return tf.function(lambda: detector.backbone(self.images, training=False))

    def _inputs(self) -> Inputs:
        return Inputs(images=self.images[..., :0], kept=self.kept)

    def _rest(self):
        detector = self.frozen

        @tf.function
        def step():
            with tf.GradientTape() as tape:
                out = detector(self._inputs(), training=True)
                truth = GroundTruth.from_batch(self.truth)
                loss = sum(detector.named_losses(self._inputs(), truth, out).values())
            return tape.gradient(loss, [v.value for v in detector.trainable_variables])

        return step

    def _network(self):
        detector = self.frozen

        @tf.function
        def step():
            with tf.GradientTape() as tape:
                outputs = network_outputs(detector, self._inputs(), training=True)
                loss = tf.add_n([tf.reduce_mean(output) for output in outputs])
            gradients = tape.gradient(loss, [v.value for v in detector.trainable_variables])
            return [gradient for gradient in gradients if gradient is not None]

        return step


def kept_batches_of(config, kept, truth, folder: Path) -> tf.data.Dataset:
    """Batches of a store on disk that holds the maps of made-up images."""
    numbers = numbers_of(config.train_config.feature_cache)
    views = views_of(config.train_config)
    maps = [tuple(one.shape[1:]) for one in kept]
    specs = {name: tf.TensorSpec(part.shape[1:], part.dtype) for name, part in truth.items()}
    dtype, path = record_dtype(maps, numbers, {}, specs), folder / "store"
    arrays = {name: np.asarray(part) for name, part in truth.items()}
    records = records_of([np.asarray(one) for one in kept], numbers, {}, arrays)
    with new_store(path, dtype, _IMAGES, Index("key", {}, [])) as writer:
        for entry in range(_IMAGES):
            writer.write(entry, records[entry % len(records)])
    store = open_store(path, dtype, _IMAGES, "key")
    assert isinstance(store, Store)
    size = tuple(int(side) for side in config_size(config))
    return kept_batches(config, range(_IMAGES), KeptMaps(store, numbers, views, size), seed=0)


def config_size(config: schema.TrainEvalPipelineConfig) -> tuple[int, int]:
    from detectune.config.architectures import image_resizer
    from detectune.data.resizers import build_resizer

    return build_resizer(image_resizer(config.model), (0.0, 0.0, 0.0)).output_size


def peak_memory(config: schema.TrainEvalPipelineConfig, what: str) -> int:
    """MB of this process after a few steps of one kind."""
    detector = detector_of(config, frozen=what != "full")
    images, truth, _ = batch_of(config, detector)
    batch = truth.as_batch()
    inputs = {"images": images}
    if what == "cached":
        begin = tf.function(lambda given: detector.frozen.begin(given))
        traced = begin.get_concrete_function(tf.TensorSpec(images.shape))
        kept = [np.zeros(one.shape, np.float16) for one in traced.structured_outputs]
        inputs = {"images": images[..., :0], "kept": kept}
        del images
    for _ in range(_MEMORY_STEPS):
        detector.train_on_batch(inputs, batch)
    # Not `ru_maxrss`, which a process takes over from the one that started it.
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024


def peak_in_a_process(model: str, batch: int, what: str) -> int:
    command = [sys.executable, __file__, model, str(batch), "--memory", what]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(found.stdout.split()[-1])


def rows_of(model: str, batch: int, times: dict[str, list[float]]) -> list[dict[str, object]]:
    median = {name: statistics.median(seconds) for name, seconds in times.items()}
    parts = {
        "frozen": (median["begin"] + median["rest"], median["begin"] + median["network"]),
        "cached": (median["rest"], median["network"]),
    }
    rows = []
    for name in times:
        with_losses, without = parts.get(name, (0.0, 0.0))
        stepped = name in ("full", "frozen", "cached")
        rows.append(
            {
                "model": model,
                "batch": batch,
                "what": name,
                "median_s": round(median[name], 4),
                "min_s": round(min(times[name]), 4),
                "to_full": round(median[name] / median["full"], 3),
                "to_parts": round(median[name] / with_losses, 3) if with_losses else "",
                "to_network": round(median[name] / without, 3) if without else "",
                "peak_mb": peak_in_a_process(model, batch, name) if stepped else "",
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("batch", type=int)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--memory", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    config = config_of(arguments.model, arguments.batch)
    if arguments.memory:
        print(peak_memory(config, arguments.memory))
        return
    with tempfile.TemporaryDirectory() as folder:
        steps = Parts(config, Path(folder)).steps()
        for step in steps.values():
            _timed(step)
        times: dict[str, list[float]] = {name: [] for name in steps}
        for _ in range(arguments.steps):
            for name, step in steps.items():
                times[name].append(_timed(step))
    add_rows(arguments.out, rows_of(arguments.model, arguments.batch, times))


if __name__ == "__main__":
    main()
