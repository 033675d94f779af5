"""What a number of a config may be: the kinds of ranges that the tables are written with.

Upper ends are far above anything that a real config says. They are there because a slip of the pen
(`num_layers_before_predictor: 2147483647`) would else build for ever, or take all memory.
"""

from __future__ import annotations

from typing import NamedTuple


class Range(NamedTuple):
    """The numbers that a field may have. NaN and infinite ones are in none."""

    low: float
    high: float
    why: str = ""
    """A sentence on why these; empty where the field's meaning says it."""
    above: bool = False
    """Whether `low` itself is not allowed."""
    below: bool = False
    """Whether `high` itself is not allowed."""
    most: int = 1000
    """How many numbers a list may have."""

    def __contains__(self, value: object) -> bool:
        # As it is written: a float32 is a little more or less than its decimal number.
        number = float(f"{value:.7g}") if isinstance(value, float) else value
        if not isinstance(number, int | float):
            return False
        low = self.low < number if self.above else self.low <= number
        return low and (number < self.high if self.below else number <= self.high)

    @property
    def text(self) -> str:
        """`4`, `0 to 1`, `above 0, at most 1`, `at least 0, below 1`."""
        low, high = _shown(self.low), _shown(self.high)
        if low == high:
            return low
        if not self.above and not self.below:
            return f"{low} to {high}"
        return (
            f"{'above' if self.above else 'at least'} {low}, "
            f"{'below' if self.below else 'at most'} {high}"
        )


def _shown(number: float) -> str:
    return f"{int(number):,}" if number == int(number) else f"{number:g}"


def up_to(high: float, low: float = 0, why: str = "", most: int = 1000) -> Range:
    """From `low` to `high`, both included."""
    return Range(low, high, why, most=most)


def above_zero(high: float, why: str = "", most: int = 1000) -> Range:
    """From just above 0 to `high`."""
    return Range(0, high, why, above=True, most=most)


SHARE = up_to(1)
"""A part of a whole, a probability, an overlap, a score."""
PART = above_zero(1)
"""A part of a whole that is not nothing."""
WEIGHT = up_to(1e6)
"""How much a loss or a penalty counts."""
EPSILON = Range(1e-20, 1000, "It keeps a divisor away from 0.")
DEPTH = up_to(4096, 1)
"""Channels of a layer."""
SIDE = up_to(8192, 1)
"""Pixels."""
STEPS = up_to(1_000_000_000)
"""Training steps; 0 where none is a choice."""
COUNT = up_to(1_000_000)
"""How many of something; 0 where none is a choice."""
RATE = up_to(100)
"""A learning rate."""
FACTOR = above_zero(1000)
"""A multiplier."""
MOMENTUM = Range(0, 1, "At 1 old gradients would never fade.", below=True)
CLIPPING = up_to(1e9, 0, "0 clips nothing.")
"""The norm of a gradient."""
