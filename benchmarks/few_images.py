"""A handful of images: R-CNN, Fast R-CNN and a fine-tuned SSD, each given the same minutes.

    python benchmarks/few_images.py --checkpoint HANDTRACK --train SOURCE --eval SOURCE --name NAME
        [--images 25] [--proposals 300] [--seeds 0,1]
        [--out benchmarks/results/few_images-2cores-tf-fp32.csv]

HANDTRACK is an unpacked SSD MobileNet V2 FPNLite 320 checkpoint; all three start from its backbone,
and only the SSD from all of it. Proposals are found once, by selective search, and count for both
that need them. R-CNN is trained first; what it took is what the others get: ten of their steps are
timed, and then as many are made as fit. Rows are added to the table.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from google.protobuf import text_format

from detectune.config import schema
from detectune.config.load import load_config
from detectune.config.save import write_config
from detectune.data.sources.recognise import open_source

SSD = "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8"
TWO_STAGE = "faster_rcnn_resnet50_v1_640x640_coco17_tpu-8"
SIDE = 320
WARM_UP = 10
"""Steps that are timed."""
COLUMNS = (
    "data", "images", "method", "seed", "steps", "proposals_s", "train_s", "mAP", "mAP@.50IOU",
)  # fmt: skip

RCNN = """
model { rcnn {
  image_resizer { keep_aspect_ratio_resizer {
    min_dimension: 500 max_dimension: 500 pad_to_max_dimension: true } }
  feature_extractor { type: "rcnn_mobilenet_v2_keras" }
} }
train_config { fine_tune_checkpoint_type: "classification" }
eval_config { metrics_set: "coco_detection_metrics" }
"""


def detectune(*words: str) -> float:
    """Run a command; seconds."""
    began = time.time()
    subprocess.run([sys.executable, "-m", "detectune.cli.main", *words], check=True)
    return time.time() - began


def rcnn_config(sources: dict[str, str], arguments: argparse.Namespace, seed: int):
    config = text_format.Parse(RCNN, schema.TrainEvalPipelineConfig())
    config.model.rcnn.num_classes = classes_of(sources["train"])
    config.model.rcnn.max_proposals = arguments.proposals
    config.train_config.fine_tune_checkpoint = str(arguments.checkpoint)
    config.train_config.seed = seed
    config.train_input_reader.source = sources["train"]
    config.eval_input_reader.add().source = sources["eval"]
    return config


def ssd_config(folder: Path, sources: dict[str, str], arguments: argparse.Namespace, seed: int):
    """As `config new` writes it, with the checkpoint of the whole detector."""
    file = folder / "ssd.config"
    if not file.exists():
        detectune(
            "config", "new", "--model", SSD, "--train", sources["train"], "--eval", sources["eval"],
            "--checkpoint", str(arguments.checkpoint / "checkpoint" / "ckpt-0"), "-o", str(file),
        )  # fmt: skip
    config = load_config(file)
    config.train_config.seed = seed
    return config


def fast_rcnn_config(
    folder: Path, sources: dict[str, str], arguments: argparse.Namespace, seed: int
):
    """The second stage of the zoo's Faster R-CNN, on the pyramid of the backbone of the SSD."""
    file = folder / "two_stage.config"
    if not file.exists():
        detectune(
            "config", "new", "--model", TWO_STAGE.replace("v1_640", "v1_fpn_640"),
            "--train", sources["train"], "--eval", sources["eval"], "-o", str(file),
        )  # fmt: skip
    config = load_config(file)
    two_stage, fast = config.model.faster_rcnn, schema.FastRcnn()
    for field, value in two_stage.ListFields():
        if field.name in fast.DESCRIPTOR.fields_by_name:
            if field.message_type is None:
                setattr(fast, field.name, value)
            else:
                getattr(fast, field.name).CopyFrom(value)
    config.model.fast_rcnn.CopyFrom(fast)
    fast = config.model.fast_rcnn
    fast.max_proposals = arguments.proposals
    fast.second_stage_batch_size = min(64, arguments.proposals)
    fast.feature_extractor.type = "faster_rcnn_mobilenet_v2_fpn_keras"
    fast.image_resizer.Clear()
    fixed = fast.image_resizer.fixed_shape_resizer
    fixed.height = fixed.width = SIDE
    config.train_config.batch_size = 4
    config.train_config.seed = seed
    config.train_config.fine_tune_checkpoint = str(arguments.checkpoint / "checkpoint" / "ckpt-0")
    config.train_config.fine_tune_checkpoint_type = "classification"
    return config


def classes_of(source: str) -> int:
    return len(open_source(source).label_map.names)


def in_minutes(config, folder: Path, seconds: float) -> int:
    """Let a training take about `seconds`; returns its steps."""
    rate = config.train_config.optimizer.momentum_optimizer.learning_rate.cosine_decay_learning_rate

    def steps_are(count: int) -> None:
        config.train_config.num_steps = config.train_config.evaluate_every_steps = count
        rate.total_steps, rate.warmup_steps = count, max(count // 10, 1)

    steps_are(WARM_UP)
    pilot = folder / "pilot"
    write_config(config, folder / "pilot.config")
    whole = detectune("train", str(folder / "pilot.config"), "--model-dir", str(pilot))
    rows = [json.loads(line) for line in (pilot / "metrics.jsonl").read_text().splitlines()]
    times = [row["time"] for row in rows if row["kind"] == "train"]
    step = (times[-1] - times[1]) / (len(times) - 2)
    count = max(int((seconds - whole) / step) + WARM_UP, WARM_UP)
    steps_are(count)
    return count


def measured(config, folder: Path) -> tuple[float, dict[str, float]]:
    folder.mkdir(parents=True)
    write_config(config, folder / "this.config")
    seconds = detectune("train", str(folder / "this.config"), "--model-dir", str(folder / "run"))
    rows = [
        json.loads(line) for line in (folder / "run" / "metrics.jsonl").read_text().splitlines()
    ]
    last = next(row for row in reversed(rows) if row["kind"] == "eval")
    names = ("mAP", "mAP@.50IOU")
    return seconds, {name: round(last[f"DetectionBoxes_Precision/{name}"], 4) for name in names}


def sources_of(arguments: argparse.Namespace, folder: Path) -> dict[str, str]:
    """Copies as COCO, with the first `--images` of a shuffled order to train on."""
    found = {}
    for part in ("train", "eval"):
        place = folder / part
        detectune("data", "convert", getattr(arguments, part), str(place), "--to", "coco")
        found[part] = f"coco:{place}"
    if arguments.images:
        (file,) = (folder / "train").rglob("*.json")
        content = json.loads(file.read_text())
        random.Random(0).shuffle(content["images"])
        content["images"] = content["images"][: arguments.images]
        kept = {row["id"] for row in content["images"]}
        content["annotations"] = [a for a in content["annotations"] if a["image_id"] in kept]
        file.write_text(json.dumps(content))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--train", required=True)
    parser.add_argument("--eval", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--images", type=int)
    parser.add_argument("--proposals", type=int, default=300)
    parser.add_argument("--seeds", default="0,1")
    results = Path(__file__).parent / "results"
    parser.add_argument("--out", type=Path, default=results / "few_images-2cores-tf-fp32.csv")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        sources = sources_of(arguments, folder)
        proposals = sum(
            detectune("data", "proposals", source, "--count", str(arguments.proposals))
            for source in sources.values()
        )
        images = len(list(open_source(sources["train"])))
        seeds = [int(seed) for seed in arguments.seeds.split(",")]
        rows = []

        def add(method: str, seed: int, steps: int, seconds: float, numbers: dict) -> None:
            head = (arguments.name, images, method, seed, steps)
            times = (round(proposals, 1), round(seconds, 1))
            rows.append(dict(zip(COLUMNS, (*head, *times, *numbers.values()), strict=True)))
            print(rows[-1], flush=True)

        seconds, numbers = measured(rcnn_config(sources, arguments, 0), folder / "rcnn")
        add("R-CNN", 0, 3, seconds, numbers)
        for method, config_of in (("Fast R-CNN", fast_rcnn_config), ("SSD", ssd_config)):
            place = folder / method.split()[0]
            place.mkdir()
            for seed in seeds:
                config = config_of(folder, sources, arguments, seed)
                if seed == seeds[0]:
                    steps = in_minutes(config, place, seconds)
                    timed = config.train_config.optimizer
                    counts = (steps, config.train_config.evaluate_every_steps)
                config.train_config.num_steps, config.train_config.evaluate_every_steps = counts
                config.train_config.optimizer.CopyFrom(timed)
                add(method, seed, steps, *measured(config, place / str(seed)))
        is_new = not arguments.out.exists()
        with arguments.out.open("a", newline="") as file:
            table = csv.DictWriter(file, COLUMNS)
            if is_new:
                table.writeheader()
            table.writerows(rows)


if __name__ == "__main__":
    main()
