"""`report.html`: one page about a run, with everything on it inside the file.

config, metrics.jsonl, the best evaluation, example pictures ─► report_html ─► one HTML text

Pure functions from data to HTML; who calls them reads the run and writes the file.
"""

from __future__ import annotations

import functools
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from detectune.drawing.charts import Curve, line_chart
from detectune.drawing.page_style import STYLE
from detectune.training.report_details import details_html
from detectune.training.report_examples import Example, examples_html
from detectune.wording import in_html, plural

_MAP, _HALF = "DetectionBoxes_Precision/mAP", "DetectionBoxes_Precision/mAP@.50IOU"
_MASK_MAP, _MASK_HALF = "DetectionMasks_Precision/mAP", "DetectionMasks_Precision/mAP@.50IOU"
_TOTAL = "Loss/total_loss"
# Of the domain of the training images, where another is evaluated; of discriminators of domains.
_SOURCE, _DOMAIN, _ACCURACY = "Source/", "Domain/", "_accuracy"


@dataclass(frozen=True)
class Facts:
    """What a report tells about a run."""

    name: str
    model: str
    """The type of the feature extractor."""
    data: Sequence[str]
    """A line per source."""
    rows: Sequence[Mapping[str, Any]]
    """Of metrics.jsonl."""
    steps: int
    num_steps: int
    seconds: float
    best_step: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    """The twelve numbers of the best evaluation."""
    per_category: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    """Of the best evaluation, see `evaluation.details`."""
    examples: Sequence[Example] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    """Title → text: what was restored, what is frozen."""
    ignored: Sequence[str] = ()
    """Config fields without effect."""
    commands: Sequence[str] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Stream and file name of each image that could not be read → why."""
    findings: Mapping[str, str] = field(default_factory=dict)
    """What explains that mAP is near 0 → what to do about it."""
    warnings: Mapping[str, str] = field(default_factory=dict)
    """What went wrong on the way → when, and what to do about it."""


def report_html(facts: Facts) -> str:
    """The page."""
    sections = (
        ("Curves", _charts(facts)),
        ("Why mAP is near 0", _findings(facts.findings)),
        ("Warnings", _findings(facts.warnings, ":")),
        ("Images left out", _left_out(facts.left_out)),
        ("Best evaluation", _tables(facts)),
        ("Right and wrong", details_html(facts.details)),
        ("Where it is wrong most", examples_html(facts.examples)),
        (
            "What next",
            "".join(f"<pre>{in_html(text, lines=True)}</pre>" for text in facts.commands),
        ),
        ("How it began", _notes(facts)),
    )
    body = "".join(f"<section><h2>{title}</h2>{html}</section>" for title, html in sections if html)
    name = in_html(facts.name)
    data = "<br>".join(in_html(line) for line in facts.data)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name} · detectune</title><style>{STYLE}</style></head><body><main>"
        f'<h1>{name}</h1><p class="lead">{in_html(facts.model)}<br>{data}</p>'
        f"{_numbers(facts)}{body}</main></body></html>\n"
    )


def _findings(findings: Mapping[str, str], end: str = ".") -> str:
    items = "".join(
        f"<li><b>{in_html(seen)}{end}</b> {in_html(advice)}</li>"
        for seen, advice in findings.items()
    )
    return f"<ul>{items}</ul>" if items else ""


def _left_out(images: Mapping[str, str]) -> str:
    items = "".join(
        f"<li><b>{in_html(name)}</b>: {in_html(reason)}</li>" for name, reason in images.items()
    )
    count = plural(len(images), "image")
    lead = f"<p>{count} could not be read, and the run went on without.</p>"
    return f"{lead}<ul>{items}</ul>" if items else ""


def versions() -> str:
    """Python and the packages that shape a result."""
    names = ("detectune", "keras", "tensorflow", "numpy")
    return ", ".join([f"Python {platform.python_version()}", *map(_version, names)])


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} (version unknown)"


def _numbers(facts: Facts) -> str:
    speeds = [speed for _, speed in _points(_rows(facts, "train")[1:], "images_per_sec")]
    entries = [
        (_number(facts.metrics.get(_MAP)), f"best mAP, at step {facts.best_step}"),
        (_number(facts.metrics.get(_HALF)), "mAP@.5 at that step"),
        *_mask_numbers(facts),
        (f"{facts.steps:,}", f"of {plural(facts.num_steps, 'step')}"),
        (duration(facts.seconds), "in all"),
        (f"{sorted(speeds)[len(speeds) // 2]:.3g}" if speeds else "–", "images per second"),
    ]
    if not facts.metrics:
        entries = [("–", "no evaluation"), *entries[2:]]
    cells = "".join(f"<div><b>{in_html(b)}</b><span>{in_html(s)}</span></div>" for b, s in entries)
    return f'<div class="numbers">{cells}</div>'


def _mask_numbers(facts: Facts) -> list[tuple[str, str]]:
    if _MASK_MAP not in facts.metrics:
        return []
    return [
        (_number(facts.metrics[_MASK_MAP]), "mask mAP at that step"),
        (_number(facts.metrics[_MASK_HALF]), "mask mAP@.5 at that step"),
    ]


def duration(seconds: float) -> str:
    """`3 min 07 s`, `2 h 05 min`, `41 s`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _charts(facts: Facts) -> str:
    trains, evals = _rows(facts, "train"), _rows(facts, "eval")
    draw = functools.partial(line_chart, first=0, last=max(facts.steps, 1))
    scores = {"mAP": _MAP, "mAP@.5": _HALF, "mask mAP": _MASK_MAP, "mask mAP@.5": _MASK_HALF}
    scores["mAP of the source"] = _SOURCE + _MAP
    charts = [
        draw(
            [Curve(name, p) for name, key in scores.items() if (p := _points(evals, key))],
            title="mAP on the evaluation data",
        ),
        draw(_accuracies(facts.rows), title="How often domains are told apart"),
        draw([Curve("total", _points(trains, _TOTAL))], title="Total loss"),
        draw(_loss_parts(trains), title="Parts of the loss"),
        draw([Curve("learning rate", _points(trains, "learning_rate"))], title="Learning rate"),
    ]
    return f'<div class="charts">{"".join(charts)}</div>' if any(charts) else ""


def _accuracies(rows: Sequence[Mapping[str, Any]]) -> list[Curve]:
    """Of each discriminator of domains."""
    keys = {
        key: None
        for row in rows
        for key in row
        if key.startswith(_DOMAIN) and key.endswith(_ACCURACY)
    }
    return [
        Curve(key.removeprefix(_DOMAIN).removesuffix(_ACCURACY), _points(rows, key)) for key in keys
    ]


def _loss_parts(trains: Sequence[Mapping[str, Any]]) -> list[Curve]:
    keys = {key: None for row in trains for key in row if key.startswith("Loss/") and key != _TOTAL}
    return [
        Curve(key.removeprefix("Loss/").removesuffix("_loss"), _points(trains, key)) for key in keys
    ]


def _points(rows: Sequence[Mapping[str, Any]], key: str) -> list[tuple[float, float]]:
    return [(row["step"], row[key]) for row in rows if _is_number(row.get(key))]


def _is_number(value: object) -> bool:
    """Whether it can stand in a chart: not so in a line that somebody has changed by hand."""
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < 1 << 53)


def _rows(facts: Facts, kind: str) -> list[Mapping[str, Any]]:
    return [row for row in facts.rows if row["kind"] == kind]


def _tables(facts: Facts) -> str:
    if not facts.metrics:
        return ""
    masks = _MASK_MAP in facts.metrics
    kinds = ("boxes", "masks") if masks else ("value",)
    kinds += ("source",) if _SOURCE + _MAP in facts.metrics else ()
    mask_heads = '<th class="n">mask AP</th><th class="n">mask AP@.5</th>' if masks else ""
    heads = "".join(f'<th class="n">{kind}</th>' for kind in kinds)
    classes = "".join(
        f'<tr><td>{in_html(name)}</td><td class="n">{numbers["boxes"]:.0f}</td>'
        f'<td class="n">{_number(numbers["mAP"])}</td>'
        f'<td class="n">{_number(numbers["mAP@.50IOU"])}</td>'
        f'<td class="n">{_number(numbers["AR@100"])}</td>{_mask_cells(numbers)}</tr>'
        for name, numbers in facts.per_category.items()
    )
    return (
        f'<div class="tables"><div><table><tr><th>COCO metric</th>{heads}</tr>'
        f"{_coco_rows(facts.metrics)}</table></div>"
        '<div><table><tr><th>class</th><th class="n">boxes</th><th class="n">AP</th>'
        f'<th class="n">AP@.5</th><th class="n">AR@100</th>{mask_heads}</tr>'
        f"{classes}</table></div></div>"
    )


def _coco_rows(metrics: Mapping[str, float]) -> str:
    """A row for each of the twelve numbers, of boxes and, where measured, of masks and of another
    domain."""
    names = dict.fromkeys(
        name.split("_", 1)[1]
        for name in metrics
        if "ByCategory" not in name and name.startswith(("DetectionBoxes_", "DetectionMasks_"))
    )
    kinds = ("DetectionBoxes_", "DetectionMasks_", f"{_SOURCE}DetectionBoxes_")
    kinds = [kind for kind in kinds if f"{kind}Precision/mAP" in metrics]
    return "".join(
        f"<tr><td>{in_html(name)}</td>"
        + "".join(f'<td class="n">{_number(metrics.get(kind + name))}</td>' for kind in kinds)
        + "</tr>"
        for name in names
    )


def _mask_cells(numbers: Mapping[str, float]) -> str:
    if "mask mAP" not in numbers:
        return ""
    return "".join(
        f'<td class="n">{_number(numbers[name])}</td>' for name in ("mask mAP", "mask mAP@.50IOU")
    )


def _number(value: float | None) -> str:
    return "–" if value is None or value < 0 else f"{value:.3f}"


def _notes(facts: Facts) -> str:
    parts = [
        f"<h3>{in_html(title)}</h3><pre>{in_html(text, lines=True)}</pre>"
        for title, text in facts.notes.items()
    ]
    if facts.ignored:
        items = "".join(f"<li>{in_html(line)}</li>" for line in facts.ignored)
        parts.append(f"<h3>Config fields without effect</h3><ul>{items}</ul>")
    parts.append(f'<p class="note">Made with {in_html(versions())}.</p>')
    return "".join(parts)
