"""When a run saves itself, so that a kill costs minutes at most, and saving little time.

    first after a tenth of the steps or a minute ─► then at least every two minutes
                                                    (every `checkpoint_every_steps`, if that is more
                                                    often), unless saving would take more than 5 %

Evaluations save, too, and count.
"""

from __future__ import annotations

import time
from collections.abc import Callable

FIRST_SECONDS, SECONDS = 60.0, 120.0
FIRST_SHARE = 0.1
"""Of all steps, after which the first checkpoint is due."""
MOST_STEPS = 500
SHARE = 0.05
"""Of the time, that saving may take where it is not asked for."""


class SaveTimes:
    """Says after each step whether a checkpoint is due.

    Args:
        num_steps: steps of the stage.
        own_every: `checkpoint_every_steps`; 0 for none. It is kept, whatever it costs, and stands
            alone where it is the shorter.
        evaluate_every: steps between evaluations.
        saved_before: whether the run has a checkpoint already.
        now: a clock, in seconds.
    """

    def __init__(
        self,
        num_steps: int,
        *,
        own_every: int = 0,
        evaluate_every: int = MOST_STEPS,
        saved_before: bool = False,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.own_every, self._now = own_every, now
        self.every = min(evaluate_every, MOST_STEPS)
        self.first_step = max(int(num_steps * FIRST_SHARE), 1)
        self._saved_before, self._cost = saved_before, 0.0
        self._since = self._began = -1.0
        self._first = 0

    def is_due(self, step: int) -> bool:
        """Whether to save after `step` steps of the stage; called after each."""
        now = self._now()
        if self._began < 0:  # only now: the first step compiles the others
            self._since = max(self._since, now)
            self._began, self._first = now, step
        if self.own_every and (step % self.own_every == 0 or self._own_is_shorter(now, step)):
            return step % self.own_every == 0
        seconds = now - self._since
        if seconds < self._cost * (1 - SHARE) / SHARE:
            return False
        if seconds >= (SECONDS if self._saved_before else FIRST_SECONDS):
            return True
        if self.own_every:
            return False
        return step % self.every == 0 or (not self._saved_before and step >= self.first_step)

    def _own_is_shorter(self, now: float, step: int) -> bool:
        """Whether `own_every` steps take less time than may pass without a checkpoint."""
        done = step - self._first
        return not done or (now - self._began) / done * self.own_every <= SECONDS

    def saved(self, seconds: float) -> None:
        """A checkpoint was just written, in so many seconds."""
        self._saved_before, self._cost, self._since = True, seconds, self._now()
