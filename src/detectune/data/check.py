"""What is looked at before training starts, and what is said about images that cannot be read.

Nothing here needs TensorFlow, so that a wrong path is said at once.
"""

from __future__ import annotations

import logging
import shlex
from collections.abc import Sequence

from detectune.data.defects import refused_defects
from detectune.data.sources.base import Source
from detectune.errors import DataError, three_part
from detectune.wording import first_lines, one_line, plural

MOST_LEFT_OUT = 0.5
"""The greatest share of images that may be unreadable: they are left out, and the rest is used."""

_log = logging.getLogger("detectune")


def check_source(source: Source) -> None:
    """Report once what is repaired while reading; refuse annotations that cannot be used.

    Raises:
        DataError: there is no image, more than half are damaged, or an annotation is wrong.
    """
    refuse_damaged(source)
    report_repairs(source)


def report_repairs(source: Source) -> None:
    """Report once what is repaired while reading."""
    survey = source.survey
    for count, what in (
        (survey.clipped, "reaching out of the image, clipped to it"),
        (survey.dropped, "without area, left out"),
    ):
        if count:
            _log.warning("%s: %s %s.", source.name, plural(count, "box"), what)


def refuse_damaged(source: Source) -> None:
    """Refuse a source without images, with more than half of them cut off or none, or with
    annotations that cannot be used.

    Raises:
        DataError: there is no image, or hardly any whole one, or an annotation is wrong; all are
            named.
    """
    not_empty(source)
    damaged = source.survey.damaged
    if too_many(len(damaged), len(source)):
        raise mostly_unreadable(source, list(damaged.values()))
    refuse_wrong(source)


def too_many(left_out: int, images: int) -> bool:
    """Whether so many of `images` cannot be read that the data set as a whole is broken."""
    return left_out > images * MOST_LEFT_OUT


def refuse_wrong(source: Source) -> None:
    """Refuse a source with annotations that cannot be used.

    Raises:
        DataError: an annotation is wrong; all are named.
    """
    if source.survey.refused:
        raise refused_defects(source.name, source.survey.refused, len(source))


def mostly_unreadable(source: Source, broken: Sequence[tuple[str, str]]) -> DataError:
    """The error that lists the images of `source` that cannot be read, more than are left out."""
    shown = first_lines([f"{one_line(name)}: {one_line(why)}" for name, why in broken], 20)
    return DataError(
        three_part(
            f"{source.name}: {len(broken)} of {plural(len(source), 'image')} cannot be read:\n"
            f"{shown}",
            "Images are whole JPEG, PNG, GIF, BMP, WebP or TIFF files. Single ones that are "
            "damaged are left out and named, but not more than half of all.",
            f"Replace or remove them; `detectune data inspect {shlex.quote(source.name)}` lists "
            "all that is wrong.",
        )
    )


def not_empty(source: Source) -> None:
    if not len(source):
        raise DataError(
            three_part(
                f"{source.name}: there is no image.",
                "Training and evaluation need at least one.",
                f"See what is read of it: `detectune data inspect {shlex.quote(source.name)}`.",
            )
        )
