"""How the `detectune features` commands read their arguments and print their results."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from detectune.errors import ConfigError, three_part
from detectune.files import ensure_writable
from detectune.terminal import print_table, say
from detectune.wording import one_line, plural

if TYPE_CHECKING:
    from detectune.features.evaluate import Evaluation
    from detectune.features.feature_file import Features
    from detectune.features.image_classifier import ImageClassifier
    from detectune.features.predict import Predictions

_MOST_ROWS = 200


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Height and width in "224" or "240x320"."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", text.strip())
    if match is None:
        raise ConfigError(
            three_part(
                f'--size is "{one_line(text)}".',
                "A number of pixels, or height x width.",
                "Write, for example, --size 224 or --size 240x320.",
            )
        )
    return int(match[1]), int(match[2] or match[1])


def parse_range(text: str | None) -> tuple[float, float] | None:
    """Black and white in "-1,1"."""
    if text is None:
        return None
    try:
        black, white = (float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(
            three_part(
                f'--value-range is "{one_line(text)}".',
                "Two numbers, for black and for white, separated by a comma.",
                "Write, for example, --value-range=-1,1.",
            )
        ) from None
    return black, white


def check_features_file(path: str) -> None:
    """Find out before long work whether features can be written to `path`."""
    if not path.lower().endswith(".npz"):
        raise ConfigError(
            three_part(
                f"-o {one_line(path)}: it does not end in .npz.",
                "Features are arrays of NumPy in one file.",
                f"Write -o {one_line(path)}.npz.",
            )
        )
    ensure_writable(path)


def print_features(found: Features, out: str, notes: Sequence[str]) -> None:
    """What was computed, and how many vectors each class has."""
    settings = found.settings
    images = plural(len(set(found.images.tolist())), "image")
    what = "boxes in" if settings.crops == "boxes" else "whole"
    say(
        f"{plural(len(found), 'vector')} of {settings.dimension:,} numbers: {what} {images}, as "
        f"{settings.size[0]}x{settings.size[1]} pixels ({settings.resize}), through "
        f"{one_line(settings.shown)}, pooling {settings.pooling}"
    )
    for note in notes:
        say(f"note: {note}")
    counts = [(one_line(name), f"{count:,}") for name, count in found.counts.items()]
    if counts:
        print_table(("class", "vectors"), counts, numbers=1)
    unlabelled = int((found.labels < 0).sum())
    if unlabelled:
        why = "their boxes are of several classes, or there are none"
        say(f"{plural(unlabelled, 'vector')} without a class: {why}")
    say(f"written: {one_line(out)}")


def print_fit(found: ImageClassifier, out: str) -> None:
    """How good the classifier is, beside always saying one class."""
    counts = [(one_line(name), f"{count:,}") for name, count in found.counts.items()]
    print_table(("class", "vectors"), counts, numbers=1)
    chosen = ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in found.chosen.items()
    )
    say(f"{found.kind}, {chosen}")
    say(found.cross_validation.text())
    say(
        "The settings were chosen by this number, so it is a little too good; images that were "
        f"kept apart tell: `detectune features evaluate {shlex.quote(out)} OTHER.npz`."
    )
    for note in found.notes:
        say(f"note: {note}")
    say(f"written: {one_line(out)}")


def print_evaluation(found: Evaluation, written: Sequence[str]) -> None:
    """The numbers of all classes, and what was written."""
    from detectune.features.report import number

    rows = [
        (
            one_line(one.name),
            f"{one.examples:,}",
            number(one.precision),
            number(one.recall),
            number(one.f1),
        )
        for one in found.classes
    ]
    print_table(("class", "examples", "precision", "recall", "F1"), rows, numbers=4)
    say(
        f"{plural(found.examples, 'example')}: balanced accuracy {found.balanced_accuracy:.3f}, "
        f"accuracy {found.accuracy:.3f}"
    )
    say(
        f'always "{one_line(found.majority_class)}": balanced accuracy '
        f"{found.majority_balanced_accuracy:.3f}, accuracy {found.majority_accuracy:.3f}"
    )
    for note in found.notes:
        say(f"note: {note}")
    for path in written:
        say(f"written: {one_line(path)}")


def print_predictions(found: Predictions, json_file: str | None) -> None:
    """A row for each image, and what could not be read."""
    head = "probability" if found.score == "probability" else "score (no probability)"
    rows = [
        (one_line(one.file_name), one_line(one.class_name or "–"), f"{one.score:.3f}")
        for one in found.images[:_MOST_ROWS]
    ]
    print_table(("image", "class", head), rows, numbers=1)
    if len(found.images) > _MOST_ROWS:
        say(f"… and {len(found.images) - _MOST_ROWS:,} more; --json FILE has all")
    if json_file:
        say(f"written: {one_line(json_file)}")
    for problem in found.unreadable:
        say(f"not read: {problem}", err=True)
