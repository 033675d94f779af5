"""`study.html` and `study.svg`: curves with spread, and every training with its files.

Pure functions from rows to text; `run.py` writes the files.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from detectune.drawing.page_style import STYLE
from detectune.drawing.spread_chart import BandCurve, BandPoint, spread_figure, spread_svg
from detectune.study.grid import Curve
from detectune.study.results import Row, Spread, spreads
from detectune.training.report import duration, versions
from detectune.wording import in_html, plural

_BELOW = "training images"


@dataclass(frozen=True)
class StudyFacts:
    """What the page tells beside the trainings."""

    name: str
    model: str
    """What the detector is."""
    data: Sequence[str]
    """A line for each data set."""
    length: str
    """How long a training is."""
    rows: Sequence[Row]
    notes: Sequence[str]
    """What was left out, and why."""
    command: str
    """What repeats one of the trainings, with CELL in the place of its name."""


def study_svg(rows: Sequence[Row], name: str) -> str:
    """The text of `study.svg`: mAP over the number of images."""
    return spread_svg(_bands(spreads(rows, "mean_ap")), title=f"mAP, {name}", below=_BELOW)


def study_html(facts: StudyFacts) -> str:
    """The page."""
    rows = facts.rows
    charts = [
        spread_figure(_bands(spreads(rows, number)), title=title, below=_BELOW)
        for number, title in (
            ("mean_ap", "mAP: mean of the seeds, from the lowest to the highest"),
            ("half", "mAP@.5"),
        )
    ]
    sections = (
        ("Curves", f'<div class="charts">{"".join(charts)}</div>' if any(charts) else ""),
        ("mAP by number of images", _summary(rows)),
        ("Failed", _failures(rows)),
        ("Trainings", _trainings(rows)),
        ("Once more", f"<pre>{in_html(facts.command, lines=True)}</pre>"),
        ("Notes", _notes(facts)),
    )
    body = "".join(f"<section><h2>{title}</h2>{html}</section>" for title, html in sections if html)
    name = in_html(facts.name)
    lead = "<br>".join(in_html(line) for line in (facts.model, *facts.data, facts.length))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name} · detectune study</title><style>{STYLE}</style></head><body><main>"
        f'<h1>{name}</h1><p class="lead">{lead}</p>{_numbers(rows)}{body}</main></body></html>\n'
    )


def _bands(found: Mapping[Curve, Sequence[Spread]]) -> list[BandCurve]:
    return [
        BandCurve(
            str(curve),
            [
                BandPoint(
                    point.images,
                    point.mean,
                    point.lowest,
                    point.highest,
                    f"{point.lowest:.3f} to {point.highest:.3f}, {plural(point.seeds, 'seed')}",
                )
                for point in points
            ],
        )
        for curve, points in found.items()
    ]


def _numbers(rows: Sequence[Row]) -> str:
    done = [row.outcome for row in rows if row.outcome is not None and row.outcome.is_done]
    failures = sum(row.state == "failed" for row in rows)
    best = max((outcome.mean_ap or 0.0 for outcome in done), default=None)
    entries = [
        (f"{len(done):,}", f"of {plural(len(rows), 'training')} done"),
        (f"{failures:,}", "failed"),
        ("–" if best is None else f"{best:.3f}", "best mAP"),
        (duration(sum(outcome.seconds for outcome in done)), "training in all"),
    ]
    cells = "".join(f"<div><b>{in_html(b)}</b><span>{in_html(s)}</span></div>" for b, s in entries)
    return f'<div class="numbers">{cells}</div>'


def _summary(rows: Sequence[Row]) -> str:
    """A line for each curve, a column for each number of images."""
    counts = sorted({row.cell.images for row in rows})
    heads = "".join(f'<th class="n">{count:,}</th>' for count in counts)
    lines: list[str] = []
    for curve, points in spreads(rows, "mean_ap").items():
        there = {point.images: point for point in points}
        cells = "".join(f'<td class="n">{_spread(there.get(count))}</td>' for count in counts)
        lines.append(f"<tr><td>{in_html(curve)}</td>{cells}</tr>")
    return (
        f'<div class="tables one"><div><table><tr><th>images</th>{heads}</tr>{"".join(lines)}'
        '</table></div></div><p class="note">Mean of the seeds that are done, and the lowest and '
        "highest of them.</p>"
    )


def _spread(point: Spread | None) -> str:
    if point is None:
        return "–"
    if point.seeds == 1:
        return f"{point.mean:.3f}"
    return f"{point.mean:.3f} ({point.lowest:.3f}–{point.highest:.3f})"


def _failures(rows: Sequence[Row]) -> str:
    items = "".join(
        f"<li><b>{in_html(row.cell)}</b>: {in_html(row.outcome.reason)}</li>"
        for row in rows
        if row.outcome is not None and not row.outcome.is_done
    )
    return f"<ul>{items}</ul>" if items else ""


def _trainings(rows: Sequence[Row]) -> str:
    heads = "".join(f'<th class="n">{name}</th>' for name in ("mAP", "mAP@.5", "steps", "time"))
    lines = "".join(
        f"<tr><td>{_named(row)}</td>{_measured(row)}<td>{in_html(row.state)}</td></tr>"
        for row in rows
    )
    return (
        f'<div class="tables one"><div><table><tr><th>training</th>{heads}<th>state</th></tr>'
        f"{lines}</table></div></div>"
    )


def _named(row: Row) -> str:
    if not row.is_done:
        return in_html(row.cell)
    return f'<a href="runs/{in_html(row.cell.name)}/report.html">{in_html(row.cell)}</a>'


def _measured(row: Row) -> str:
    outcome = row.outcome
    texts = ["–"] * 4
    if outcome is not None and outcome.is_done:
        texts = [
            f"{outcome.mean_ap:.3f}", f"{outcome.half:.3f}", f"{outcome.steps:,}",
            duration(outcome.seconds),
        ]  # fmt: skip
    return "".join(f'<td class="n">{in_html(text)}</td>' for text in texts)


def _notes(facts: StudyFacts) -> str:
    items = "".join(f"<li>{in_html(note)}</li>" for note in facts.notes)
    made = f'<p class="note">Made with {in_html(versions())}.</p>'
    return f"{f'<ul>{items}</ul>' if items else ''}{made}"


def repeat_command(folder: str) -> str:
    """What repeats a training of the study in `folder`."""
    return f"detectune train {shlex.quote(f'{folder}/configs/CELL.config')} --model-dir AGAIN"
