"""One training of a study, in this process: from its config to its outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from detectune.checkpoints.run_directory import Run
from detectune.config.load import load_config
from detectune.errors import DetectuneError
from detectune.study.outcomes import CellFiles, Outcome, failed, write_outcome
from detectune.training.logs import scan_metrics
from detectune.training.prepare import holds_run
from detectune.training.run_writer import RunWriter
from detectune.training.train import train
from detectune.wording import one_line

_MAP, _HALF = "DetectionBoxes_Precision/mAP", "DetectionBoxes_Precision/mAP@.50IOU"
_MOST_LETTERS = 400


def train_cell(files: CellFiles) -> None:
    """Train as `files.config` says, going on with what is there, and write what became of it.

    Raises:
        Exception: the training failed; its outcome says so already.
    """
    try:
        run = train(load_config(files.config), files.run, resume=holds_run(files.run))
        outcome = _outcome(run)
    except Exception as error:
        write_outcome(files.outcome, failed(reason_of(error)))
        raise
    write_outcome(files.outcome, outcome)


def reason_of(error: Exception) -> str:
    """Why a training failed, in one line."""
    text = one_line(str(error).split("\n")[0])[:_MOST_LETTERS]
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return f"there was not enough memory: {text}" if text else "there was not enough memory"
    return text if isinstance(error, DetectuneError) else f"{type(error).__name__}: {text}"


def _outcome(run: Run) -> Outcome:
    writer = RunWriter(run)
    step = writer.last_step()
    assert step is not None, "a training that has ended has a checkpoint"
    progress = writer.progress_at(step)
    rows = scan_metrics(run.metrics).rows
    step_seconds, evaluation_seconds = speed(rows, run.config.train_config.batch_size)
    return Outcome(
        "done",
        mean_ap=progress.best_metrics[_MAP],
        half=progress.best_metrics[_HALF],
        steps=progress.step,
        seconds=progress.seconds,
        step_seconds=step_seconds,
        evaluation_seconds=evaluation_seconds,
    )


def speed(rows: Sequence[Mapping[str, Any]], batch: int) -> tuple[float, float]:
    """Seconds of a step and of an evaluation, by the last lines that say it."""
    trained = [row for row in rows if row["kind"] == "train" and row.get("images_per_sec")]
    measured = [row for row in rows if row["kind"] == "eval"]
    if not trained or not measured:
        return 0.0, 0.0
    before = [row["time"] for row in trained if row["step"] <= measured[-1]["step"]]
    evaluation = max(measured[-1]["time"] - before[-1], 0.0) if before else 0.0
    return batch / trained[-1]["images_per_sec"], evaluation
