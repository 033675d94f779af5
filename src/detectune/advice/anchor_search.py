"""The settings of an anchor generator that cover boxes best, as far as the generator can.

Every search keeps the number of anchors at each place, so that the prediction heads of a checkpoint
still fit. Candidates are compared by recall plus mean IoU, less something
for anchors of another size: half as large, the same object is looked for on a coarser feature map
than the one on which the checkpoint has learned to find it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from detectune.advice.box_clusters import Clusters, centres
from detectune.advice.box_sizes import sides
from detectune.advice.coverage import coverage
from detectune.config import schema
from detectune.config.anchor_conflicts import anchor_maps
from detectune.detectors.builders.anchors import anchor_generator

_SAMPLE = 2000
_PER_OCTAVE = 0.1
"""What anchors of twice or half the size have to bring. A judgement."""
_SCALES = tuple(round(2.0 ** (step / 8), 2) for step in range(33))  # 1 to 16
_LOWEST = (0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
_HIGHEST = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)

LIMITS = {
    "multiscale_anchor_generator": (
        "Every feature level has the same aspect ratios and scales, in proportion to its stride: "
        "it cannot have a narrow anchor of one size alone."
    ),
    "ssd_anchor_generator": (
        "Every feature map has the same aspect ratios, and scales grow evenly from map to map; "
        "with reduce_boxes_in_lowest_layer the three boxes of the first map are fixed but for "
        "min_scale."
    ),
    "grid_anchor_generator": "Every scale is combined with every aspect ratio.",
    "flexible_grid_anchor_generator": "",
}
"""What each kind of generator cannot express; nothing where it can have any anchor."""


def anchor_sizes(config: schema.AnchorGenerator, input_size: tuple[int, int]) -> np.ndarray:
    """`[A, 2]` heights and widths of the anchors at one place of every feature map, pixels."""
    maps = [(1, 1)] * anchor_maps(config)
    boxes = anchor_generator(config)(input_size, maps).astype(np.float64)
    return boxes[:, 2:] - boxes[:, :2]


def best_generator(
    config: schema.AnchorGenerator,
    sizes: np.ndarray,
    clusters: Clusters,
    input_size: tuple[int, int],
) -> schema.AnchorGenerator:
    """A generator of the kind of `config`, with as many anchors, that covers `sizes [N, 2]` best.

    `config` itself where nothing is better.
    """
    kind = config.WhichOneof("anchor_generator_oneof") or ""
    sample = sizes
    if len(sizes) > _SAMPLE:
        sample = sizes[np.random.default_rng(0).choice(len(sizes), _SAMPLE, replace=False)]

    def score(candidate: schema.AnchorGenerator) -> float:
        anchors = anchor_sizes(candidate, input_size)
        moved = abs(math.log2(float(np.median(sides(anchors))) / usual))
        return coverage(sample, anchors).score - _PER_OCTAVE * moved

    usual = float(np.median(sides(anchor_sizes(config, input_size))))
    return max([config, *_SEARCHES[kind](config, sizes, clusters)], key=score)


def _multiscale(
    config: schema.AnchorGenerator, sizes: np.ndarray, clusters: Clusters
) -> Iterator[schema.AnchorGenerator]:
    given = config.multiscale_anchor_generator.aspect_ratios
    for ratios in _ratio_lists(given, sizes):
        for scale in _SCALES:
            candidate = _copy(config)
            settings = candidate.multiscale_anchor_generator
            settings.anchor_scale = scale
            settings.aspect_ratios[:] = ratios
            yield candidate


def _ssd(
    config: schema.AnchorGenerator, sizes: np.ndarray, clusters: Clusters
) -> Iterator[schema.AnchorGenerator]:
    given = config.ssd_anchor_generator.aspect_ratios
    for ratios in _ratio_lists(given, sizes):
        for lowest, highest in ((low, high) for low in _LOWEST for high in _HIGHEST if low < high):
            candidate = _copy(config)
            settings = candidate.ssd_anchor_generator
            settings.ClearField("scales")
            settings.min_scale, settings.max_scale = lowest, highest
            settings.aspect_ratios[:] = ratios
            yield candidate


def _grid(
    config: schema.AnchorGenerator, sizes: np.ndarray, clusters: Clusters
) -> Iterator[schema.AnchorGenerator]:
    settings = config.grid_anchor_generator
    base = (settings.height * settings.width) ** 0.5
    wanted = centres(np.log(sides(sizes)), len(settings.scales))
    scales = _filled(np.exp(wanted) / base, settings.scales, digits=3)
    for ratios in _ratio_lists(settings.aspect_ratios, sizes * [settings.width, settings.height]):
        candidate = _copy(config)
        candidate.grid_anchor_generator.scales[:] = scales
        candidate.grid_anchor_generator.aspect_ratios[:] = ratios
        yield candidate


def _flexible(
    config: schema.AnchorGenerator, sizes: np.ndarray, clusters: Clusters
) -> Iterator[schema.AnchorGenerator]:
    """The clusters themselves, the smallest on the first feature map, if they are as many."""
    grids = config.flexible_grid_anchor_generator.anchor_grid
    if sum(len(grid.base_sizes) for grid in grids) != len(clusters.sizes):
        return
    candidate, at = _copy(config), 0
    for grid in candidate.flexible_grid_anchor_generator.anchor_grid:
        own = clusters.sizes[at : at + len(grid.base_sizes)]
        grid.base_sizes[:] = [round(float(side), 1) for side in sides(own)]
        grid.aspect_ratios[:] = [round(float(w / h), 2) for h, w in own]
        at += len(own)
    yield candidate


def _ratio_lists(given: Iterable[float], sizes: np.ndarray) -> Iterator[list[float]]:
    """Aspect ratios to try: those there are, and as many that fit the boxes."""
    known = [float(f"{ratio:.4g}") for ratio in given]
    yield known
    wanted = np.exp(centres(np.log(sizes[:, 1] / sizes[:, 0]), len(known)))
    yield _filled(wanted, known, digits=2)


def _filled(wanted: np.ndarray, known: Iterable[float], digits: int) -> list[float]:
    """`wanted`, rounded, filled up from `known` to as many numbers as there are in it."""
    known = list(known)
    values = [max(round(float(value), digits), 10.0**-digits) for value in wanted]
    own = list(dict.fromkeys(values))
    spare = [value for value in known if value not in own]
    return (own + spare)[: len(known)]


def _copy(config: schema.AnchorGenerator) -> schema.AnchorGenerator:
    copied = schema.AnchorGenerator()
    copied.CopyFrom(config)
    return copied


_Search = Callable[[schema.AnchorGenerator, np.ndarray, Clusters], Iterable[schema.AnchorGenerator]]
_SEARCHES: dict[str, _Search] = {
    "multiscale_anchor_generator": _multiscale,
    "ssd_anchor_generator": _ssd,
    "grid_anchor_generator": _grid,
    "flexible_grid_anchor_generator": _flexible,
}
