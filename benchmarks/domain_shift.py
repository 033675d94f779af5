"""Another camera, made by hand: with and without domain-adversarial training.

    python benchmarks/domain_shift.py [--seeds 0,1,2] [--steps 300] [--shift camera,none]

Scenes of cubes with digits, of the demo, are drawn three times: annotated ones of the old camera,
ones to adapt to, and annotated ones of the new camera to measure with. What the new camera sees is
darker, blurred and of another colour (`camera`), or the same (`none`: adapting must then do no
harm). Every run starts from the checkpoint of the demo and has its settings; all use batch norms
that keep their statistics, so that the runs differ in the block alone. Measured is the last
evaluation, not the best, for no run may choose by annotations of the target.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from pathlib import Path
from statistics import mean

import numpy as np
from PIL import Image, ImageFilter

from detectune.config import schema
from detectune.demo.dataset import write_scenes
from detectune.demo.settings import demo_config
from detectune.demo.symbols import digits
from detectune.training.train import train

COUNTS = {"source": 200, "unlabelled": 200, "target": 100}
SHIFTS = ("camera", "none")
_GAIN = np.array([0.5, 0.4, 0.28])  # darker, and warmer
_BLUR = 1.3  # pixels
_NOISE = 3.0
COLUMNS = ("shift", "run", "seed", "target_mAP", "source_mAP", "accuracy", "seconds_per_step")


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
    folder: Path, sources: dict[str, str], steps: int, seed: int, adapts: bool
) -> schema.TrainEvalPipelineConfig:
    """The demo's config on these data."""
    config = demo_config(folder, steps)
    settings = config.train_config
    settings.seed, settings.evaluate_every_steps = seed, steps
    settings.freeze.append("batch-norm")
    config.train_input_reader.source = sources["source"]
    config.eval_input_reader[0].source = sources["source_test"]
    block = settings.domain_adaptation
    block.target_input_reader.source = sources["unlabelled"]
    block.target_eval_input_reader.source = sources["target"]
    if not adapts:
        block.final_lambda = 0.0  # the run without the block, with its measurements
    return config


def measure(folder: Path, config: schema.TrainEvalPipelineConfig) -> dict[str, float]:
    """One training, and what came of it."""
    train(config, folder)
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    last = next(row for row in reversed(rows) if row["kind"] == "eval")
    speed = [row["steps_per_sec"] for row in rows if "steps_per_sec" in row]
    return {
        "target_mAP": round(last["DetectionBoxes_Precision/mAP"], 4),
        "source_mAP": round(last["Source/DetectionBoxes_Precision/mAP"], 4),
        "accuracy": round(last["Domain/image_accuracy"], 3),
        "seconds_per_step": round(1 / mean(speed), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--shift", default=",".join(SHIFTS))
    results = Path(__file__).parent / "results"
    parser.add_argument("--out", type=Path, default=results / "domain_shift-2cores-tf-fp32.csv")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as work:
        for shift in arguments.shift.split(","):
            sources = draw(Path(work) / shift, shift)
            for seed in map(int, arguments.seeds.split(",")):
                for run in ("source only", "adapted"):
                    place = Path(work) / shift / f"{run.split()[0]}-{seed}"
                    config = config_of(
                        Path(work) / shift, sources, arguments.steps, seed, run == "adapted"
                    )
                    row = {"shift": shift, "run": run, "seed": seed, **measure(place, config)}
                    print(row, flush=True)
                    rows.append(row)
    with arguments.out.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    for shift in arguments.shift.split(","):
        own = [row for row in rows if row["shift"] == shift]
        means = {
            run: mean(row["target_mAP"] for row in own if row["run"] == run)
            for run in ("source only", "adapted")
        }
        alone, adapted = means["source only"], means["adapted"]
        print(f"{shift}: target mAP {alone:.3f} source only, {adapted:.3f} adapted")


if __name__ == "__main__":
    main()
