"""Hard-negative mining: of far more negatives than a machine can be given, those that it needs.

    some negatives ─► machine ─► margins of all negatives ─► those inside the margin are added,
                         ▲                                    those far beyond it put aside ─┐
                         └────────────────────────────────────────────────────────────────────┘

It ends when no negative is inside the margin that was not learned from. Those beyond it have no
loss, so the machine is then the one of all negatives.
Source: Girshick et al. 2014 (R-CNN), section 2.3; Felzenszwalb et al. 2010.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from detectune.training.rcnn.linear_svm import LinearSvm, fit_svm

# Margins below which a negative is put aside, and above which one is hard.
# Source: the published code of R-CNN.
_EASY, _HARD = -1.2, -1.0001


class Vectors(NamedTuple):
    """Where the vectors of one image's negatives are."""

    read: Callable[[], np.ndarray]
    """All vectors `[P, D]` of the image."""
    rows: np.ndarray
    """Which of them are negatives, `[n]` int."""

    def some(self, which: np.ndarray) -> np.ndarray:
        """The vectors of the negatives `which`, of 0 to n − 1."""
        return np.asarray(self.read()[self.rows[which]], np.float64)


@dataclass(frozen=True)
class Mining:
    """How negatives are chosen, and what is made of them.

    Args:
        cost, positive_weight: see `linear_svm.fit_svm`.
        rounds: most searches; 0 learns from the first negatives alone.
        at_once: negatives to begin with, and most that a search adds.
        scale: vectors are multiplied by it.
    """

    cost: float
    positive_weight: float
    rounds: int
    at_once: int
    scale: float = 1.0


class Mined(NamedTuple):
    """A machine, and how it was found."""

    machine: LinearSvm
    """Of vectors as they are, not multiplied by `Mining.scale`."""
    rounds: int
    """Searches that found something."""
    learned: int
    """Negatives of the last fit."""
    left: int
    """Hard negatives that it did not learn from; 0 unless the searches were too few."""


def mine(
    positives: np.ndarray,
    negatives: Sequence[Vectors],
    settings: Mining,
    seed: int,
    said: Callable[[int, int], None] = lambda round_, found: None,
) -> Mined:
    """The machine that tells `positives` `[n, D]` from all `negatives`.

    Args:
        negatives: of each image.
        said: is told of every search: its number, and how many hard negatives it found.
    """
    counts = [len(image.rows) for image in negatives]
    learned = _first(counts, settings.at_once, np.random.default_rng(seed))
    objects = positives.astype(np.float64) * settings.scale
    alphas = np.zeros(len(objects) + len(learned))
    rounds = left = 0
    while True:
        rows = objects
        if len(learned):
            rows = np.vstack([objects, _gather(negatives, learned) * settings.scale])
        is_object = np.arange(len(rows)) < len(objects)
        machine = fit_svm(
            rows,
            is_object,
            cost=settings.cost,
            positive_weight=settings.positive_weight,
            start=alphas,
        )
        hard, left = _hardest(machine, negatives, learned, settings)
        if not len(hard) or rounds >= settings.rounds:
            break
        rounds += 1
        said(rounds, left)
        easy = machine.margins(rows[len(objects) :]) < _EASY
        # Aside goes only what supports nothing, so that the solution stays where it is.
        stays = ~easy | (machine.alphas[len(objects) :] > 0)
        supports = machine.alphas[len(objects) :][stays]
        learned = np.concatenate([learned[stays], hard])
        alphas = np.concatenate([machine.alphas[: len(objects)], supports, np.zeros(len(hard))])
    scaled = machine._replace(weights=machine.weights * settings.scale)
    return Mined(scaled, rounds, len(learned), left)


def _first(counts: Sequence[int], most: int, random: np.random.Generator) -> np.ndarray:
    """`[k, 2]` int: image and place of some negatives, of all images alike."""
    images = np.repeat(np.arange(len(counts)), counts)
    places = np.concatenate([np.arange(count) for count in counts] or [np.zeros(0, int)])
    every = np.stack([images, places], axis=-1).astype(int)
    if len(every) <= most:
        return every
    return every[np.sort(random.choice(len(every), most, replace=False))]


def _gather(negatives: Sequence[Vectors], learned: np.ndarray) -> np.ndarray:
    """Vectors `[k, D]` of `learned` `[k, 2]`, in their order."""
    found: list[np.ndarray] = [np.zeros(0)] * len(learned)
    for image in np.unique(learned[:, 0]):
        places = np.flatnonzero(learned[:, 0] == image)
        vectors = negatives[image].some(learned[places, 1])
        for place, vector in zip(places, vectors, strict=True):
            found[place] = vector
    return np.stack(found)


def _hardest(
    machine: LinearSvm, negatives: Sequence[Vectors], learned: np.ndarray, settings: Mining
) -> tuple[np.ndarray, int]:
    """`[k, 2]`: the hardest negatives not in `learned`, and how many there are of them."""
    found, margins = [np.zeros((0, 2), int)], [np.zeros(0)]
    for index, image in enumerate(negatives):
        if not len(image.rows):
            continue
        of_image = machine.margins(image.some(np.arange(len(image.rows))) * settings.scale)
        is_new = np.ones(len(of_image), bool)
        is_new[learned[learned[:, 0] == index, 1]] = False
        hard = np.flatnonzero((of_image > _HARD) & is_new)
        found.append(np.stack([np.full(len(hard), index), hard], axis=-1))
        margins.append(of_image[hard])
    every, of_every = np.concatenate(found), np.concatenate(margins)
    order = np.argsort(-of_every, kind="stable")[: settings.at_once]
    return every[order], len(every)
