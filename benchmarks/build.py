"""Building a model and restoring its checkpoint: seconds, and peak memory of the process.

    python benchmarks/build.py [MODEL ...] [--out FILE.csv]

A MODEL is a name of `detectune config new`; all of them unless given. Every model has a process of
its own, which first writes a checkpoint of random weights in another one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def measure(model: str, folder: str, save: bool) -> dict[str, float]:
    """What one process sees: seconds, and megabytes."""
    import resource

    import numpy as np

    from detectune.checkpoints.files import write_checkpoint
    from detectune.checkpoints.keys import variable_keys
    from detectune.checkpoints.restore import restore
    from detectune.detectors.build import build_detector
    from detectune.recipes.templates import template

    config = template(model).model
    began = time.perf_counter()
    detector = build_detector(config)
    built = time.perf_counter()
    rows = variable_keys(detector)
    if save:
        write_checkpoint(f"{folder}/ckpt-0", {row.key: np.asarray(row.variable) for row in rows})
        return {}
    report = restore(detector, f"{folder}/ckpt-0", kind="full")
    restored = time.perf_counter()
    assert not report.fresh
    weights = sum(int(np.prod(row.variable.shape)) for row in rows) * 4 / 1e6
    return {
        "weights_mb": round(weights),
        "build_s": round(built - began, 2),
        "restore_s": round(restored - built, 2),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def in_a_process(model: str, folder: str, *flags: str) -> dict[str, float]:
    command = [sys.executable, __file__, model, "--inside", folder, *flags]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(found.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    parser.add_argument("--save", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        print(json.dumps(measure(arguments.models[0], arguments.inside, arguments.save)))
        return
    from tables import add_rows

    from detectune.recipes.templates import models

    rows = []
    for model in arguments.models or models():
        with tempfile.TemporaryDirectory() as folder:
            in_a_process(model, folder, "--save")
            rows.append({"model": model, **in_a_process(model, folder)})
    add_rows(arguments.out, rows)


if __name__ == "__main__":
    main()
