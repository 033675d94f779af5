"""Anchor generators that would make no anchors, or not the same number of everything."""

from __future__ import annotations

from collections.abc import Iterator

from detectune.config import schema
from detectune.config.problems import Problem
from detectune.wording import plural

_MOST_PER_PLACE = 300
"""RetinaNet has 9 anchors at each place, the largest of EfficientDet as well."""


def anchor_conflicts(config: schema.AnchorGenerator, path: str) -> Iterator[Problem]:
    """An error for each conflict in the anchor generator that stands at `path`."""
    kind = config.WhichOneof("anchor_generator_oneof")
    if kind == "ssd_anchor_generator":
        yield from _ssd(config.ssd_anchor_generator, f"{path}.{kind}")
    elif kind == "multiscale_anchor_generator":
        multiscale = config.multiscale_anchor_generator
        count = len(multiscale.aspect_ratios) * multiscale.scales_per_octave
        yield from _count(count, "aspect_ratios: [1.0, 2.0, 0.5]", f"{path}.{kind}")
    elif kind == "grid_anchor_generator":
        grid = config.grid_anchor_generator
        count = len(grid.scales) * len(grid.aspect_ratios)
        example = "scales: [0.25, 0.5, 1.0, 2.0] aspect_ratios: [0.5, 1.0, 2.0]"
        yield from _count(count, example, f"{path}.{kind}")
    elif kind == "flexible_grid_anchor_generator":
        yield from _flexible(config.flexible_grid_anchor_generator, f"{path}.{kind}")


def anchor_maps(config: schema.AnchorGenerator) -> int:
    """For how many feature maps the generator makes anchors; 0 if none is chosen."""
    multiscale = config.multiscale_anchor_generator
    maps = {
        "ssd_anchor_generator": config.ssd_anchor_generator.num_layers,
        "multiscale_anchor_generator": multiscale.max_level - multiscale.min_level + 1,
        "grid_anchor_generator": 1,
        "flexible_grid_anchor_generator": len(config.flexible_grid_anchor_generator.anchor_grid),
    }
    return maps.get(config.WhichOneof("anchor_generator_oneof") or "", 0)


def anchors_per_place(config: schema.AnchorGenerator) -> int:
    """How many anchors stand at a place of the feature map that has the most of them."""
    ssd, grid = config.ssd_anchor_generator, config.grid_anchor_generator
    multiscale = config.multiscale_anchor_generator
    grids = config.flexible_grid_anchor_generator.anchor_grid
    counts = {
        "ssd_anchor_generator": len(ssd.aspect_ratios) + 1,
        "multiscale_anchor_generator": len(multiscale.aspect_ratios) * multiscale.scales_per_octave,
        "grid_anchor_generator": len(grid.scales) * len(grid.aspect_ratios),
        "flexible_grid_anchor_generator": max((len(one.base_sizes) for one in grids), default=0),
    }
    return counts.get(config.WhichOneof("anchor_generator_oneof") or "", 0)


def _count(count: int, example: str, path: str) -> Iterator[Problem]:
    if not 1 <= count <= _MOST_PER_PLACE:
        yield Problem(
            "error",
            path,
            f"it makes {count:,} anchors at each place.",
            f"Allowed: 1 to {_MOST_PER_PLACE}, made from the lists of scales and of aspect ratios.",
            f"Write for example {example}.",
        )


def _ssd(config: schema.SsdAnchorGenerator, path: str) -> Iterator[Problem]:
    layers = config.num_layers
    if config.scales and len(config.scales) < layers:
        yield _length(f"{path}.scales", len(config.scales), layers)
    for name in ("height_stride", "width_stride", "height_offset", "width_offset"):
        count = len(getattr(config, name))
        other = len(getattr(config, _twin(name)))
        if count != layers and (count or other):
            yield _length(f"{path}.{name}", count, layers)
    count = len(config.aspect_ratios) + (config.interpolated_scale_aspect_ratio > 0)
    yield from _count(count, "aspect_ratios: [1.0, 2.0, 0.5, 3.0, 0.3333]", path)


def _twin(name: str) -> str:
    axis, what = name.split("_")
    return f"{'width' if axis == 'height' else 'height'}_{what}"


def _length(path: str, count: int, wanted: int) -> Problem:
    name = path.rpartition(".")[2]
    return Problem(
        "error",
        path,
        f"{plural(count, 'number')} given, and num_layers is {wanted}.",
        "Allowed: one number for each feature map, or none.",
        f"List {wanted} numbers in {name}, or remove the lines.",
    )


def _flexible(config: schema.FlexibleGridAnchorGenerator, path: str) -> Iterator[Problem]:
    if not config.anchor_grid:
        yield Problem(
            "error",
            path,
            "there is no anchor_grid.",
            "Each feature map needs one.",
            "Write anchor_grid { base_sizes: 32 aspect_ratios: 1.0 height_stride: 16 … }.",
        )
    for index, grid in enumerate(config.anchor_grid):
        place = f"{path}.anchor_grid[{index}]"
        if len(grid.base_sizes) != len(grid.aspect_ratios):
            yield Problem(
                "error",
                place,
                f"it has {len(grid.base_sizes)} base_sizes and {len(grid.aspect_ratios)} "
                "aspect_ratios.",
                "Every base size has an aspect ratio of its own.",
                "Write as many of one as of the other.",
            )
        else:
            yield from _count(len(grid.base_sizes), "base_sizes: 32 aspect_ratios: 1.0", place)
