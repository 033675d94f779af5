"""Where the layers of a network stand in a drawing: a row for each depth, a lane for each branch.

A layer stands one row below the lowest of those that it takes something from, and parts stand one
below the other: first the backbone, then the neck, then the heads. Of the layers that take from
one, that with the longest way to go keeps its lane; the others move aside. An arrow to the next row
is a line; one that would cross other layers goes down beside its lane, in a gutter with a track for
each arrow that is under way at the same time.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Place(NamedTuple):
    """Where a layer stands."""

    row: int
    lane: int


class Arrow(NamedTuple):
    """From one layer to another."""

    source: int
    target: int
    track: int | None
    """In the gutter right of the source's lane; None for a straight way."""


@dataclass
class Layout:
    """Places of all layers, and the arrows between them."""

    places: list[Place]
    arrows: list[Arrow]
    tracks: dict[int, int] = field(default_factory=dict[int, int])
    """Lane → how many arrows go down beside it at the same time, at most."""

    @property
    def rows(self) -> int:
        return 1 + max((place.row for place in self.places), default=0)

    @property
    def lanes(self) -> int:
        return 1 + max((place.lane for place in self.places), default=0)


def laid_out(inputs: Sequence[Sequence[int]], groups: Sequence[int]) -> Layout:
    """Places for layers.

    Args:
        inputs: of every layer, the layers that it takes something from. In a circle, one arrow is
            left out.
        groups: of every layer, the number of its part; parts stand one below the other.
    """
    order = _order(inputs)
    turn = {place: at for at, place in enumerate(order)}
    # From here on layers have the numbers of their turns, so that inputs have smaller ones.
    before = [sorted(turn[one] for one in inputs[place] if turn[one] < turn[place])
              for place in order]  # fmt: skip
    rows = _rows(before, [groups[place] for place in order])
    lanes = _lanes(before, rows)
    arrows, tracks = _arrows(before, rows, lanes)
    return Layout(
        [Place(rows[turn[place]], lanes[turn[place]]) for place in range(len(inputs))],
        [Arrow(order[one], order[other], track) for one, other, track in arrows],
        tracks,
    )


def _order(inputs: Sequence[Sequence[int]]) -> list[int]:
    """The layers in an order in which each stands behind its inputs; otherwise as they came."""
    waits = [set(sources) for sources in inputs]
    takers: list[list[int]] = [[] for _ in inputs]
    for place, sources in enumerate(inputs):
        for one in sources:
            takers[one].append(place)
    ready = [place for place, sources in enumerate(waits) if not sources]
    heapq.heapify(ready)
    order, left = list[int](), set(range(len(inputs)))
    while left:
        place = heapq.heappop(ready) if ready else min(left)
        if place not in left:
            continue
        left.remove(place)
        order.append(place)
        for taker in takers[place]:
            waits[taker].discard(place)
            if not waits[taker] and taker in left:
                heapq.heappush(ready, taker)
    return order


def _rows(before: Sequence[Sequence[int]], groups: Sequence[int]) -> list[int]:
    rows = [0] * len(before)
    start = 0
    for group in sorted(set(groups)):
        members = [place for place, of in enumerate(groups) if of == group]
        for place in members:
            above = [rows[one] for one in before[place] if groups[one] == group]
            rows[place] = max(above, default=start - 1) + 1
        start = max(rows[place] for place in members) + 2  # an empty row for the title
    return rows


def _lanes(before: Sequence[Sequence[int]], rows: Sequence[int]) -> list[int]:
    ways = _ways(before)
    order = sorted(range(len(rows)), key=lambda place: (rows[place], -ways[place], place))
    lanes, taken = [0] * len(rows), set[tuple[int, int]]()
    kept: set[int] = set()  # layers whose lane goes on in one that takes from them
    for place in order:
        above = sorted(before[place], key=lambda one: (-ways[one], one))
        wanted = min((lanes[one] for one in above if one not in kept), default=0)
        lane = wanted
        while (rows[place], lane) in taken:
            lane += 1
        lanes[place] = lane
        taken.add((rows[place], lane))
        kept.update(one for one in above if lanes[one] == lane)
    return lanes


def _ways(before: Sequence[Sequence[int]]) -> list[int]:
    """Of every layer, how many layers follow it at most."""
    ways = [0] * len(before)
    for place in range(len(before) - 1, -1, -1):
        for one in before[place]:
            ways[one] = max(ways[one], ways[place] + 1)
    return ways


def _arrows(
    before: Sequence[Sequence[int]], rows: Sequence[int], lanes: Sequence[int]
) -> tuple[list[Arrow], dict[int, int]]:
    standing = set(zip(rows, lanes, strict=True))
    long: list[tuple[int, int]] = []
    arrows: list[Arrow] = []
    for target, sources in enumerate(before):
        for source in sources:
            # To the left it goes down first and then over, to the right the other way round.
            lane = max(lanes[source], lanes[target])
            if any((row, lane) in standing for row in range(rows[source] + 1, rows[target])):
                long.append((source, target))
            else:
                arrows.append(Arrow(source, target, None))
    busy: dict[int, list[int]] = {}  # lane → the row at which each track is free again
    for source, target in sorted(long, key=lambda one: (rows[one[0]], rows[one[1]])):
        ends = busy.setdefault(lanes[source], [])
        track = next((at for at, end in enumerate(ends) if end <= rows[source]), len(ends))
        ends[track : track + 1] = [rows[target]]
        arrows.append(Arrow(source, target, track))
    return arrows, {lane: len(ends) for lane, ends in busy.items()}
