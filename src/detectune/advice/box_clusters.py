"""Which sizes boxes have: k-means with 1 − IoU as the distance.

Boxes and anchors are compared as if they had one centre, so that only height and width count.

Source: Redmon and Farhadi 2017 (YOLO9000), section 2; starts as in Arthur and Vassilvitskii 2007.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_ROUNDS, _STARTS, _CHUNK, _MOST = 100, 5, 1 << 22, 20_000


class Clusters(NamedTuple):
    """Groups of boxes of nearly the same size, smallest first."""

    sizes: np.ndarray
    """`[K, 2]`, the height and width of each group, pixels."""
    shares: np.ndarray
    """`[K]`, how many of the boxes belong to it, from 0 to 1."""


def size_iou(sizes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """`[N, K]` IoU of boxes of `sizes [N, 2]` and `others [K, 2]` with the same centre."""
    inner = np.minimum(sizes[:, None, 0], others[None, :, 0])
    inner = inner * np.minimum(sizes[:, None, 1], others[None, :, 1])
    return inner / (sizes.prod(axis=1)[:, None] + others.prod(axis=1)[None] - inner)


def best_iou(sizes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """`[N]`, the highest IoU of each of `sizes [N, 2]` with one of `others [K, 2]`."""
    step = max(_CHUNK // max(len(others), 1), 1)
    parts = (size_iou(sizes[at : at + step], others) for at in range(0, len(sizes), step))
    return np.concatenate([np.zeros(0), *(part.max(axis=1) for part in parts)])


def cluster_sizes(sizes: np.ndarray, count: int, seed: int = 0) -> Clusters:
    """`count` clusters of `sizes [N, 2]`, or as many as there are different sizes.

    The best of five starts; the same for the same boxes and seed. Of more than 20,000 boxes, so
    many are drawn.
    """
    random = np.random.default_rng(seed)
    if len(sizes) > _MOST:
        sizes = sizes[random.choice(len(sizes), _MOST, replace=False)]
    distinct, inverse = np.unique(sizes, axis=0, return_inverse=True)
    weights = np.bincount(inverse.ravel(), minlength=len(distinct)).astype(np.float64)
    count = min(count, len(distinct))
    found = [_clustered(distinct, weights, count, random) for _ in range(_STARTS)]
    centres = max(found, key=lambda one: float(best_iou(distinct, one) @ weights))
    centres = centres[np.argsort(centres.prod(axis=1))]
    nearest = size_iou(distinct, centres).argmax(axis=1)
    return Clusters(centres, np.bincount(nearest, weights, count) / weights.sum())


def _clustered(
    sizes: np.ndarray, weights: np.ndarray, count: int, random: np.random.Generator
) -> np.ndarray:
    """`[count, 2]` centres from one start. A mean need not be nearer by IoU: the best are kept."""
    centres = _start(sizes, weights, count, random)
    best, score = centres, -1.0
    for _ in range(_ROUNDS):
        overlap = size_iou(sizes, centres)
        reached = float(overlap.max(axis=1) @ weights)
        if reached <= score:
            break
        best, score = centres, reached
        member = np.eye(count)[overlap.argmax(axis=1)] * weights[:, None]
        total = member.sum(axis=0)
        means = (member.T @ sizes) / np.maximum(total, 1e-12)[:, None]
        centres = np.where(total[:, None] > 0, means, centres)
    return best


def _start(
    sizes: np.ndarray, weights: np.ndarray, count: int, random: np.random.Generator
) -> np.ndarray:
    """k-means++: boxes far from those chosen before are likelier."""
    chosen = [int(random.choice(len(sizes), p=weights / weights.sum()))]
    while len(chosen) < count:
        far = (1.0 - size_iou(sizes, sizes[chosen]).max(axis=1)) ** 2 * weights
        far[chosen] = 0.0
        chosen.append(int(random.choice(len(sizes), p=far / far.sum())))
    return sizes[chosen]


def centres(values: np.ndarray, count: int) -> np.ndarray:
    """`[K ≤ count]` centres of the numbers `values [N]`: k-means that begins with quantiles."""
    found = np.unique(np.quantile(values, (np.arange(count) + 0.5) / count))
    for _ in range(_ROUNDS):
        member = np.abs(values[:, None] - found[None]).argmin(axis=1)
        total = np.bincount(member, minlength=len(found))
        sums = np.bincount(member, values, len(found))
        moved = np.where(total > 0, sums / np.maximum(total, 1), found)
        if np.allclose(moved, found):
            break
        found = moved
    return np.unique(found)
