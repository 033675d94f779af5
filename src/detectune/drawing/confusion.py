"""A confusion matrix as SVG that needs no style sheet: for pages, and as a file of its own."""

from __future__ import annotations

from collections.abc import Sequence

from detectune.wording import in_html

_CELL, _TOP, _LEFT, _RIGHT, _LETTERS = 46, 196, 190, 96, 22
_PAPER, _INK, _SOFT, _DARK = "#ffffff", "#23262d", "#6c717c", (61, 99, 221)


def confusion_svg(counts: Sequence[Sequence[int]], names: Sequence[str], *, title: str) -> str:
    """An `<svg>` with a cell for each pair of classes, darker the larger its share of the row.

    Args:
        counts: `[C][C]`, what is there by row, what is said by column.
        names: `[C]`, of the classes.
    """
    side = _CELL * len(names)
    width, height = _LEFT + side + _RIGHT, _TOP + side + 16
    cells = "".join(
        _cell(count, sum(row), _LEFT + column * _CELL, _TOP + number * _CELL, names, number, column)
        for number, row in enumerate(counts)
        for column, count in enumerate(row)
    )
    heads = "".join(_heads(name, number) for number, name in enumerate(names))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'width="{width}" height="{height}" style="max-width: 100%; width: {width}px" '
        f'aria-label="{in_html(title)}" font-family="system-ui, sans-serif" font-size="13">'
        f'<rect width="{width}" height="{height}" fill="{_PAPER}"/>'
        f'<text x="12" y="24" fill="{_INK}" font-size="15" font-weight="600">{in_html(title)}'
        f'</text><text x="12" y="44" fill="{_SOFT}">rows: what is there; columns: what is said'
        f"</text>{heads}{cells}</svg>"
    )


def _cell(
    count: int, total: int, x: int, y: int, names: Sequence[str], row: int, column: int
) -> str:
    share = count / total if total else 0.0
    red, green, blue = (round(255 + (dark - 255) * share) for dark in _DARK)
    ink = _PAPER if share > 0.55 else _INK
    tip = f"{in_html(names[row])} called {in_html(names[column])}: {count:,} of {total:,}"
    return (
        f'<rect x="{x + 1}" y="{y + 1}" width="{_CELL - 2}" height="{_CELL - 2}" rx="4" '
        f'fill="#{red:02x}{green:02x}{blue:02x}" stroke="#e4e4df"><title>{tip}</title></rect>'
        f'<text x="{x + _CELL // 2}" y="{y + _CELL // 2 + 5}" text-anchor="middle" fill="{ink}">'
        f"{count}</text>"
    )


def _heads(name: str, number: int) -> str:
    """The name of a class before its row and above its column."""
    shown = in_html(name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…")
    y = _TOP + number * _CELL + _CELL // 2 + 5
    x = _LEFT + number * _CELL + _CELL // 2 + 5
    return (
        f'<text x="{_LEFT - 8}" y="{y}" text-anchor="end" fill="{_INK}">{shown}</text>'
        f'<text transform="translate({x} {_TOP - 8}) rotate(-60)" fill="{_INK}">{shown}</text>'
    )
