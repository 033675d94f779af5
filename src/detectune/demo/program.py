"""`detectune demo`: what fine-tuning is worth, shown on scenes that the package draws itself.

shipped checkpoint ─┬─► evaluate ("before")
(letters, shapes)   └─► train on digits ─► evaluate ("fine-tuned") ─► pictures, SavedModel
random weights ────────► train on digits ─► evaluate ("from scratch")
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from PIL import Image

from detectune.checkpoints.run_directory import Run
from detectune.config import schema
from detectune.config.architectures import image_resizer
from detectune.data.pipeline import eval_batches
from detectune.data.readers import open_reader
from detectune.data.resizers import build_resizer
from detectune.data.sources.base import Source
from detectune.demo.dataset import write_scenes
from detectune.demo.settings import demo_config
from detectune.demo.symbols import digits
from detectune.detectors.build import build_detector
from detectune.detectors.inference import DetectionModel, to_original
from detectune.drawing.boxes import draw_detections, draw_ground_truth
from detectune.drawing.sheets import contact_sheet, side_by_side
from detectune.errors import ConfigError, three_part
from detectune.evaluation.evaluate_source import evaluate_source
from detectune.exporters.export import export
from detectune.files import usable_path
from detectune.folder_lock import folder_in_use, locked
from detectune.terminal import print_table
from detectune.training.console import RunConsole
from detectune.training.fine_tuning import fine_tune
from detectune.training.logs import read_metrics
from detectune.training.train import train
from detectune.wording import plural

STEPS = 400
TRAIN_SCENES, TEST_SCENES = 800, 80
_PICTURES = 12
_LOCK = "demo.lock"
_NUMBERS = {
    "mAP": "DetectionBoxes_Precision/mAP",
    "mAP@.5": "DetectionBoxes_Precision/mAP@.50IOU",
}


@dataclass(frozen=True)
class DemoReport:
    """What the demo found: mAP and mAP@.5 under the original's names."""

    folder: Path
    before: Mapping[str, float]
    fine_tuned: Mapping[str, float]
    from_scratch: Mapping[str, float]
    seconds: float


def run_demo(
    folder: str | os.PathLike[str],
    steps: int = STEPS,
    *,
    train_scenes: int = TRAIN_SCENES,
    test_scenes: int = TEST_SCENES,
    console: RunConsole | None = None,
) -> DemoReport:
    """Draws scenes, fine-tunes, trains from scratch, and leaves everything in `folder`.

    Raises:
        ConfigError: `folder` holds something already, or another demo works in it.
    """
    folder, console = usable_path(folder, "--model-dir"), console or RunConsole()
    _check_folder(folder)
    lock = folder / _LOCK
    with locked(lock, folder_in_use(folder, "a demo", lock)):
        return _run(folder, steps, train_scenes, test_scenes, console)


def _run(
    folder: Path, steps: int, train_scenes: int, test_scenes: int, console: RunConsole
) -> DemoReport:
    started = time.monotonic()
    _draw(folder, train_scenes, test_scenes, console)
    config = demo_config(folder, steps)
    before = _before(config)
    console.say(_said("the shipped checkpoint, before any digit", before))
    fine_tuned = train(config, folder / "fine-tuned", console=console)
    after = _last_evaluation(fine_tuned)
    console.say(_said("fine-tuned", after))
    config.train_config.ClearField("fine_tune_checkpoint")
    from_scratch = _last_evaluation(train(config, folder / "from-scratch", console=console))
    console.say(_said("from scratch", from_scratch))
    _write_pictures(fine_tuned, folder / "pictures")
    export(fine_tuned, to="saved_model", path=folder / "exported")
    seconds = time.monotonic() - started
    report = DemoReport(folder, before, after, from_scratch, seconds)
    _show(report, steps, console)
    return report


def _check_folder(folder: Path) -> None:
    there = not folder.is_dir() or any(file.name != _LOCK for file in folder.iterdir())
    if folder.exists() and there:
        raise ConfigError(
            three_part(
                f"--model-dir {folder}: something is here already.",
                "The demo needs a folder of its own, new or empty; nothing is overwritten.",
                "Remove it, or choose another --model-dir.",
            )
        )


def _draw(folder: Path, train_scenes: int, test_scenes: int, console: RunConsole) -> None:
    console.phase(f"drawing {plural(train_scenes, 'training scene')} and {test_scenes} unseen ones")
    write_scenes(folder / "scenes" / "train", train_scenes, 1, digits("train"))
    # Another seed, and other samples of handwriting: none of a test scene was ever trained on.
    write_scenes(folder / "scenes" / "test", test_scenes, 2, digits("test"))


def _before(config: schema.TrainEvalPipelineConfig) -> dict[str, float]:
    """How the shipped checkpoint does, its box head in place and its class rows fresh."""
    source = _test_source(config)
    keras.utils.set_random_seed(config.train_config.seed)  # the rows of the new classes are random
    detector = build_detector(config.model)
    fine_tune(detector, config, source.label_map)
    resizer = build_resizer(image_resizer(config.model), detector.pad_value)
    found = evaluate_source(
        DetectionModel(detector), source, resizer, source.label_map, batch_size=16
    )
    return found.results()


def _last_evaluation(run: Run) -> dict[str, float]:
    """What training measured after its last step, on the test scenes."""
    rows = [row for row in read_metrics(run.metrics) if row["kind"] == "eval"]
    return {key: float(rows[-1][key]) for key in _NUMBERS.values()}


def _test_source(config: schema.TrainEvalPipelineConfig) -> Source:
    return open_reader(config.eval_input_reader[0], "eval_input_reader")


def _write_pictures(run: Run, folder: Path) -> None:
    """Some test scenes, truth beside detections, one by one and all on a sheet."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs = []
    for number, pair in enumerate(_pairs(run), start=1):
        pair.save(folder / f"scene-{number:02d}.png")
        pairs.append(pair)
    contact_sheet(pairs, columns=3, cell_width=520).save(folder / "sheet.png")


def _pairs(run: Run) -> list[Image.Image]:
    source, model = _test_source(run.config), DetectionModel(run.detector())
    resizer = build_resizer(image_resizer(run.config.model), model.detector.pad_value)
    batches = eval_batches(source, resizer, batch_size=_PICTURES, limit=_PICTURES)
    batch: Any = next(batches.as_numpy_iterator())
    found = model.detect(batch.images, batch.sizes)
    boxes = to_original(found, batch.sizes, batch.original_sizes)
    return [
        _pair(source, int(index), boxes[row], found.scores[row], found.classes[row])
        for row, index in enumerate(batch.indices)
    ]


def _pair(
    source: Source, index: int, boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray
) -> Image.Image:
    record = source[index]
    # At twice the size the names are easier to read.
    picture = Image.open(io.BytesIO(record.image))
    image = np.asarray(
        picture.resize((2 * picture.width, 2 * picture.height), Image.Resampling.LANCZOS)
    )
    names = {item.id: item.label for item in source.label_map.items}
    scale = np.tile(np.array(image.shape[:2], np.float32), 2)
    return side_by_side(
        draw_ground_truth(image, record.boxes * scale, record.class_ids, names),
        draw_detections(image, 2 * boxes, scores, classes + 1, names, threshold=0.4),
    )


def _said(what: str, metrics: Mapping[str, float]) -> str:
    return f"{what}: " + ", ".join(f"{name} {metrics[key]:.3f}" for name, key in _NUMBERS.items())


def _show(report: DemoReport, steps: int, console: RunConsole) -> None:
    """The table of results, and where everything is."""
    rows = {
        "before (trained on letters and shapes)": report.before,
        f"fine-tuned for {plural(steps, 'step')}": report.fine_tuned,
        f"from scratch, {plural(steps, 'step')}": report.from_scratch,
    }
    print_table(
        ("detector", *_NUMBERS),
        [
            (name, *(f"{metrics[key]:.3f}" for key in _NUMBERS.values()))
            for name, metrics in rows.items()
        ],
        title="Hand-written digits on cubes, on unseen scenes",
        numbers=len(_NUMBERS),
        err=True,
    )
    console.say(f"pictures: {report.folder / 'pictures' / 'sheet.png'}")
    console.say(f"exported detector: {report.folder / 'exported' / 'saved_model'}")
    console.say(f"run directory: {report.folder / 'fine-tuned'}")
    console.say(f"the demo took {report.seconds / 60:.1f} minutes")
