"""Curves, bars and columns as SVG: no scripts, colours from `page_style` around them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from detectune.wording import in_html

Point = tuple[float, float]

_WIDTH, _HEIGHT = 640, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 12, 30
_MOST_POINTS = 400
_BAR_STEP, _BAR_LEFT, _BAR_LETTERS = 24, 190, 26


@dataclass(frozen=True)
class Curve:
    """One line of a chart: (step, value) points, or others, under a name."""

    name: str
    points: Sequence[Point]


def line_chart(
    curves: Sequence[Curve],
    *,
    title: str,
    first: float,
    last: float,
    ends: tuple[str, str] | None = None,
    top: float | None = None,
    marks: bool = True,
    named: bool = False,
) -> str:
    """An `<svg>` with `curves` from `first` to `last`; the value axis begins at 0.

    Values that are not finite leave a gap. Empty if there is nothing to draw.

    Args:
        ends: what stands below the ends of the axis; the steps `first` and `last` if None.
        top: what the value axis reaches up to; the highest value if None.
        marks: a mark for each point of short curves, which says its value.
        named: say the name of a single curve, too.
    """
    shown = [Curve(c.name, _thinned([p for p in c.points if math.isfinite(p[1])])) for c in curves]
    shown = [curve for curve in shown if curve.points]
    if not shown:
        return ""
    highest = max(value for curve in shown for _, value in curve.points)
    ticks = axis_ticks(highest if top is None else top)
    span = (last - first) or 1

    def place(point: Point) -> Point:
        inner_width, inner_height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
        x = _LEFT + (point[0] - first) / span * inner_width
        return x, _TOP + (1 - point[1] / ticks[-1]) * inner_height

    parts = [_grid(value, place((first, value))[1]) for value in ticks]
    for number, curve in enumerate(shown, 1):
        parts.append(_line(curve, number, [place(point) for point in curve.points], marks))
    bottom = _HEIGHT - 10
    begin, end = ends or (f"{first:g}", f"step {last:g}")
    parts.append(f'<text class="axis" x="{_LEFT}" y="{bottom}">{begin}</text>')
    parts.append(f'<text class="axis end" x="{_WIDTH - _RIGHT}" y="{bottom}">{end}</text>')
    return _figure(
        title, "".join(parts), _HEIGHT, _legend(shown) if named or len(shown) > 1 else ""
    )


def axis_ticks(top: float) -> list[float]:
    """Four to six round numbers from 0 up to at least `top`.

    `axis_ticks(0.83)` is `[0, 0.2, 0.4, 0.6, 0.8, 1.0]`.
    """
    if top <= 0:
        return [0.0, 1.0]
    power = 10.0 ** math.floor(math.log10(top / 5))
    step = next(
        factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power * 5 >= top * 0.999
    )
    count = math.ceil(top / step * 0.999)
    return [float(f"{step * number:.6g}") for number in range(max(count, 1) + 1)]


def _thinned(points: list[Point]) -> list[Point]:
    stride = -(-len(points) // _MOST_POINTS)
    return points if stride <= 1 else [*points[:-1:stride], points[-1]]


def _grid(value: float, y: float) -> str:
    return (
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="axis end" x="{_LEFT - 8}" y="{y + 4:.1f}">{value:g}</text>'
    )


def _line(curve: Curve, number: int, places: Sequence[Point], marked: bool) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    marks = "".join(
        f'<circle class="mark c{number}" cx="{x:.1f}" cy="{y:.1f}" r="3.5">'
        f"<title>{in_html(curve.name)}, step {step:g}: {value:.4g}</title></circle>"
        for (x, y), (step, value) in zip(places, curve.points, strict=True)
        if marked and len(places) <= 40
    )
    return f'<polyline class="line c{number}" points="{path}"/>{marks}'


def _legend(curves: Sequence[Curve]) -> str:
    entries = (
        f'<span class="key"><i class="c{number}"></i>{in_html(curve.name)}</span>'
        for number, curve in enumerate(curves, 1)
    )
    return f'<span class="legend">{"".join(entries)}</span>'


def bar_chart(bars: Sequence[tuple[str, int]], *, title: str, most: int = 30) -> str:
    """An `<svg>` with a horizontal bar for each name and count; empty without any.

    Args:
        most: how many bars are drawn; a line says how many more there are.
    """
    if not bars:
        return ""
    highest = max(max(count for _, count in bars), 1)
    parts: list[str] = []
    for row, (name, count) in enumerate(bars[:most]):
        y, width = row * _BAR_STEP, count / highest * (_WIDTH - _BAR_LEFT - 70)
        parts.append(
            f'<text class="axis end" x="{_BAR_LEFT - 8}" y="{y + 16}">{in_html(_cut(name))}'
            f"<title>{in_html(name)}</title></text>"
            f'<rect class="mark c1" x="{_BAR_LEFT}" y="{y + 3}" width="{max(width, 1):.1f}" '
            f'height="{_BAR_STEP - 6}" rx="3"/>'
            f'<text class="axis" x="{_BAR_LEFT + width + 8:.1f}" y="{y + 16}">{count:,}</text>'
        )
    height = min(len(bars), most) * _BAR_STEP + (22 if len(bars) > most else 0)
    if len(bars) > most:
        parts.append(
            f'<text class="axis" x="{_BAR_LEFT}" y="{height - 4}">'
            f"… and {len(bars) - most:,} more</text>"
        )
    return _figure(title, "".join(parts), height)


def column_chart(columns: Sequence[tuple[str, int]], *, title: str) -> str:
    """An `<svg>` with a column for each label and count, side by side; empty if all are 0."""
    if not any(count for _, count in columns):
        return ""
    ticks = axis_ticks(max(count for _, count in columns))
    inner, step = _HEIGHT - _TOP - _BOTTOM, (_WIDTH - _LEFT - _RIGHT) / len(columns)
    parts = [_grid(value, _TOP + (1 - value / ticks[-1]) * inner) for value in ticks]
    for place, (label, count) in enumerate(columns):
        x, height = _LEFT + place * step, count / ticks[-1] * inner
        parts.append(
            f'<rect class="mark c1" x="{x + 3:.1f}" y="{_TOP + inner - height:.1f}" '
            f'width="{step - 6:.1f}" height="{height:.1f}" rx="2">'
            f"<title>{in_html(label)}: {count:,}</title></rect>"
            f'<text class="axis middle" x="{x + step / 2:.1f}" y="{_HEIGHT - 10}">'
            f"{in_html(label)}</text>"
        )
    return _figure(title, "".join(parts), _HEIGHT)


def _cut(name: str) -> str:
    return name if len(name) <= _BAR_LETTERS else f"{name[: _BAR_LETTERS - 1]}…"


def _figure(title: str, drawing: str, height: int, legend: str = "") -> str:
    return (
        f"<figure><figcaption>{in_html(title)}{legend}</figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{in_html(title)}">'
        f"{drawing}</svg></figure>"
    )
