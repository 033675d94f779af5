"""Curves with a band around them, over counts on a logarithmic axis: as a figure of a page, and as
an SVG file that stands alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from detectune.drawing.charts import axis_ticks
from detectune.wording import in_html

_WIDTH, _HEIGHT = 640, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 24, 14, 44
_COLOURS = 6  # of page_style
_LEAST_GAP = 34  # between two counts that are written below the axis
_ROW = 20  # of a legend
# Of a file that stands alone: the colours of `page_style`, light and dark.
_STYLE = """
svg { --paper: #fff; --ink: #23262d; --soft: #6c717c; --rule: #e4e4df; --c1: #3d63dd; --c2: #d9572b;
  --c3: #1a9a83; --c4: #a045b8; --c5: #b08900; --c6: #c2416b;
  font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
@media (prefers-color-scheme: dark) { svg { --paper: #1f2229; --ink: #e9eaee; --soft: #9aa0ad;
  --rule: #343843; --c1: #8aa8ff; --c2: #ff9a70; --c3: #4fd1b8; --c4: #d79bea; --c5: #e8c55c;
  --c6: #ff8fb0; } }
.paper { fill: var(--paper); } .title { fill: var(--ink); font-size: 14.5px; font-weight: 600; }
.grid { stroke: var(--rule); stroke-width: 1; } .axis { fill: var(--soft); font-size: 12px; }
.end { text-anchor: end; } .middle { text-anchor: middle; }
.line { fill: none; stroke: currentColor; stroke-width: 2.2; stroke-linejoin: round; }
.mark { fill: currentColor; }
.c1 { color: var(--c1); } .c2 { color: var(--c2); } .c3 { color: var(--c3); }
.c4 { color: var(--c4); } .c5 { color: var(--c5); } .c6 { color: var(--c6); }
"""


class BandPoint(NamedTuple):
    """A point of a curve: mean, lowest and highest value at a count, which is 1 or more."""

    at: int
    mean: float
    lowest: float
    highest: float
    note: str = ""
    """What the mark says beside its value."""


class BandCurve(NamedTuple):
    """A curve under a name, by rising count."""

    name: str
    points: Sequence[BandPoint]


def spread_figure(curves: Sequence[BandCurve], *, title: str, below: str) -> str:
    """A `<figure>` for a page with `page_style`; empty if there is nothing to draw.

    Args:
        below: what the counts are.
    """
    drawn = _drawing(curves, below)
    if not drawn:
        return ""
    keys = "".join(
        f'<span class="key"><i class="{_colour(number)}"></i>{in_html(curve.name)}'
        f"{_dash_word(number)}</span>"
        for number, curve in enumerate(curves)
        if curve.points
    )
    return (
        f'<figure><figcaption>{in_html(title)}<span class="legend">{keys}</span></figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{in_html(title)}">'
        f"{drawn}</svg></figure>"
    )


def spread_svg(curves: Sequence[BandCurve], *, title: str, below: str) -> str:
    """The text of an SVG file; without anything to draw, it says so.

    Args:
        below: what the counts are.
    """
    shown = [(number, curve) for number, curve in enumerate(curves) if curve.points]
    head = 34
    height = head + _HEIGHT + _ROW * len(shown)
    keys = "".join(
        f'<line class="line {_colour(number)}" {_dash(number)}x1="{_LEFT}" x2="{_LEFT + 26}" '
        f'y1="{y - 4}" y2="{y - 4}"/><text class="axis" x="{_LEFT + 34}" y="{y}">'
        f"{in_html(curve.name)}</text>"
        for row, (number, curve) in enumerate(shown)
        if (y := head + _HEIGHT + _ROW * row + 8)
    )
    nothing = f'<text class="axis" x="{_LEFT}" y="{head + 40}">no training is done yet</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" role="img" aria-label="{in_html(title)}">'
        f"<style>{_STYLE}</style>"
        f'<rect class="paper" width="{_WIDTH}" height="{height}" rx="10"/>'
        f'<text class="title" x="16" y="24">{in_html(title)}</text>'
        f'<g transform="translate(0 {head})">{_drawing(curves, below) or ""}</g>'
        f"{keys if shown else nothing}</svg>\n"
    )


def _drawing(curves: Sequence[BandCurve], below: str) -> str:
    points = [point for curve in curves for point in curve.points]
    if not points:
        return ""
    counts = sorted({point.at for point in points})
    ticks = axis_ticks(max(point.highest for point in points))
    inner = _HEIGHT - _TOP - _BOTTOM

    def across(count: int) -> float:
        return _across(count, counts[0], counts[-1])

    def down(value: float) -> float:
        return _TOP + (1 - value / ticks[-1]) * inner

    parts = [_grid(value, down(value)) for value in ticks]
    parts += [_count(count, x) for count, x in _apart([(c, across(c)) for c in counts])]
    parts.append(
        f'<text class="axis middle" x="{(_LEFT + _WIDTH - _RIGHT) / 2:.0f}" y="{_HEIGHT - 6}">'
        f"{in_html(below)}</text>"
    )
    placed = [
        [(across(p.at), down(p.mean), down(p.lowest), down(p.highest)) for p in curve.points]
        for curve in curves
    ]
    # Bands lie below all lines.
    parts += [_band(places, number) for number, places in enumerate(placed)]
    parts += [
        _line(curve, places, number)
        for number, (curve, places) in enumerate(zip(curves, placed, strict=True))
    ]
    return "".join(parts)


def _across(count: int, first: int, last: int) -> float:
    """Where `count` stands; counts that double are equally far apart."""
    span = math.log(last / first) if last > first else 0.0
    share = math.log(count / first) / span if span else 0.5
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _apart(places: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Those of the `places` whose numbers do not touch; the last one is always among them."""
    kept: list[tuple[int, float]] = []
    for count, x in reversed(places):
        if not kept or kept[-1][1] - x >= _LEAST_GAP:
            kept.append((count, x))
    return kept[::-1]


def _grid(value: float, y: float) -> str:
    return (
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="axis end" x="{_LEFT - 8}" y="{y + 4:.1f}">{value:g}</text>'
    )


def _count(count: int, x: float) -> str:
    bottom = _HEIGHT - _BOTTOM
    return (
        f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 5}"/>'
        f'<text class="axis middle" x="{x:.1f}" y="{bottom + 18}">{count:,}</text>'
    )


def _band(places: Sequence[tuple[float, float, float, float]], number: int) -> str:
    if all(lowest == highest for _, _, lowest, highest in places):
        return ""
    colour = _colour(number)
    if len(places) == 1:
        x, _, lowest, highest = places[0]
        return (
            f'<line class="line {colour}" style="opacity:.45" x1="{x:.1f}" x2="{x:.1f}" '
            f'y1="{lowest:.1f}" y2="{highest:.1f}"/>'
        )
    there = [f"{x:.1f},{highest:.1f}" for x, _, _, highest in places]
    back = [f"{x:.1f},{lowest:.1f}" for x, _, lowest, _ in reversed(places)]
    return f'<polygon class="mark {colour}" style="opacity:.16" points="{" ".join(there + back)}"/>'


def _line(
    curve: BandCurve, places: Sequence[tuple[float, float, float, float]], number: int
) -> str:
    if not places:
        return ""
    colour = _colour(number)
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _, _ in places)
    marks = "".join(
        f'<circle class="mark {colour}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"><title>'
        f"{in_html(curve.name)}, {point.at:,}: {point.mean:.3f}"
        f"{in_html(f' ({point.note})') if point.note else ''}</title></circle>"
        for (x, y, _, _), point in zip(places, curve.points, strict=True)
    )
    return f'<polyline class="line {colour}" {_dash(number)}points="{path}"/>{marks}'


def _colour(number: int) -> str:
    return f"c{number % _COLOURS + 1}"


def _dash(number: int) -> str:
    """After six colours, lines are dashed."""
    return 'stroke-dasharray="7 4" ' if number >= _COLOURS else ""


def _dash_word(number: int) -> str:
    return " (dashed)" if number >= _COLOURS else ""
