"""Another camera, made by hand: with and without domain-adversarial training.

    python benchmarks/domain_shift.py [--seeds 0,1,2] [--steps 250] [--shift camera,none] \
        [--weight 0.1]

Scenes of cubes with digits, of the demo, are drawn three times: annotated ones of the old camera,
ones to adapt to, and annotated ones of the new camera to measure with. What the new camera sees is
darker, blurred and of another colour (`camera`), or the same (`none`: adapting must then do no
harm). Every run starts from the checkpoint of the demo and has its settings; all use batch norms
that keep their statistics, so that the runs differ in the block alone. Measured are the weights of
the last step, not the best, for no run may choose by annotations of the target.

A row is written when its training ends, and rows of the same number of steps are not measured
again: a benchmark that was stopped goes on.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from detectune.config import schema
from detectune.demo.dataset import write_scenes
from detectune.demo.settings import demo_config, set_data
from detectune.demo.symbols import digits
from detectune.inference.evaluate_run import evaluate
from detectune.training.train import train

# Half of the demo's: batch norms are frozen, and a step of both domains has twice the images.
BATCH, RATE = 8, 0.002
COUNTS = {"source": 200, "unlabelled": 200, "target": 100}
SHIFTS = ("camera", "none")
_GAIN = np.array([0.5, 0.4, 0.28])  # darker, and warmer
_BLUR = 1.3  # pixels
_NOISE = 3.0
RUNS = ("source only", "adapted")
COLUMNS = (
    "shift", "run", "weight", "seed", "steps",
    "target_mAP", "source_mAP", "accuracy", "seconds_per_step",
)  # fmt: skip
_MAP = "DetectionBoxes_Precision/mAP"


def see_with_the_new_camera(folder: Path, seed: int) -> None:
    """Change every picture in `folder`; boxes stay where they are."""
    random = np.random.default_rng(seed)
    for path in sorted((folder / "images").glob("*.jpg")):
        picture = Image.open(path).convert("RGB").filter(ImageFilter.GaussianBlur(_BLUR))
        pixels = np.asarray(picture, np.float32) * _GAIN
        pixels = pixels + random.normal(0, _NOISE, pixels.shape)
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path, quality=92)


def draw(folder: Path, shift: str) -> dict[str, str]:
    """The sources of a shift, by name."""
    found = {}
    for seed, (name, count) in enumerate(COUNTS.items()):
        task = digits("test" if name == "target" else "train")
        found[name] = write_scenes(folder / name, count, 100 + seed, task)
        if shift == "camera" and name != "source":
            see_with_the_new_camera(folder / name, seed)
    place, count = folder / "source_test", COUNTS["target"]
    found["source_test"] = write_scenes(place, count, 200, digits("test"))
    return found


def config_of(
    folder: Path, sources: Mapping[str, str], steps: int, seed: int, weight: float
) -> schema.TrainEvalPipelineConfig:
    """The demo's config on these data; it is not evaluated on the way.

    Args:
        weight: of the discriminator; 0 leaves the block out.
    """
    config = demo_config(folder, steps)
    set_data(config, folder / "source", folder / "source_test")
    del config.eval_input_reader[:]
    settings = config.train_config
    settings.seed, settings.batch_size = seed, BATCH
    settings.freeze.append("batch-norm")
    rate = settings.optimizer.adam_optimizer.learning_rate.cosine_decay_learning_rate
    rate.learning_rate_base = RATE
    if weight:
        settings.domain_adaptation.target_input_reader.source = sources["unlabelled"]
        settings.domain_adaptation.image_level.weight = weight
    return config


def measure(
    folder: Path, config: schema.TrainEvalPipelineConfig, sources: Mapping[str, str]
) -> dict[str, Any]:
    """One training, and what came of it."""
    train(config, folder)
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    seconds = [1 / row["steps_per_sec"] for row in rows if "steps_per_sec" in row]
    told = [row["Domain/image_accuracy"] for row in rows if "Domain/image_accuracy" in row]
    found = {
        name: evaluate(folder, checkpoint="last", data=sources[name])["metrics"][_MAP]
        for name in ("target", "source_test")
    }
    return {
        "target_mAP": round(found["target"], 4),
        "source_mAP": round(found["source_test"], 4),
        "accuracy": round(told[-1], 3) if told else "",
        "seconds_per_step": round(median(seconds), 3) if seconds else "",
    }


def read_rows(file: Path) -> list[dict[str, Any]]:
    """What was measured before."""
    if not file.exists():
        return []
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def write_rows(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with file.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def what_of(row: Mapping[str, Any]) -> tuple[str, str, float, int, int]:
    """Which training a row is about."""
    numbers = float(row["weight"]), int(row["seed"]), int(row["steps"])
    return row["shift"], row["run"], *numbers


def summary(rows: Sequence[Mapping[str, Any]], shift: str, weight: float, steps: int) -> str:
    """Means over seeds, in a line."""
    parts = []
    for run, factor in zip(RUNS, (0.0, weight), strict=True):
        like = shift, run, factor, steps
        own = [r for r in rows if (*what_of(r)[:3], what_of(r)[4]) == like]
        if own:
            values = {
                name: mean(float(row[name] or "nan") for row in own)
                for name in ("target_mAP", "source_mAP", "seconds_per_step")
            }
            parts.append(
                f"{run}: target mAP {values['target_mAP']:.3f}, source mAP "
                f"{values['source_mAP']:.3f}, {values['seconds_per_step']:.3f} s per step "
                f"(mean of {len(own)})"
            )
    return f"{shift}: {'; '.join(parts)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--shift", default=",".join(SHIFTS))
    parser.add_argument("--weight", type=float, default=0.1)
    results = Path(__file__).parent / "results"
    parser.add_argument("--out", type=Path, default=results / "domain_shift-2cores-tf-fp32.csv")
    arguments = parser.parse_args()
    steps, shifts = arguments.steps, arguments.shift.split(",")
    rows = read_rows(arguments.out)
    known = {what_of(row) for row in rows}
    runs = list(zip(RUNS, (0.0, arguments.weight), strict=True))
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    # Both runs of a seed, of both shifts, before the next seed: stopped early, all have rows.
    wanted = [(shift, *run, seed, steps) for seed in seeds for shift in shifts for run in runs]
    todo = [one for one in wanted if one not in known]
    with tempfile.TemporaryDirectory() as work:
        sources = {shift: draw(Path(work) / shift, shift) for shift in shifts}
        for number, (shift, run, weight, seed, _) in enumerate(todo, 1):
            print(f"training {number} of {len(todo)}: {shift}, {run}, seed {seed}", flush=True)
            began, folder = time.monotonic(), Path(work) / shift
            config = config_of(folder, sources[shift], steps, seed, weight)
            place = folder / f"{run.split()[0]}-{seed}"
            row = {"shift": shift, "run": run, "weight": weight, "seed": seed, "steps": steps}
            row |= measure(place, config, sources[shift])
            print(f"{row}; {time.monotonic() - began:.0f} s", flush=True)
            rows.append(row)
            write_rows(arguments.out, rows)
    for shift in shifts:
        print(summary(rows, shift, arguments.weight, steps))


if __name__ == "__main__":
    main()
