"""What stands on the cubes: hand-written digits, or drawn letters and shapes, as ink.

An ink is `[56, 56]` float32, 0 paper – 1 ink. The digits are scikit-learn's 1,797 samples of 8x8
pixels; the letters and shapes of the source task are polylines of our own,
drawn with a shaking hand and brought to the same coarse 8 to 11 pixels, so that what a detector
learns from their strokes is useful for digits, although it has never seen one.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageDraw

INK_SIZE = 56
# Every third sample is kept for the test scenes.
_TEST_EVERY = 3

Stroke = list[tuple[float, float]]  # x to the right, y down, both 0–1


@dataclass(frozen=True)
class Task:
    """What is to be detected: names of the classes, and inks of a class index."""

    name: str
    class_names: tuple[str, ...]
    ink: Callable[[int, np.random.Generator], np.ndarray]


def digits(split: Literal["train", "test"]) -> Task:
    """The ten hand-written digits; the two splits have no sample in common."""
    samples = _digit_samples(split)

    def ink(class_index: int, random: np.random.Generator) -> np.ndarray:
        of_class = samples[class_index]
        return _enlarge(of_class[random.integers(len(of_class))], random)

    return Task(f"digits-{split}", tuple(str(digit) for digit in range(10)), ink)


def letters_and_shapes() -> Task:
    """The source task: 24 letters and shapes, none of which is or looks like a digit."""
    names = tuple(_STROKES)

    def ink(class_index: int, random: np.random.Generator) -> np.ndarray:
        drawn = _write(_STROKES[names[class_index]], random)
        coarse = int(random.integers(8, 12))
        small = Image.fromarray(drawn).resize((coarse, coarse), Image.Resampling.BOX)
        return _enlarge(np.asarray(small, np.float32) / 255 * 1.25, random)

    return Task("letters-and-shapes", names, ink)


@functools.cache
def _digit_samples(split: str) -> tuple[np.ndarray, ...]:
    """Per digit `[n, 8, 8]` float32, 0–1."""
    from sklearn.datasets import load_digits  # a second of import that only the demo pays

    data: Any = load_digits()
    is_test = np.arange(len(data.images)) % _TEST_EVERY == 0
    chosen = is_test if split == "test" else ~is_test
    images = (data.images[chosen] / 16).astype(np.float32)
    return tuple(images[data.target[chosen] == digit] for digit in range(10))


def _enlarge(coarse: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A few pixels → a smooth ink of `INK_SIZE`, with a pen of varying width and slant."""
    rows, columns = coarse.shape
    picture = Image.fromarray(np.pad(coarse, 1).astype(np.float32))
    slant, turn = random.normal(0, 0.1), random.normal(0, 0.07)
    scale_x, scale_y = (columns + 2) / INK_SIZE, (rows + 2) / INK_SIZE
    half = INK_SIZE / 2
    # The affine map goes from the large picture back to the coarse one.
    matrix = np.array([[scale_x, scale_x * (slant + turn)], [-scale_y * turn, scale_y]])
    shift = np.array([(columns + 2) / 2, (rows + 2) / 2]) - matrix @ (half, half)
    data = (*matrix[0], shift[0], *matrix[1], shift[1])
    large = picture.transform(
        (INK_SIZE, INK_SIZE), Image.Transform.AFFINE, data, Image.Resampling.BICUBIC
    )
    edge, softness = random.uniform(0.4, 0.56), random.uniform(0.12, 0.24)
    return np.clip((np.asarray(large) - edge) / softness + 0.5, 0, 1).astype(np.float32)


def _write(strokes: list[Stroke], random: np.random.Generator) -> np.ndarray:
    """`[96, 96]` uint8: the strokes of a symbol as a person would hurry them down."""
    side, margin = 96, 12
    canvas = Image.new("L", (side, side), 0)
    pen = ImageDraw.Draw(canvas)
    width = random.uniform(10, 16)
    bend = random.normal(0, 0.035, 4)
    for stroke in strokes:
        points = [
            _shaken(x, y, bend, random, side - 2 * margin, margin) for x, y in _subdivided(stroke)
        ]
        pen.line(points, fill=255, width=round(width), joint="curve")
        for x, y in (points[0], points[-1]):
            radius = width / 2
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(canvas)


def _subdivided(stroke: Stroke) -> Stroke:
    """The same line with a point about every fifth of the symbol."""
    points = [stroke[0]]
    for (x0, y0), (x1, y1) in itertools.pairwise(stroke):
        pieces = max(1, round(math.hypot(x1 - x0, y1 - y0) / 0.2))
        points += [
            (x0 + (x1 - x0) * piece / pieces, y0 + (y1 - y0) * piece / pieces)
            for piece in range(1, pieces + 1)
        ]
    return points


def _shaken(
    x: float, y: float, bend: np.ndarray, random: np.random.Generator, extent: int, margin: int
) -> tuple[float, float]:
    """A point moved by the bend of the whole symbol and by a tremor of its own."""
    x_bent = x + bend[0] * math.sin(math.pi * y) + bend[1] * (y - 0.5)
    y_bent = y + bend[2] * math.sin(math.pi * x) + bend[3] * (x - 0.5)
    tremor = random.normal(0, 0.012, 2)
    return margin + extent * (x_bent + tremor[0]), margin + extent * (y_bent + tremor[1])


def _arc(
    centre: tuple[float, float], radius: tuple[float, float], begin: float, end: float
) -> Stroke:
    """Points on an ellipse from angle `begin` to `end` in degrees, clockwise from the right."""
    angles = np.radians(np.linspace(begin, end, 9))
    return [
        (centre[0] + radius[0] * math.cos(angle), centre[1] + radius[1] * math.sin(angle))
        for angle in angles
    ]


def _star() -> Stroke:
    corners = [math.radians(-90 + 144 * corner) for corner in range(6)]
    return [(0.5 + 0.5 * math.cos(angle), 0.53 + 0.5 * math.sin(angle)) for angle in corners]


_STROKES: dict[str, list[Stroke]] = {
    "A": [[(0.08, 1), (0.5, 0), (0.92, 1)], [(0.25, 0.64), (0.75, 0.64)]],
    "C": [_arc((0.58, 0.5), (0.45, 0.5), -50, -310)],
    "D": [[(0.2, 0), (0.2, 1)], [(0.2, 0), *_arc((0.2, 0.5), (0.65, 0.5), -90, 90), (0.2, 1)]],
    "E": [[(0.82, 0), (0.2, 0), (0.2, 1), (0.82, 1)], [(0.2, 0.5), (0.7, 0.5)]],
    "F": [[(0.82, 0), (0.2, 0), (0.2, 1)], [(0.2, 0.48), (0.68, 0.48)]],
    "H": [[(0.15, 0), (0.15, 1)], [(0.85, 0), (0.85, 1)], [(0.15, 0.5), (0.85, 0.5)]],
    "J": [
        [(0.35, 0), (0.8, 0)],
        [(0.65, 0), (0.65, 0.7), *_arc((0.4, 0.72), (0.25, 0.26), 0, 170)],
    ],
    "K": [[(0.2, 0), (0.2, 1)], [(0.82, 0), (0.2, 0.55)], [(0.4, 0.4), (0.85, 1)]],
    "L": [[(0.25, 0), (0.25, 1), (0.82, 1)]],
    "M": [[(0.08, 1), (0.15, 0), (0.5, 0.62), (0.85, 0), (0.92, 1)]],
    "N": [[(0.15, 1), (0.15, 0), (0.85, 1), (0.85, 0)]],
    "P": [[(0.22, 1), (0.22, 0), *_arc((0.4, 0.27), (0.4, 0.27), -90, 90), (0.22, 0.54)]],
    "R": [
        [(0.22, 1), (0.22, 0), *_arc((0.4, 0.25), (0.4, 0.25), -90, 90), (0.22, 0.5)],
        [(0.45, 0.5), (0.85, 1)],
    ],
    "T": [[(0.08, 0), (0.92, 0)], [(0.5, 0), (0.5, 1)]],
    "U": [[(0.15, 0), (0.15, 0.6), *_arc((0.5, 0.6), (0.35, 0.4), 180, 0), (0.85, 0)]],
    "V": [[(0.08, 0), (0.5, 1), (0.92, 0)]],
    "W": [[(0.02, 0), (0.27, 1), (0.5, 0.3), (0.73, 1), (0.98, 0)]],
    "X": [[(0.12, 0), (0.88, 1)], [(0.88, 0), (0.12, 1)]],
    "Y": [[(0.1, 0), (0.5, 0.5), (0.9, 0)], [(0.5, 0.5), (0.5, 1)]],
    "arrow": [[(0.02, 0.5), (0.98, 0.5)], [(0.62, 0.15), (0.98, 0.5), (0.62, 0.85)]],
    "heart": [
        [
            (0.5, 1),
            (0.05, 0.42),
            *_arc((0.27, 0.28), (0.23, 0.26), -200, 0),
            *_arc((0.73, 0.28), (0.23, 0.26), -180, 20),
            (0.5, 1),
        ]
    ],
    "plus": [[(0.5, 0.05), (0.5, 0.95)], [(0.05, 0.5), (0.95, 0.5)]],
    "star": [_star()],
    "triangle": [[(0.5, 0.05), (0.95, 0.92), (0.05, 0.92), (0.5, 0.05)]],
}
