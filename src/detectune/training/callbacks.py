"""Keras callbacks of gradient descent: numbers, evaluation, checkpoints, and when to stop.

All steps are one Keras epoch, so that nothing is set up anew between evaluations; these callbacks
act on steps. Whoever reads or changes variables settles the model first, see `training/weights.py`.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras

from detectune.data.sources.record import Record
from detectune.errors import TrainingError
from detectune.training.checkpointing import Checkpointing
from detectune.training.console import RunConsole
from detectune.training.deployment import Deployment
from detectune.training.divergence import Divergence, divergence_message
from detectune.training.logs import RunLog
from detectune.training.save_times import SaveTimes
from detectune.training.state import Progress
from detectune.training.weights import batch_norms, is_untouched, settle
from detectune.wording import plural

# Steps whose losses tell how it came about when one is not finite.
_REMEMBERED = 200


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
    """Ends training at the first loss that is NaN or infinite, names the images and the likely
    cause.

    Args:
        first_step: steps done before this call of `fit`.
        annotations: step of this call → what is annotated in the images of its batch.
        saved_step: the step of the last checkpoint, None if there is none.
        micro_batch: images that a batch norm sees at a time.
        clips: whether gradients are clipped.
    """

    def __init__(
        self,
        first_step: int,
        annotations: Callable[[int], list[Record]],
        saved_step: Callable[[], int | None],
        *,
        micro_batch: int,
        clips: bool,
    ) -> None:
        super().__init__()
        self.first_step, self.annotations, self.saved_step = first_step, annotations, saved_step
        self.micro_batch, self.clips = micro_batch, clips
        self._losses: deque[tuple[int, float]] = deque(maxlen=_REMEMBERED)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        values = {name: float(value) for name, value in (logs or {}).items()}
        broken = [name for name, value in values.items() if not math.isfinite(value)]
        if broken:
            raise TrainingError(divergence_message(self._seen(batch, broken)))
        if "total_loss" in values:
            self._losses.append((self.first_step + batch + 1, values["total_loss"]))

    def _seen(self, batch: int, broken: list[str]) -> Divergence:
        settle(self.model)
        norms = batch_norms(self.model)
        untouched = [norm for norm in norms if not norm.learns_statistics and is_untouched(norm)]
        learns = any(norm.learns_statistics for norm in norms)
        return Divergence(
            self.first_step + batch + 1,
            broken,
            self.annotations(batch),
            list(self._losses),
            learning_rate=float(self.model.optimizer.learning_rate),
            clips=self.clips,
            untouched_norms=2 * len(untouched) > len(norms) > 0,
            micro_batch=self.micro_batch if learns else 0,
            saved_step=self.saved_step(),
        )


class StepNumbers(keras.callbacks.Callback):
    """Writes losses, learning rate and speed, as means since the last line.

    Args:
        every: steps between lines.
        first_line: what else the line about the first step says.
    """

    def __init__(
        self,
        log: RunLog,
        console: RunConsole,
        *,
        first_step: int,
        batch_size: int,
        every: int,
        first_line: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self._first_line = dict(first_line or {})
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
        more, self._first_line = self._first_line, {}
        self.log.add("train", step, numbers, **more)
        self.console.step(step, numbers)
        self.model.reset_metrics()
        self._since, self._counted = time.monotonic(), step

    def leave_out(self, seconds: float) -> None:
        """Do not count `seconds` as training."""
        self._since += seconds


class Timetable(NamedTuple):
    """When what happens; numbers are steps of the stage."""

    num_steps: int
    evaluate_every: int
    saves: SaveTimes
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
        elif self.times.saves.is_due(step) or last:
            self.checkpoints.save(self.model, self.deployment)
        else:
            return
        self.times.saves.saved(self.checkpoints.saving_seconds)
        self.checkpoints.console.phase("training")
        self.numbers.leave_out(time.monotonic() - began)

    def _stop_without_gain(self) -> None:
        without_gain = self.progress.evaluations_without_gain
        if 0 < self.times.patience <= without_gain:
            self.checkpoints.console.say(
                f"stopped: {plural(without_gain, 'evaluation')} without a better mAP"
            )
            self.model.stop_training = True
