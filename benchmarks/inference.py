"""One image to final boxes, against the network alone, in turns in one process.

    python benchmarks/inference.py MODEL ... [--rounds 20] [--out FILE.csv]

A MODEL is a name of `detectune config new`, with random weights; scores and boxes are therefore
spread evenly, which is the hardest case for suppression.

network   the compiled forward pass of a batch of one, image resized before; of two-stage detectors
          with as many regions as are proposed, see bare.py
boxes     resizing, forward pass, decoding and suppression of a 360x480 image
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
from bare import network_outputs
from tables import add_rows

from detectune.config.architectures import image_resizer
from detectune.data.resizers import build_resizer
from detectune.detectors.build import build_detector
from detectune.detectors.inference import DetectionModel
from detectune.recipes.templates import template

IMAGE = np.random.default_rng(0).uniform(0, 255, (360, 480, 3)).astype(np.float32)


def steps(model: str) -> dict:
    """The two calls to be timed."""
    config = template(model).model
    detector = build_detector(config)
    whole = DetectionModel(detector)
    resizer = build_resizer(image_resizer(config), detector.pad_value)
    batch = tf.constant(np.asarray(resizer(IMAGE)[0])[None])
    network = tf.function(lambda images: network_outputs(detector, images, training=False))

    def boxes() -> None:
        image, size = resizer(IMAGE)
        whole.detect(np.asarray(image)[None], np.asarray(size)[None])

    return {"network": lambda: network(batch)[-1].numpy(), "boxes": boxes}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    rows = []
    for model in arguments.models:
        calls = steps(model)
        times: dict[str, list[float]] = {name: [] for name in calls}
        for call in calls.values():
            call()
            call()
        for _ in range(arguments.rounds):
            for name, call in calls.items():
                began = time.perf_counter()
                call()
                times[name].append((time.perf_counter() - began) * 1000)
        network, boxes = (statistics.median(times[name]) for name in ("network", "boxes"))
        rows.append(
            {
                "model": model,
                "network_ms": round(network, 1),
                "boxes_ms": round(boxes, 1),
                "ratio": round(boxes / network, 3),
            }
        )
        tf.keras.backend.clear_session()
    add_rows(arguments.out, rows)


if __name__ == "__main__":
    main()
