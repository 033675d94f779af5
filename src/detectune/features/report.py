"""An evaluation as a page, or its confusion matrix as a picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from detectune.drawing.confusion import confusion_svg
from detectune.drawing.page_style import STYLE
from detectune.errors import ConfigError, three_part
from detectune.features.evaluate import Evaluation
from detectune.features.image_classifier import ImageClassifier
from detectune.files import ensure_writable, write_text
from detectune.wording import in_html, one_line

_MOST_CLASSES = 40
"""Of a confusion matrix that can still be looked at: the most frequent ones are drawn."""


def check_report(path: str) -> None:
    """Find out before long work whether a report can be written to `path`.

    Raises:
        ConfigError: it ends neither in .html nor in .svg.
        WriteError: it cannot be written.
    """
    if Path(path).suffix.lower() not in (".html", ".svg"):
        raise ConfigError(
            three_part(
                f'--report {one_line(path)}: it ends in "{one_line(Path(path).suffix)}".',
                "A page ends in .html, a picture of the confusion matrix in .svg.",
                "Write --report report.html, for example.",
            )
        )
    ensure_writable(path)


def write_report(path: str, classifier: ImageClassifier, found: Evaluation) -> None:
    """Write the page, or the picture, that the ending of `path` asks for."""
    picture = confusion_picture(found)
    is_page = Path(path).suffix.lower() == ".html"
    write_text(path, _page(classifier, found, picture) if is_page else picture + "\n")


def confusion_picture(found: Evaluation) -> str:
    """The confusion matrix as SVG, of the most frequent classes if there are many."""
    order = sorted(range(len(found.classes)), key=lambda i: -found.classes[i].examples)
    shown = sorted(order[:_MOST_CLASSES])
    names = [found.classes[index].name for index in shown]
    counts = found.confusion[shown][:, shown].tolist()
    more = f", the {_MOST_CLASSES} most frequent classes" if len(order) > _MOST_CLASSES else ""
    title = f"{found.examples:,} examples, accuracy {found.accuracy:.3f}{more}"
    return confusion_svg(counts, names, title=title)


def _page(classifier: ImageClassifier, found: Evaluation, picture: str) -> str:
    rows = "".join(
        f"<tr><td>{in_html(one.name)}</td><td class='n'>{one.examples:,}</td>"
        f"<td class='n'>{number(one.precision)}</td><td class='n'>{number(one.recall)}</td>"
        f"<td class='n'>{number(one.f1)}</td></tr>"
        for one in found.classes
    )
    heads = "".join(f"<th class='n'>{n}</th>" for n in ("examples", "precision", "recall", "F1"))
    notes = "".join(f"<p class='note'>{in_html(note)}.</p>" for note in found.notes)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Classifier</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f"<body><main><h1>{in_html(classifier.kind)} on features</h1>"
        f'<p class="lead">{in_html(classifier.settings.shown)}</p>{"".join(_numbers(found))}'
        f"{notes}<h2>What is taken for what</h2><figure>{picture}</figure>"
        f"<h2>Classes</h2><div class='tables one'><div><table><tr><th>class</th>{heads}</tr>"
        f"{rows}</table></div></div></main></body></html>\n"
    )


def _numbers(found: Evaluation) -> Iterator[str]:
    yield '<div class="numbers">'
    for value, name in (
        (found.balanced_accuracy, "balanced accuracy: mean recall of the classes"),
        (found.accuracy, "accuracy"),
        (found.majority_balanced_accuracy, f"balanced, always {found.majority_class}"),
        (found.majority_accuracy, f"accuracy, always {found.majority_class}"),
    ):
        yield f"<div><b>{value:.3f}</b><span>{in_html(name)}</span></div>"
    yield "</div>"


def number(value: float) -> str:
    """Three decimals, and a dash for what is not known."""
    return "–" if value != value else f"{value:.3f}"
