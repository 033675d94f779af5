"""An evaluation against the bare detection of the same images, side by side.

python benchmarks/evaluation.py RUN SOURCE [--rounds 3] [--out FILE.csv]

detection   decoded and resized images in memory, batch by batch through the compiled detector
evaluation  `evaluate_source`: the same detector, plus reading, decoding, matching and the numbers
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from tables import add_rows

from detectune.checkpoints.run_directory import open_run
from detectune.config.architectures import image_resizer
from detectune.data.pipeline import eval_batches
from detectune.data.resizers import build_resizer
from detectune.data.sources.recognise import open_source
from detectune.detectors.inference import DetectionModel
from detectune.evaluation.evaluate_source import detect_padded, evaluate_source


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("source")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    run = open_run(arguments.run)
    model = DetectionModel(run.detector())
    resizer = build_resizer(image_resizer(run.config.model), model.detector.pad_value)
    source = open_source(arguments.source, run.label_map())
    batches = list(eval_batches(source, resizer, batch_size=8).as_numpy_iterator())

    def detection() -> None:
        for batch in batches:
            detect_padded(model, batch, 8)

    def inference() -> None:
        for batch in eval_batches(source, resizer, batch_size=8).as_numpy_iterator():
            detect_padded(model, batch, 8)

    def evaluation() -> None:
        evaluate_source(model, source, resizer, source.label_map, batch_size=8).results()

    works = {"detection": detection, "inference": inference, "evaluation": evaluation}
    for work in works.values():
        work()
    times = {name: [] for name in works}
    for _ in range(arguments.rounds):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            times[name].append((time.perf_counter() - began) / len(source))
    base = statistics.median(times["inference"])
    rows = [
        {
            "what": name,
            "ms_per_image": round(1000 * statistics.median(seconds), 2),
            "ratio_to_inference": round(statistics.median(seconds) / base, 3),
        }
        for name, seconds in times.items()
    ]
    add_rows(arguments.out, rows)


if __name__ == "__main__":
    main()
