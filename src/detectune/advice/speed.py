"""How fast this machine is, beside the one on which the figures of `costs` were measured.

A product of matrices is a rough measure. Tried on a machine that others used: it found 45 GFLOP/s,
from which a step of SSD MobileNet V2 FPNLite 320 with 8 images should take 1.7 s; it took 4.4 s in
the middle and 3.0 s at best.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np

from detectune.recipes.machine import Machine

REFERENCE_GFLOPS = 169.0
"""The most that `probe` found on two cores of an AMD EPYC, the kind of machine of the figures."""
_SIDE, _SECONDS, _LEAST = 1024, 0.6, 5


class Speed(NamedTuple):
    """A machine, and how fast it computes."""

    machine: Machine
    gflops: float
    """Billions of float32 operations a second in a product of matrices, by NumPy."""

    @property
    def known(self) -> bool:
        """Whether times can be told: figures were measured on processors alone."""
        return not self.machine.gpu

    @property
    def slowness(self) -> float:
        """Seconds here for one on the machine of the figures."""
        return REFERENCE_GFLOPS / self.gflops

    def describe(self) -> str:
        """One sentence for people."""
        there = self.machine.describe()
        if not self.known:
            return (
                f"{there}. Nothing was measured on such a device, so no time is told: the first "
                "lines of a training say seconds per step."
            )
        return (
            f"{there}; {self.gflops:.0f} GFLOP/s in a product of matrices, and the machine of the "
            f"figures {REFERENCE_GFLOPS:.0f}: times are multiplied by {self.slowness:.2f}. They "
            "are right within a factor of three, and tell too little where others use the machine."
        )


def probe() -> float:
    """GFLOP/s of the best of some products of two float32 matrices of 1024 x 1024; 0.6 s."""
    matrix = np.random.default_rng(0).random((_SIDE, _SIDE), dtype=np.float32)
    product = np.empty_like(matrix)
    best, count, end = float("inf"), 0, time.perf_counter() + _SECONDS
    while count < _LEAST or time.perf_counter() < end:
        began = time.perf_counter()
        np.matmul(matrix, matrix, out=product)
        best, count = min(best, time.perf_counter() - began), count + 1
    return 2.0 * _SIDE**3 / best / 1e9
