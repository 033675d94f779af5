"""What a person sees while a run goes on: phases, and a live line of numbers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from detectune import terminal
from detectune.wording import one_line, visible


class RunConsole:
    """Prints phases as they begin, and a progress bar with the newest numbers.

    Args:
        console: where to print; standard error unless given, so that output can be piped.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or terminal.console(err=True)
        self.started = time.monotonic()
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._plain_since = 0.0

    def say(self, text: str) -> None:
        """Print `text`, with the seconds since the start before its first line."""
        seconds = time.monotonic() - self.started
        line = f"[{seconds:6.1f}s] {visible(text)}"
        self.console.print(line, markup=False, highlight=False, emoji=False, soft_wrap=True)

    @contextmanager
    def training(self, first_step: int, num_steps: int) -> Iterator[None]:
        """A progress bar while the block runs."""
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.completed}/{task.total}", markup=False),
            TextColumn("{task.fields[numbers]}", markup=False),
            TimeRemainingColumn(compact=True),
        )
        with Progress(*columns, console=self.console, refresh_per_second=4) as bar:
            self._bar = bar
            self._task = bar.add_task(
                "compiling the training step", total=num_steps, completed=first_step, numbers=""
            )
            try:
                yield
            finally:
                self._bar = self._task = None

    def phase(self, name: str) -> None:
        """Name what is going on: on the bar if there is one, else as a line."""
        if self._bar is None or self._task is None:
            self.say(name)
        else:
            self._bar.update(self._task, description=one_line(name))

    def step(self, step: int, numbers: Mapping[str, float] | None = None) -> None:
        """Move the bar to `step`; without a terminal, print the numbers every few seconds."""
        if self._bar is None or self._task is None:
            return
        self._bar.update(self._task, completed=step)
        if not numbers:
            return
        text = _line(numbers)
        self._bar.update(self._task, numbers=text)
        now = time.monotonic()
        if not self.console.is_terminal and now - self._plain_since > 10.0:
            self._plain_since = now
            self.say(f"step {step}: {text}")


_SHORT = {
    "Loss/total_loss": "loss",
    "Loss/classification_loss": "class",
    "Loss/localization_loss": "box",
    "Loss/positive_bag_loss": "found",
    "Loss/negative_bag_loss": "empty",
    "Loss/mask_loss": "mask",
    "Loss/regularization_loss": "reg",
    "learning_rate": "lr",
    "images_per_sec": "img/s",
}


def _line(numbers: Mapping[str, float]) -> str:
    shown = (f"{name} {numbers[key]:.3g}" for key, name in _SHORT.items() if key in numbers)
    return "  ".join(shown)
