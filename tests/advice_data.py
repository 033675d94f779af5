"""Data sets for tests of advice: noisy pictures with boxes, listed in a CSV file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from detectune.advice.speed import REFERENCE_GFLOPS, Speed
from detectune.recipes.machine import Machine

HEADER = "filename,width,height,class,xmin,ymin,xmax,ymax\n"
WIDTH, HEIGHT = 160, 120
PROCESSOR = Speed(Machine(8.0, 2), REFERENCE_GFLOPS)
"""The machine of the figures: nothing is measured in a test."""


def boxed_images(
    folder: Path,
    count: int,
    classes: Sequence[str] = ("nut", "bolt"),
    side: tuple[int, int] = (60, 40),
    per_image: int = 1,
) -> Path:
    """`count` pictures in `folder` with boxes of `side` (width, height), the classes in turns."""
    folder.mkdir(parents=True)
    random, rows, number = np.random.default_rng(0), [HEADER], 0
    for index in range(count):
        pixels = random.integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
        for place in range(per_image):
            x, y = 2 + place, 3
            box = f"{x},{y},{x + side[0]},{y + side[1]}"
            rows.append(f"{index}.png,{WIDTH},{HEIGHT},{classes[number % len(classes)]},{box}\n")
            number += 1
    (folder / "labels.csv").write_text("".join(rows))
    return folder
