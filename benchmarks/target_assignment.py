"""Targets for every anchor of a batch, beside a training step of a small network.

    python benchmarks/target_assignment.py [--rounds 10] [--out FILE.csv]

51,150 anchors (levels 3 to 7 of 640 pixels, six at a place), 100 boxes in each of 8 images.
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
from tables import add_rows

from detectune.boxes.anchors import MultiscaleAnchorGenerator
from detectune.boxes.coders import FasterRcnnBoxCoder
from detectune.structures import GroundTruth
from detectune.targets.anchor_targets import AnchorAssigner
from detectune.targets.matchers import ArgmaxMatcher

SIDE, IMAGES, BOXES = 640, 8, 100


def ground_truth() -> GroundTruth:
    random = np.random.default_rng(0)
    corners = random.uniform(0, SIDE - 80, (IMAGES, BOXES, 2))
    sizes = random.uniform(10, 200, (IMAGES, BOXES, 2))
    boxes = np.concatenate([corners, np.minimum(corners + sizes, SIDE)], -1).astype(np.float32)
    classes = random.integers(0, 90, (IMAGES, BOXES)).astype(np.int32)
    ones = np.ones((IMAGES, BOXES), np.float32)
    return GroundTruth(boxes, classes, ones.astype(bool), ones)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    sizes = [(SIDE >> level, SIDE >> level) for level in range(3, 8)]
    anchors = MultiscaleAnchorGenerator(3, 7)((SIDE, SIDE), sizes)
    assigner = AnchorAssigner(
        matcher=ArgmaxMatcher(force_match=True),
        coder=FasterRcnnBoxCoder((10.0, 10.0, 5.0, 5.0)),
        num_classes=90,
    )
    assign = tf.function(lambda *truth: assigner(anchors, GroundTruth(*truth)))
    truth = [tf.constant(part) for part in ground_truth()]
    times = []
    for _ in range(arguments.rounds + 1):
        began = time.perf_counter()
        assign(*truth).matches.numpy()
        times.append(time.perf_counter() - began)
    row = {
        "anchors": len(anchors),
        "boxes": BOXES,
        "images": IMAGES,
        "median_s": round(statistics.median(times[1:]), 4),
        "min_s": round(min(times[1:]), 4),
    }
    add_rows(arguments.out, [row])


if __name__ == "__main__":
    main()
