"""An `Inspection` as one HTML page that needs no other file."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Iterable, Iterator

from detectune.data.box_shapes import box_shapes
from detectune.data.image_files import decode_problem
from detectune.data.inspect import Inspection
from detectune.data.pictures import draw_record
from detectune.data.sources.base import Source
from detectune.drawing.charts import bar_chart, column_chart
from detectune.drawing.page_style import STYLE
from detectune.wording import in_html, plural

_SAMPLES, _WITH_DEFECTS = 12, 6


def inspection_page(inspection: Inspection, source: Source) -> str:
    """The page: counts, balance of the classes, shapes of the boxes, samples, every defect."""
    facts = {
        "images": f"{inspection.images:,}",
        "boxes": f"{inspection.boxes:,}",
        "images without boxes": f"{inspection.images_without_boxes:,}",
        "most boxes in one image": f"{inspection.most_boxes:,}",
        "boxes with a mask": f"{inspection.masks:,}",
        "defects": f"{len(inspection.defects):,}",
    }
    numbers = "".join(
        f"<div><b>{value}</b><span>{in_html(name)}</span></div>" for name, value in facts.items()
    )
    title = in_html(inspection.source)
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{title}</title><style>{STYLE}</style></head><body><main>",
            f'<h1 class="path">{title}</h1><div class="numbers">{numbers}</div>',
            "<h2>What is in it</h2>",
            f'<div class="charts">{_charts(inspection, source)}</div>',
            f'<div class="tables">{_sizes(inspection)}</div>',
            f"<h2>Defects: {len(inspection.defects):,}</h2>",
            _defects(inspection),
            "<h2>Samples</h2>",
            '<p class="note">Images with most defects first, then some spread over the set.</p>',
            f'<div class="samples">{"".join(_figures(inspection, source))}</div>',
            "</main></body></html>",
        ]
    )


def _charts(inspection: Inspection, source: Source) -> str:
    balance = sorted(inspection.boxes_per_class.items(), key=lambda item: -item[1])
    shapes = box_shapes(source)
    return "".join(
        [
            bar_chart(balance, title="Boxes per class"),
            column_chart(shapes.sides, title="Size of boxes: side of a square, pixels"),
            column_chart(shapes.aspects, title="Shape of boxes: width to height, at least"),
        ]
    )


def _sizes(inspection: Inspection) -> str:
    rows = [
        *((f"{name} boxes", f"{count:,}") for name, count in inspection.box_sizes.items()),
        *(
            (f"{name} image, width x height", f"{width} x {height}")
            for name, (height, width) in inspection.image_sizes.items()
        ),
    ]
    return _table((), rows) if rows else ""


def _defects(inspection: Inspection) -> str:
    if not inspection.defects:
        return '<p class="note">None was found.</p>'
    counts = inspection.defect_counts()
    rows = [(d.kind, d.file, d.detail, d.consequence) for d in inspection.defects]
    kinds = _table(("kind", "how often"), counts.items())
    every = _table(("defect", "file", "detail", "what will happen"), rows)
    return f'<div class="tables">{kinds}</div><br><div class="tables one">{every}</div>'


def _table(header: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    head = "".join(f"<th>{in_html(cell)}</th>" for cell in header)
    lines = (
        "<tr>" + "".join(f"<td>{in_html(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    first = f"<tr>{head}</tr>" if head else ""
    return f"<div><table>{first}{''.join(lines)}</table></div>"


def _figures(inspection: Inspection, source: Source) -> Iterator[str]:
    """Some images with their boxes. One that cannot be shown says why, and ends nothing."""
    defects = Counter(defect.file for defect in inspection.defects)
    for index in _chosen(source, defects):
        try:
            name, drawn = source.annotation(index).file_name, _jpeg(source, index)
        except Exception as error:  # whatever is wrong with it: it stands in the list of defects
            reason = in_html(str(error).split("\n")[0] or type(error).__name__)
            yield (
                "<figure><figcaption>cannot be shown</figcaption>"
                f'<span class="note">{reason}</span></figure>'
            )
            continue
        data = base64.b64encode(drawn).decode()
        count = (
            f'<span class="legend">{plural(defects[name], "defect")}</span>'
            if defects[name]
            else ""
        )
        yield (
            f'<figure><img alt="{in_html(name)}" src="data:image/jpeg;base64,{data}">'
            f"<figcaption>{in_html(name)}{count}</figcaption></figure>"
        )


def _chosen(source: Source, defects: Counter[str]) -> list[int]:
    """Which images are shown: some with most defects, then others spread evenly."""
    wrong: list[tuple[int, int]] = []
    for index in range(len(source)):
        try:
            count = defects[source.annotation(index).file_name]
        except Exception:  # an annotation that cannot be read has no picture
            continue
        if count:
            wrong.append((-count, index))
    chosen = dict.fromkeys(index for _, index in sorted(wrong)[:_WITH_DEFECTS])
    step = max(len(source) // _SAMPLES, 1)
    chosen |= dict.fromkeys(range(0, len(source), step))
    return list(chosen)[:_SAMPLES]


def _jpeg(source: Source, index: int) -> bytes:
    if problem := decode_problem(source.image_bytes(index)):
        raise ValueError(problem)
    buffer = io.BytesIO()
    draw_record(source[index], source.label_map).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
