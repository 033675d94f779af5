"""Of `report.html`: the suggested threshold, who is taken for whom, precision over recall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from detectune.drawing.charts import Curve, line_chart
from detectune.wording import in_html, plural

_MOST_CURVES = 6  # as many colours as the page has for lines


def details_html(details: Mapping[str, Any]) -> str:
    """What `evaluation.details` found, as a part of a page; empty if nothing was evaluated."""
    if not details:
        return ""
    return (
        f"{_threshold(details['threshold'])}"
        f'<div class="charts">{_confusion(details)}{_curves(details)}</div>'
    )


def _threshold(found: Mapping[str, float]) -> str:
    if not found["f1"]:
        return '<p class="note">No threshold is suggested: no box is right at IoU 0.5.</p>'
    score = f"{found['score']:.2f}"
    return (
        f'<div class="numbers"><div><b>{score}</b><span>suggested score threshold</span></div>'
        f"<div><b>{found['f1']:.3f}</b><span>F1 at that threshold, the best there is</span></div>"
        f"<div><b>{found['precision']:.0%}</b><span>of the boxes shown are right</span></div>"
        f"<div><b>{found['recall']:.0%}</b><span>of the objects are found</span></div></div>"
        '<p class="note">A box is right if it overlaps an object of its class by an IoU of 0.5. '
        "F1 is the harmonic mean of the two shares, over all classes together. "
        f"Use it as <code>detectune predict RUN IMAGES --threshold {score}</code>; a lower one "
        "finds more, a higher one is wrong less often.</p>"
    )


def _confusion(details: Mapping[str, Any]) -> str:
    names, counts = details["confusion"]["names"], details["confusion"]["counts"]
    columns = [*names, "missed"]
    heads = "".join(_head(name) for name in columns)
    rows = "".join(
        f"<tr>{_head(name)}{_cells(row, index)}</tr>"
        for index, (name, row) in enumerate(zip([*names, "nothing there"], counts, strict=True))
    )
    most = f" ({len(names)} most frequent classes)" if details["classes"] > len(names) else ""
    return (
        f"<figure><figcaption>What is there (rows), what is said (columns){most}</figcaption>"
        f'<div class="wide"><table class="confusion"><tr><th></th>{heads}</tr>{rows}</table></div>'
        f'<p class="note">At a score of {details["threshold"]["score"]:.2f} or more.</p></figure>'
    )


def _head(name: str) -> str:
    """A head with the whole name to read where it is cut off."""
    return f'<th title="{in_html(name)}"><span>{in_html(name)}</span></th>'


def _cells(row: Sequence[int], own: int) -> str:
    """A row of counts; the darker, the larger the share of the row, green where it is right."""
    total = max(sum(row), 1)
    last = len(row) - 1
    cells: list[str] = []
    for column, count in enumerate(row):
        if own == column == last:
            cells.append('<td class="n">·</td>')  # what nobody sees where nothing is
            continue
        colour = "--c3" if column == own else "--c2"
        tint = f"color-mix(in srgb, var({colour}) {round(70 * count / total)}%, transparent)"
        cells.append(f'<td class="n" style="background: {tint}">{count:,}</td>')
    return "".join(cells)


def _curves(details: Mapping[str, Any]) -> str:
    names, counts = details["confusion"]["names"], details["confusion"]["counts"]
    objects = {name: sum(row) for name, row in zip(names, counts, strict=False)}
    shown = sorted(names, key=lambda name: -objects[name])[:_MOST_CURVES]
    curves = [
        Curve(f"{name} ({objects[name]:,})", _points(details["curves"][name])) for name in shown
    ]
    most = (
        f", {plural(len(shown), 'most frequent class')}" if details["classes"] > len(shown) else ""
    )
    return line_chart(
        curves,
        title=f"Precision over recall at IoU 0.5{most}",
        first=0,
        last=1,
        ends=("0", "recall 1"),
        top=1.0,
        marks=False,
        named=True,
    )


def _points(curve: Mapping[str, Sequence[float]]) -> list[tuple[float, float]]:
    return list(zip(curve["recall"], curve["precision"], strict=True))
