"""Transfer on real data: documented runs, two seeds each.

    python benchmarks/transfer.py --data RACCOON --checkpoint HANDTRACK [--runs long,short]
    python benchmarks/transfer.py --data RACCOON --checkpoint HANDTRACK
        --runs long,frozen,cached --out results/transfer-frozen-2cores-tf-fp32.csv

RACCOON is the raccoon data set (github.com/datitran/raccoon_dataset, MIT), of which
`data/train_labels.csv` names 160 images to train on and `data/test_labels.csv` 40 to test on.
HANDTRACK is an unpacked SSD MobileNet V2 FPNLite 320 checkpoint trained on hands and faces.

    long    600 steps of batch 8, batch-norm decay 0.97     the original: mAP 0.520 and 0.499
    short   400 steps, decay 0.997 as in the zoo's configs  the original: mAP 0.07
    frozen  as long, with the backbone frozen
    cached  as frozen, with its output kept for 4 augmented views of every image (--views)

Each run takes 5 to 10 minutes on two cores; the results are written as CSV.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODEL = "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8"
FREEZE = ("--set", "train_config.freeze_variables=[classification_backbone]")
# Steps, batch-norm decay, further words of the command.
RUNS: dict[str, tuple[int, float, tuple[str, ...]]] = {
    "long": (600, 0.97, ()),
    "short": (400, 0.997, ()),
    "frozen": (600, 0.97, FREEZE),
    "cached": (600, 0.97, (*FREEZE, "--cache-features")),
}
RATE = "train_config.optimizer.momentum_optimizer.learning_rate.cosine_decay_learning_rate"
DECAYS = (
    "model.ssd.feature_extractor.conv_hyperparams.batch_norm.decay",
    "model.ssd.box_predictor.weight_shared_convolutional_box_predictor"
    ".conv_hyperparams.batch_norm.decay",
)
COLUMNS = ("run", "seed", "mAP", "mAP@.50IOU", "mAP@.75IOU", "first_step_s", "total_s", "peak_MB")


def detectune(*words: str) -> tuple[float, float]:
    """Run a command; (seconds, peak memory in MB)."""
    began = time.time()
    process = subprocess.Popen([sys.executable, "-m", "detectune.cli.main", *words])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed: detectune {' '.join(words)}")
    return time.time() - began, usage.ru_maxrss / 1024


def measure(config: Path, name: str, seed: int, folder: Path, views: int) -> dict[str, object]:
    """One training, and what came of it."""
    steps, decay, more = RUNS[name]
    settings = {
        "train_config.num_steps": steps,
        "train_config.seed": seed,
        "train_config.evaluate_every_steps": steps,
        f"{RATE}.total_steps": steps,
        **dict.fromkeys(DECAYS, decay),
    }
    if name == "cached":
        settings["train_config.feature_cache.views"] = views
    words = [word for path, value in settings.items() for word in ("--set", f"{path}={value}")]
    began = time.time()
    seconds, peak = detectune("train", str(config), "--model-dir", str(folder), *words, *more)
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    metrics = next(row for row in reversed(rows) if row["kind"] == "eval")
    numbers = {
        key: round(metrics[f"DetectionBoxes_Precision/{key}"], 4)
        for key in ("mAP", "mAP@.50IOU", "mAP@.75IOU")
    }
    first = next(row["time"] for row in rows if row["kind"] == "train") - began
    return {
        "run": name,
        "seed": seed,
        **numbers,
        "first_step_s": round(first, 1),
        "total_s": round(seconds, 1),
        "peak_MB": round(peak),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--runs", default="long,short")
    parser.add_argument("--views", type=int, default=4, help="of the run cached")
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results/transfer-2cores-tf-fp32.csv"
    )
    arguments = parser.parse_args()
    labels = {
        part: f"csv:{arguments.data / 'data' / part}_labels.csv" for part in ("train", "test")
    }
    with tempfile.TemporaryDirectory() as work:
        config = Path(work) / "pipeline.config"
        detectune(
            "config", "new", "--model", MODEL, "--train", labels["train"], "--eval", labels["test"],
            "--checkpoint", str(arguments.checkpoint / "checkpoint" / "ckpt-0"), "-o", str(config),
        )  # fmt: skip
        rows = [
            measure(config, name, int(seed), Path(work) / f"{name}-{seed}", arguments.views)
            for name in arguments.runs.split(",")
            for seed in arguments.seeds.split(",")
        ]
    with arguments.out.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    print(arguments.out.read_text())


if __name__ == "__main__":
    main()
