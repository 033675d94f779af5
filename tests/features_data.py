"""Images and vectors for tests of features: two or three classes that are easy to tell apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from detectune.features.feature_file import Features
from detectune.features.settings import Settings

COLOURS = {"blue": (40, 60, 200), "green": (40, 190, 60), "red": (210, 50, 40)}

SETTINGS = Settings(
    network="MobileNetV2",
    weights="none",
    fingerprint="0123456789abcdef",
    dimension=6,
    pooling="avg",
    size=(32, 32),
    resize="nearest",
    crops="image",
    margin=0.0,
)


def noisy(colour: tuple[int, int, int], seed: int, height: int = 40, width: int = 52) -> np.ndarray:
    """`[height, width, 3]` uint8 about `colour`."""
    noise = np.random.default_rng(seed).integers(-30, 30, (height, width, 3))
    return np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)


def class_folders(root: Path, count: int = 3, classes: tuple[str, ...] = ("blue", "red")) -> Path:
    """`root/CLASS/N.png`, `count` images of each class."""
    for number, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for index in range(count):
            pixels = noisy(COLOURS[name], 100 * number + index)
            Image.fromarray(pixels).save(root / name / f"{index}.png")
    return root


def clusters(
    counts: dict[str, int], *, seed: int = 0, images: np.ndarray | None = None, apart: float = 4.0
) -> Features:
    """Vectors of six numbers, those of each class about a place of their own.

    Args:
        counts: class → how many vectors.
        images: `[N]`, the image of each; one each if None.
        apart: how far the places are, in deviations.
    """
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), list(counts.values())).astype(np.int32)
    vectors = random.normal(size=(len(labels), 6))
    vectors[np.arange(len(labels)), labels % 6] += apart
    total = len(labels)
    return Features(
        vectors=vectors.astype(np.float32),
        labels=labels,
        class_names=tuple(counts),
        file_names=tuple(f"{number}.png" for number in range(total)),
        images=np.arange(total, dtype=np.int32) if images is None else images.astype(np.int32),
        boxes=np.tile(np.array([0, 0, 40, 52], np.int32), (total, 1)),
        settings=SETTINGS,
    )
