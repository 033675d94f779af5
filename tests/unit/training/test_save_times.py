"""A kill costs minutes at most, and saving at most a twentieth of the time."""

from __future__ import annotations

import itertools

import pytest

from detectune.training.save_times import SaveTimes


class Run:
    """Steps that take so many seconds each, and saves."""

    def __init__(self, seconds: float, saving: float = 0.1, **settings) -> None:
        self.time, self.step_seconds, self.saving_seconds = 0.0, seconds, saving
        self.times = SaveTimes(now=lambda: self.time, **settings)

    def saves(self, steps: int, first: int = 1) -> list[int]:
        """The steps after which a checkpoint was due."""
        saved = []
        for step in range(first, steps + 1):
            self.time += self.step_seconds
            if self.times.is_due(step):
                self.time += self.saving_seconds
                self.times.saved(self.saving_seconds)
                saved.append(step)
        return saved


def test_the_first_checkpoint_comes_after_a_tenth_of_a_short_run():
    assert Run(0.1, num_steps=40, evaluate_every=40).saves(40) == [4, 40]
    assert Run(0.1, num_steps=5, evaluate_every=5).saves(5)[0] == 1


def test_the_first_checkpoint_comes_after_a_minute_of_a_long_one():
    # Counted from the end of the first step, which compiles.
    assert Run(2.0, num_steps=100_000).saves(300)[:2] == [31, 91]


def test_then_no_two_checkpoints_are_further_apart_than_two_minutes():
    run = Run(7.0, saving=1.0, num_steps=100_000)
    saves = run.saves(2000)
    gaps = [(after - before) * 7.0 for before, after in itertools.pairwise(saves)]
    assert max(gaps) < 120 + 2 * 7
    assert sum(gap == 126 for gap in gaps) > 100


def test_an_interval_of_one_s_own_is_kept_exactly_where_it_is_the_shorter():
    assert Run(0.5, num_steps=8, own_every=2).saves(8) == [2, 4, 6, 8]
    assert Run(20.0, num_steps=8, own_every=4).saves(8) == [4, 8]
    # Also where it costs more than the training.
    assert Run(0.5, saving=30.0, num_steps=8, own_every=2).saves(8) == [2, 4, 6, 8]


def test_an_interval_of_one_s_own_that_is_the_longer_does_not_cost_hours():
    assert Run(30.0, num_steps=5000, own_every=1000).saves(12) == [3, 7, 11]


@pytest.mark.parametrize("saving", [0.5, 5.0, 30.0, 120.0])
@pytest.mark.parametrize("step", [0.01, 0.3, 4.0])
def test_saving_takes_a_twentieth_of_the_time_at_most(saving, step):
    run = Run(step, saving=saving, num_steps=1_000_000, evaluate_every=100)
    saves = run.saves(int(3 * 3600 / step))
    assert len(saves) > 2
    assert (len(saves) - 1) * saving <= 0.05 * run.time


def test_a_run_that_goes_on_has_a_checkpoint_already():
    run = Run(1.0, num_steps=1000, evaluate_every=1000, saved_before=True)
    assert run.saves(700, first=300) == [420, 500, 620]
