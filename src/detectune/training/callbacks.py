"""Keras callbacks of gradient descent: numbers, evaluation, checkpoints, and when to stop.

All steps are one Keras epoch, so that nothing is set up anew between evaluations; these callbacks
act on steps. Whoever reads or changes variables settles the model first, see `training/weights.py`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras

from detectune.errors import TrainingError, three_part
from detectune.training.checkpointing import Checkpointing
from detectune.training.console import RunConsole
from detectune.training.deployment import Deployment
from detectune.training.logs import RunLog
from detectune.training.state import Progress
from detectune.training.weights import settle
from detectune.wording import plural


class OncePerStep(keras.callbacks.Callback):
    """Callbacks that count steps, where Keras counts the micro-batches that make one.

    Args:
        accumulation_steps: micro-batches per step.
    """

    def __init__(self, callbacks: list[keras.callbacks.Callback], accumulation_steps: int) -> None:
        super().__init__()
        self.callbacks, self.accumulation_steps = callbacks, accumulation_steps

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        for callback in self.callbacks:
            callback.set_model(model)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        step, micro_batch = divmod(batch, self.accumulation_steps)
        if micro_batch == 0:
            for callback in self.callbacks:
                callback.on_train_batch_begin(step, logs)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        step, micro_batch = divmod(batch, self.accumulation_steps)
        if micro_batch == self.accumulation_steps - 1:
            for callback in self.callbacks:
                callback.on_train_batch_end(step, logs)


class StopAtNonFinite(keras.callbacks.Callback):
    """Ends training at the first loss that is NaN or infinite, and names the images.

    Args:
        first_step: steps done before this call of `fit`.
        file_names: step of this call → the images of its batch.
    """

    def __init__(self, first_step: int, file_names: Callable[[int], list[str]]) -> None:
        super().__init__()
        self.first_step, self.file_names = first_step, file_names

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        broken = [name for name, value in (logs or {}).items() if not math.isfinite(value)]
        if not broken:
            return
        images = ", ".join(self.file_names(batch))
        raise TrainingError(
            three_part(
                f"step {self.first_step + batch + 1}: {', '.join(broken)} is not finite. "
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
        settle(self.model)
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
    """When what happens, in steps of the stage."""

    num_steps: int
    evaluate_every: int
    save_every: int
    patience: int = 0
    """Evaluations without a better mAP after which to stop; 0 for never."""


class Evaluations(keras.callbacks.Callback):
    """Counts steps, evaluates and saves on a timetable, and stops when nothing improves.

    Args:
        progress: where the run stands.
        deployment: makes the weights to evaluate and save.
        numbers: is told how long that took.
    """

    def __init__(
        self,
        progress: Progress,
        checkpoints: Checkpointing,
        deployment: Deployment,
        times: Timetable,
        numbers: StepNumbers,
    ) -> None:
        super().__init__()
        self.progress, self.checkpoints, self.deployment = progress, checkpoints, deployment
        self.times, self.numbers = times, numbers

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.progress.advance()
        step, began = self.progress.stage_step, time.monotonic()
        last = step == self.times.num_steps
        evaluates = self.checkpoints.evaluation is not None
        if evaluates and (step % self.times.evaluate_every == 0 or last):
            self.checkpoints.evaluate(self.model, self.deployment)
            self._stop_without_gain()
        elif step % self.times.save_every == 0 or last:
            self.checkpoints.save(self.model, self.deployment)
        else:
            return
        self.checkpoints.console.phase("training")
        self.numbers.leave_out(time.monotonic() - began)

    def _stop_without_gain(self) -> None:
        without_gain = self.progress.evaluations_without_gain
        if 0 < self.times.patience <= without_gain:
            self.checkpoints.console.say(
                f"stopped: {plural(without_gain, 'evaluation')} without a better mAP"
            )
            self.model.stop_training = True
