"""Keras callbacks of a run: numbers, evaluation, checkpoints, and when to stop.

The whole run is one Keras epoch, so that nothing is set up anew between evaluations; these
callbacks act on steps.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras

from detectune.errors import TrainingError, three_part
from detectune.training.console import RunConsole
from detectune.training.logs import RunLog
from detectune.training.state import Progress


class OncePerStep(keras.callbacks.Callback):
    """Callbacks that count steps, where Keras counts the parts that a batch is computed in."""

    def __init__(self, callbacks: list[keras.callbacks.Callback], parts: int) -> None:
        super().__init__()
        self.callbacks, self.parts = callbacks, parts

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        for callback in self.callbacks:
            callback.set_model(model)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        step, part = divmod(batch, self.parts)
        if part == 0:
            for callback in self.callbacks:
                callback.on_train_batch_begin(step, logs)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        step, part = divmod(batch, self.parts)
        if part == self.parts - 1:
            for callback in self.callbacks:
                callback.on_train_batch_end(step, logs)


class StopAtNonFinite(keras.callbacks.Callback):
    """Ends training at the first loss that is NaN or infinite, and names the images.

    Args:
        first_step: optimizer steps done before this call of `fit`.
        file_names: step → the images of its batch.
    """

    def __init__(self, first_step: int, file_names: Callable[[int], list[str]]) -> None:
        super().__init__()
        self.first_step, self.file_names = first_step, file_names

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        broken = [name for name, value in (logs or {}).items() if not math.isfinite(value)]
        if not broken:
            return
        step = self.first_step + batch
        images = ", ".join(self.file_names(step))
        raise TrainingError(
            three_part(
                f"step {step + 1}: {', '.join(broken)} is not finite. "
                f"The images of this batch: {images}.",
                "Every loss must stay finite; the checkpoints in the run directory are sound.",
                "Lower the learning rate or lengthen its warm-up, set "
                "gradient_clipping_by_norm: 10, and look at these images with "
                "`detectune data inspect`; then go on with --resume.",
            )
        )


class StepNumbers(keras.callbacks.Callback):
    """Writes losses, learning rate and speed, as means since the last line.

    Args:
        every: steps between lines.
    """

    def __init__(
        self, log: RunLog, console: RunConsole, *, first_step: int, batch_size: int, every: int
    ) -> None:
        super().__init__()
        self.log, self.console, self.every = log, console, every
        self.first_step, self.batch_size = first_step, batch_size
        self._since, self._counted = time.monotonic(), first_step

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if batch == 1:  # the first step compiles; it would spoil the speed of the others
            self.console.phase("training")
            self._since, self._counted = time.monotonic(), self.first_step + 1

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        step = self.first_step + batch + 1
        if step % self.every and batch:
            self.console.step(step)
            return
        numbers = {f"Loss/{name}": float(value) for name, value in (logs or {}).items()}
        numbers["learning_rate"] = float(self.model.optimizer.learning_rate)
        done, seconds = step - self._counted, time.monotonic() - self._since
        if done > 0 and seconds > 0:
            numbers["steps_per_sec"] = done / seconds
            numbers["images_per_sec"] = done * self.batch_size / seconds
        self.log.add("train", step, numbers)
        self.console.step(step, numbers)
        self.model.reset_metrics()
        self._since, self._counted = time.monotonic(), step

    def leave_out(self, seconds: float) -> None:
        """Do not count `seconds` as training."""
        self._since += seconds


class Timetable(NamedTuple):
    """When what happens, in steps."""

    num_steps: int
    evaluate_every: int
    save_every: int
    patience: int = 0
    """Evaluations without a better mAP after which to stop; 0 for never."""


@dataclass(frozen=True)
class Actions:
    """What `Evaluations` does at these times."""

    evaluate: Callable[[Progress], dict[str, float]] | None
    """Writes the weights to deploy, and returns their metrics; None for no evaluation."""
    per_category: Callable[[], dict[str, dict[str, float]]]
    """The numbers of each class in the evaluation just done."""
    save: Callable[[Progress], None]
    """Writes the weights to deploy without evaluating them."""
    commit: Callable[[Progress], None]
    """Makes the weights just written the last checkpoint, with the state of training."""
    keep_best: Callable[[Progress], None]
    """Makes the last checkpoint the best."""


class Evaluations(keras.callbacks.Callback):
    """Evaluates and saves on a timetable, keeps the best, and stops when nothing improves.

    Args:
        progress: where the run stands; counted and filled in here.
        metric: the number that decides which checkpoint is the best, an mAP.
    """

    def __init__(
        self,
        progress: Progress,
        actions: Actions,
        times: Timetable,
        *,
        numbers: StepNumbers,
        console: RunConsole,
        metric: str = "DetectionBoxes_Precision/mAP",
    ) -> None:
        super().__init__()
        self.progress, self.actions, self.times = progress, actions, times
        self.numbers, self.console, self.metric = numbers, console, metric

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.progress.step += 1
        step, began = self.progress.step, time.monotonic()
        last = step == self.times.num_steps
        evaluate = self.actions.evaluate
        if evaluate is not None and (step % self.times.evaluate_every == 0 or last):
            self._evaluate(evaluate)
        elif step % self.times.save_every == 0 or last:
            self.console.phase("saving")
            self.actions.save(self.progress)
            self.actions.commit(self.progress)
            if evaluate is None:
                self.actions.keep_best(self.progress)
            self.console.phase("training")
        self.numbers.leave_out(time.monotonic() - began)

    def _evaluate(self, evaluate: Callable[[Progress], dict[str, float]]) -> None:
        progress = self.progress
        self.console.phase("evaluating")
        metrics = evaluate(progress)
        value = metrics[self.metric]
        better = value > progress.best_metric or not progress.best_step
        if better:
            progress.best_metric, progress.best_step = value, progress.step
            progress.best_metrics = metrics
            progress.best_per_category = self.actions.per_category()
        progress.evaluations_without_gain = 0 if better else progress.evaluations_without_gain + 1
        self.actions.commit(progress)
        if better:
            self.actions.keep_best(progress)
        mark = ", the best so far" if better else f", best {progress.best_metric:.3f}"
        self.console.say(f"step {progress.step}: {_map_line(metrics)}{mark}")
        self.console.phase("training")
        if 0 < self.times.patience <= progress.evaluations_without_gain:
            self.console.say(
                f"stopped: {progress.evaluations_without_gain} evaluations without a better mAP"
            )
            self.model.stop_training = True


def _map_line(metrics: Mapping[str, float]) -> str:
    """mAP and mAP@.5 of boxes, and of masks where they are measured."""
    names = {"DetectionBoxes_Precision": "mAP", "DetectionMasks_Precision": "mask mAP"}
    return ", ".join(
        f"{name} {metrics[f'{kind}/mAP']:.3f}, {name}@.5 {metrics[f'{kind}/mAP@.50IOU']:.3f}"
        for kind, name in names.items()
        if f"{kind}/mAP" in metrics
    )
