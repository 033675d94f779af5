"""An `Inspection` as one HTML page that needs no other file."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable

from detectune.data.image_files import decode_problem
from detectune.data.inspect import Inspection
from detectune.data.pictures import draw_record
from detectune.data.sources.base import Source
from detectune.wording import in_html

_THUMBNAILS = 12
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 }
td, th { border-bottom: 1px solid #ccc; padding: .25rem .75rem; text-align: left }
figure { display: inline-block; margin: .5rem; vertical-align: top }
figcaption { font-size: 12px; color: #555 }
"""


def inspection_page(inspection: Inspection, source: Source) -> str:
    """The page: counts, classes, drawn samples, every defect."""
    facts = {
        "images": inspection.images,
        "boxes": inspection.boxes,
        "masks": inspection.masks,
        "images without boxes": inspection.images_without_boxes,
        "most boxes in one image": inspection.most_boxes,
        **{f"{name} boxes": count for name, count in inspection.box_sizes.items()},
        **{
            f"{name} image (height x width)": " x ".join(str(side) for side in size)
            for name, size in inspection.image_sizes.items()
        },
    }
    defects = [(d.kind, d.file, d.detail, d.consequence) for d in inspection.defects]
    title = in_html(inspection.source)
    return "\n".join(
        [
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>',
            f"<style>{_STYLE}</style><h1>{title}</h1>",
            _table((), facts.items()),
            "<h2>Classes</h2>",
            _table(("class", "boxes"), inspection.boxes_per_class.items()),
            f"<h2>Defects: {len(defects)}</h2>",
            _table(("defect", "file", "detail", "what will happen"), defects),
            "<h2>Samples</h2>",
            *_figures(source),
            "</html>",
        ]
    )


def _table(header: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    head = "".join(f"<th>{in_html(cell)}</th>" for cell in header)
    lines = (
        "<tr>" + "".join(f"<td>{in_html(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"


def _figures(source: Source) -> Iterable[str]:
    step = max(len(source) // _THUMBNAILS, 1)
    for index in range(0, min(len(source), step * _THUMBNAILS), step):
        if decode_problem(source.image_bytes(index)):
            continue  # it stands in the list of defects
        record = source[index]
        buffer = io.BytesIO()
        draw_record(record, source.label_map).save(buffer, "JPEG", quality=80)
        data = base64.b64encode(buffer.getvalue()).decode()
        name = in_html(record.file_name)
        yield (
            f'<figure><img alt="{name}" src="data:image/jpeg;base64,{data}">'
            f"<figcaption>{name}</figcaption></figure>"
        )
