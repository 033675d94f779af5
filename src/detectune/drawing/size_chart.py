"""Sizes of boxes and of anchors as points, width by height: an SVG that needs no style sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from detectune.wording import in_html

Size = tuple[float, float]

_SIDE, _LEFT, _TOP, _BOTTOM, _RIGHT = 480, 64, 64, 52, 190
_PAPER, _INK, _SOFT, _RULE = "#ffffff", "#23262d", "#6c717c", "#e4e4df"
_COLOURS = ("#3d63dd", "#d9572b", "#1a9a83", "#a045b8")
_TICKS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)


class Marks(NamedTuple):
    """Sizes that are drawn alike."""

    name: str
    sizes: Sequence[Size]
    """Height and width of each, pixels."""
    shape: str
    """"dot", "square", "cross" or "ring"."""


def size_chart(series: Sequence[Marks], *, title: str) -> str:
    """An `<svg>` with a mark for each size, width to the right and height upwards, both
    logarithmic; the first series lies at the bottom.

    Raises:
        ValueError: there is nothing to draw.
    """
    values = [side for marks in series for size in marks.sizes for side in size]
    low, high = _ends(values)

    def place(size: Size) -> tuple[float, float]:
        up, right = (math.log(max(side, low) / low) / math.log(high / low) for side in size)
        return _LEFT + _SIDE * right, _TOP + _SIDE * (1.0 - up)

    width, height = _LEFT + _SIDE + _RIGHT, _TOP + _SIDE + _BOTTOM
    drawn = "".join(
        _mark(marks.shape, *place(size), _COLOURS[number % len(_COLOURS)], marks.name, size)
        for number, marks in enumerate(series)
        for size in marks.sizes
    )
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'width="{width}" height="{height}" aria-label="{in_html(title)}" '
        f'font-family="system-ui, sans-serif" font-size="13">'
        f'<rect width="{width}" height="{height}" fill="{_PAPER}"/>'
        f'<text x="12" y="26" fill="{_INK}" font-size="13" font-weight="600">{in_html(title)}'
        f"</text>{''.join(_rules(tick, place((tick, tick))) for tick in ticks)}"
        f'<text x="{_LEFT + _SIDE / 2}" y="{height - 10}" text-anchor="middle" fill="{_SOFT}">'
        f'width, pixels of the input</text><text transform="translate(18 {_TOP + _SIDE / 2}) '
        f'rotate(-90)" text-anchor="middle" fill="{_SOFT}">height, pixels of the input</text>'
        f"{drawn}{_legend(series)}</svg>"
    )


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """Powers of 2 around all `values`."""
    if not values:
        raise ValueError("there is no size to draw")
    low = 2.0 ** math.floor(math.log2(max(min(values), 1.0)))
    return low, max(2.0 ** math.ceil(math.log2(max(max(values), 1.0))), 2 * low)


def _rules(tick: int, place: tuple[float, float]) -> str:
    (x, y), bottom = place, _TOP + _SIDE
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}" stroke="{_RULE}"/>'
        f'<line x1="{_LEFT}" x2="{_LEFT + _SIDE}" y1="{y:.1f}" y2="{y:.1f}" stroke="{_RULE}"/>'
        f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle" fill="{_SOFT}">{tick}</text>'
        f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="{_SOFT}">{tick}</text>'
    )


def _mark(shape: str, x: float, y: float, colour: str, name: str, size: Size) -> str:
    tip = f"<title>{in_html(name)}: {size[1]:.0f} x {size[0]:.0f}</title>"
    if shape == "dot":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}" fill-opacity="0.35"/>'
    line = f'fill="none" stroke="{colour}" stroke-width="2"'
    if shape == "square":
        return f'<rect x="{x - 5:.1f}" y="{y - 5:.1f}" width="10" height="10" {line}>{tip}</rect>'
    if shape == "ring":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" {line}>{tip}</circle>'
    arms = f"M{x - 6:.1f} {y - 6:.1f}l12 12M{x - 6:.1f} {y + 6:.1f}l12 -12"
    return f'<path d="{arms}" {line}>{tip}</path>'


def _legend(series: Sequence[Marks]) -> str:
    x, parts = _LEFT + _SIDE + 22, list[str]()
    for number, marks in enumerate(series):
        y, colour = _TOP + 10 + 24 * number, _COLOURS[number % len(_COLOURS)]
        parts.append(
            _mark(marks.shape, x, y, colour, marks.name, marks.sizes[0] if marks.sizes else (0, 0))
        )
        parts.append(f'<text x="{x + 14}" y="{y + 4}" fill="{_INK}">{in_html(marks.name)}</text>')
    return "".join(parts)
