"""The drawing of a network: every layer a box with its name, kind, shape and number, as SVG.

Boxes of layers that train and of those that are frozen differ in colour and in a word. The drawing
has one size, at which it can be read; a browser makes it larger or smaller.
"""

from __future__ import annotations

from collections.abc import Sequence

from detectune.summary.layout import Arrow, Layout, laid_out
from detectune.summary.network import OUTSIDE, LayerRow, part_of
from detectune.wording import in_html, plural

BOX, HEIGHT, GAP, TRACK, ROW, MARGIN = 296, 36, 26, 9, 52, 16
"""Width and height of a box, space between lanes, width of a track, height of a row, and the space
around everything, in pixels."""
_LETTERS = 34
_SHORT_KINDS = {"BatchNormalization": "BatchNorm"}

STYLE = """
.network { overflow: auto; background: var(--card); border: 1px solid var(--rule);
  border-radius: 10px; }
.network svg { width: auto; height: auto; max-width: none; }
.network rect { fill: var(--paper); stroke: var(--rule); stroke-width: 1; }
.network .trains rect { stroke: var(--c3); stroke-width: 2; }
.network .frozen rect { stroke: var(--c1); stroke-width: 2; stroke-dasharray: 5 3; }
.network .partly rect { stroke: var(--c5); stroke-width: 2; }
.network text { fill: var(--ink); font: 600 12.5px system-ui, "Segoe UI", Roboto, sans-serif; }
.network .more { fill: var(--soft); font-weight: 400; font-size: 11px; }
.network .part { font-size: 15px; }
.network .to { fill: none; stroke: var(--soft); stroke-width: 1.3; }
.network .head { fill: var(--soft); }
"""


def drawn(layers: Sequence[LayerRow]) -> str:
    """The drawing of all layers that are called."""
    shown = [row for row in layers if row.stage != OUTSIDE]
    parts = [part_of(row.stage) for row in shown]
    titles = list(dict.fromkeys(parts))
    layout = laid_out([row.inputs for row in shown], [titles.index(part) for part in parts])
    lefts = _lefts(layout)
    width = lefts[-1] + MARGIN
    height = (layout.rows + 1) * ROW + 2 * MARGIN
    arrows = "".join(_arrow(arrow, layout, lefts) for arrow in layout.arrows)
    boxes = "".join(
        _box(row, lefts[place.lane], _top(place.row))
        for row, place in zip(shown, layout.places, strict=True)
    )
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{plural(len(shown), "layer")} from the image to the outputs">'
        f"{arrows}{boxes}{_titles(titles, parts, layout)}</svg>"
    )


def shape_text(shape: Sequence[int | None]) -> str:
    """`40×40×256`."""
    return "×".join("?" if side is None else str(side) for side in shape)


def short(name: str) -> str:
    """The end of a long name of a checkpoint."""
    return "/".join(name.split("/")[-2:])


def _lefts(layout: Layout) -> list[int]:
    """The left edge of every lane, and of one more."""
    lefts = [MARGIN]
    for lane in range(layout.lanes):
        lefts.append(lefts[-1] + BOX + GAP + TRACK * layout.tracks.get(lane, 0))
    return lefts


def _top(row: int) -> int:
    return MARGIN + (row + 1) * ROW


def _titles(titles: Sequence[str], parts: Sequence[str], layout: Layout) -> str:
    found = []
    for title in titles[1:]:  # the image speaks for itself
        row = min(
            place.row for part, place in zip(parts, layout.places, strict=True) if part == title
        )
        y = _top(row) - ROW + HEIGHT
        found.append(f'<text class="part" x="{MARGIN}" y="{y - 6}">{in_html(title)}</text>')
    return "".join(found)


def _box(row: LayerRow, x: int, y: int) -> str:
    name = short(row.name)
    shown = name if len(name) <= _LETTERS else f"…{name[1 - _LETTERS :]}"
    number = str(row.number or "")
    title = f"{row.name}, {row.kind}, {_all_shapes(row)}"
    state = {"frozen": " · frozen", "partly": " · partly frozen"}.get(row.state, "")
    weights = f" · {row.parameters:,}" if row.parameters else ""
    calls = f" ×{len(row.shapes)}" if len(row.shapes) > 1 else ""
    kind = _SHORT_KINDS.get(row.kind, row.kind)
    more = f"{kind} {shape_text(row.shapes[0])}{calls}{weights}{state}"
    return (
        f'<g class="{row.state or "plain"}"><title>{in_html(title)}</title>'
        f'<rect x="{x}" y="{y}" width="{BOX}" height="{HEIGHT}" rx="5"/>'
        f'<text x="{x + 9}" y="{y + 15}">{in_html(shown)}</text>'
        f'<text class="more end" x="{x + BOX - 8}" y="{y + 14}">{number}</text>'
        f'<text class="more" x="{x + 9}" y="{y + 29}">{in_html(more)}</text></g>'
    )


def _all_shapes(row: LayerRow) -> str:
    shapes = ", ".join(shape_text(shape) for shape in row.shapes)
    costs = f"{row.multiply_adds / 1e6:,.1f} M multiply-adds"
    return f"{shapes}; {row.parameters:,} parameters; {costs}"


def _arrow(arrow: Arrow, layout: Layout, lefts: Sequence[int]) -> str:
    one, other = layout.places[arrow.source], layout.places[arrow.target]
    x, y = lefts[one.lane] + BOX // 2, _top(one.row) + HEIGHT
    to_x, to_y = lefts[other.lane] + BOX // 2, _top(other.row)
    bend = (ROW - HEIGHT) // 2
    if arrow.track is not None:
        # Down beside the lane, then over to the target in the space above its row.
        gutter = lefts[one.lane] + BOX + GAP // 2 + TRACK * arrow.track
        path = f"M{x + 60} {y} V{y + 5} H{gutter} V{to_y - 6} H{to_x + 40} V{to_y}"
        to_x += 40
    elif x == to_x:
        path = f"M{x} {y} V{to_y}"
    else:
        # Over to the other lane at once, or only above the target, as there is room.
        mid = y + bend if other.lane > one.lane else to_y - bend
        path = f"M{x} {y} V{mid} H{to_x} V{to_y}"
    head = f"M{to_x - 4} {to_y - 6} h8 l-4 6 z"
    return f'<path class="to" d="{path}"/><path class="head" d="{head}"/>'
