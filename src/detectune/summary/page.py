"""The page of `model summary --html`: numbers, stages, a drawing, and a table of all layers."""

from __future__ import annotations

from collections.abc import Sequence

from detectune.drawing.page_style import STYLE
from detectune.summary import drawing
from detectune.summary.drawing import drawn, shape_text
from detectune.summary.network import Summary
from detectune.wording import in_html

_MOST_SHAPES = 3


def summary_html(summary: Summary, name: str) -> str:
    """The page, with everything on it inside the text.

    Args:
        name: of the config, the run or the model.
    """
    numbers = (
        (millions(summary.parameters), "parameters"),
        (millions(summary.trainable), "of them train"),
        (billions(summary.multiply_adds), "multiply-adds for an image"),
        (f"{summary.input_size.height}×{summary.input_size.width}", "pixels of the input"),
        (f"{len(summary.layers) - 1:,}", "layers"),
    )
    cells = "".join(f"<div><b>{in_html(b)}</b><span>{in_html(s)}</span></div>" for b, s in numbers)
    notes = "".join(
        f"<p>{in_html(line)}</p>" for line in (summary.frozen, *summary.unfrozen) if line
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{in_html(name)} · detectune</title><style>{STYLE}{drawing.STYLE}</style></head>"
        f'<body><main><h1 class="path">{in_html(name)}</h1>'
        f'<p class="lead">{in_html(summary.model)}</p><div class="numbers">{cells}</div>'
        f"<section><h2>Stages</h2>{notes}{_stages(summary)}</section>"
        f'<section><h2>Layers</h2><p class="note">Green: trains. Blue, dashed: frozen. Yellow: '
        "partly frozen. Grey: no weights. Numbers are those that <code>freeze: "
        '"backbone:N"</code> counts; point at a box for more.</p>'
        f'<div class="network">{drawn(summary.layers)}</div></section>'
        f"<section><h2>All layers</h2>{_layers(summary)}</section></main></body></html>\n"
    )


def stage_cells(summary: Summary) -> list[tuple[str, ...]]:
    """Stage, output, layers, parameters, of them trained, multiply-adds."""
    rows = [
        (
            stage.name,
            shapes_text(stage.shapes),
            f"{stage.layers:,}",
            f"{stage.parameters:,}",
            f"{stage.trainable:,}",
            _cost(stage.multiply_adds),
        )
        for stage in summary.stages
        if stage.name != "image"
    ]
    total = (summary.parameters, summary.trainable)
    layers = f"{len(summary.layers) - 1:,}"
    cost = _cost(summary.multiply_adds)
    return [*rows, ("together", "", layers, *(f"{number:,}" for number in total), cost)]


def layer_cells(summary: Summary) -> list[tuple[str, ...]]:
    """Number, name, kind, output, parameters, whether it trains, multiply-adds."""
    return [
        (
            str(row.number or ""),
            drawing.short(row.name),
            row.kind,
            shapes_text(row.shapes),
            f"{row.parameters:,}" if row.parameters else "",
            row.state,
            _cost(row.multiply_adds) if row.multiply_adds else "",
        )
        for row in summary.layers
    ]


STAGE_HEAD = ("stage", "output", "layers", "parameters", "trained", "mult-adds")
LAYER_HEAD = ("no.", "layer", "kind", "output", "parameters", "", "mult-adds")


def shapes_text(shapes: Sequence[Sequence[int | None]]) -> str:
    """`40×40×256, 20×20×256, …`."""
    shown = [shape_text(shape) for shape in shapes[:_MOST_SHAPES]]
    return ", ".join(shown) + (", …" if len(shapes) > _MOST_SHAPES else "")


def millions(count: int) -> str:
    """`3.41 M`."""
    return f"{count / 1e6:.2f} M"


def billions(count: int) -> str:
    """`3.86 G`, `301 M`."""
    return f"{count / 1e9:.2f} G" if count >= 1e9 else f"{count / 1e6:.3g} M"


def _cost(count: int) -> str:
    return f"{count / 1e6:,.1f} M"


def _stages(summary: Summary) -> str:
    return _table(STAGE_HEAD, stage_cells(summary), first_number=2)


def _layers(summary: Summary) -> str:
    return _table(LAYER_HEAD, layer_cells(summary), first_number=6)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, first_number: int) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        right = ' class="n"'
        return "".join(
            f"<{tag}{right if at >= first_number else ''}>{in_html(cell)}</{tag}>"
            for at, cell in enumerate(cells)
        )

    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return (
        f'<div class="tables one"><div><table><tr>{line(head, "th")}</tr>{body}</table></div></div>'
    )
