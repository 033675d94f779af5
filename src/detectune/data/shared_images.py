"""Images that stand in two data sets: what is trained on and evaluated on alike tells nothing."""

from __future__ import annotations

import hashlib
import re
import shlex
from typing import NamedTuple

from detectune.data.sources.base import Source
from detectune.data.sources.surveying import digest
from detectune.errors import DataError
from detectune.wording import one_line

_SHOWN = 3


def shared_images(one: Source, other: Source) -> list[tuple[str, str]]:
    """(file name in `one`, file name in `other`) of images with equal bytes.

    The surveys of both are compared first; only files that look equal are read.
    """
    candidates = set(one.survey.digests) & set(other.survey.digests)
    if not candidates:
        return []
    first: dict[bytes, str] = {}
    for content, name in _contents(one, candidates):
        first.setdefault(content, name)
    return [
        (first[content], name) for content, name in _contents(other, candidates) if content in first
    ]


class Overlap(NamedTuple):
    """That images are trained and evaluated on, in words."""

    found: str
    """A sentence without its full stop."""
    advice: str
    """A sentence."""


def overlap(training: Source, evaluation: Source) -> Overlap | None:
    """Says which images of `evaluation` are in `training`, too, and why where it is known."""
    pairs = shared_images(training, evaluation)
    if not pairs:
        return None
    every = len(pairs) == len(evaluation)
    shown = f", because {evaluation.repeats}" if evaluation.repeats else _named(pairs)
    return Overlap(
        f"{_counted(pairs, evaluation, 'evaluation image')} among the training images{shown}",
        _advice(training, same=every or bool(evaluation.repeats)),
    )


def target_overlap(training: Source, target: Source) -> Overlap | None:
    """Says which images of the `target` domain are of the source, too."""
    pairs = shared_images(training, target)
    if not pairs:
        return None
    return Overlap(
        f"{_counted(pairs, target, 'target image')} among the training images{_named(pairs)}",
        "Between them there is nothing to adapt: name images of the other domain alone in "
        "target_input_reader.",
    )


def adapted_overlap(target: Source, evaluation: Source) -> Overlap | None:
    """Says which images of `evaluation` the training adapts to."""
    pairs = shared_images(target, evaluation)
    if not pairs:
        return None
    return Overlap(
        f"{_counted(pairs, evaluation, 'evaluation image')} among the images that are adapted to"
        f"{_named(pairs)}",
        "Their annotations are not learned from, but later images of this domain may do worse; "
        "keep some out of target_input_reader to know.",
    )


def _counted(pairs: list[tuple[str, str]], source: Source, what: str) -> str:
    """How many images of `source` there are pairs for, with a verb."""
    total = len(source)
    if len(pairs) == total:
        return f"all {total} {what}s are" if total > 1 else f"the {what} is"
    return f"{len(pairs)} of {total} {what}s {'is' if len(pairs) == 1 else 'are'}"


def _named(pairs: list[tuple[str, str]]) -> str:
    names = ", ".join(one_line(other) for _, other in pairs[:_SHOWN])
    return f": {names}{', …' * (len(pairs) > _SHOWN)}"


def _advice(training: Source, *, same: bool) -> str:
    if not same:
        return (
            "Remove them from one of the two, or divide all data anew: `detectune data split "
            "SOURCE DEST`."
        )
    place = shlex.quote(_whole(training.name))
    return f"Evaluate on other images; `detectune data split {place} DEST` divides these."


def _whole(name: str) -> str:
    """The data set of which `name` may be a part."""
    return re.sub("#[a-z]+$", "", name)


def _contents(source: Source, candidates: set[bytes]) -> list[tuple[bytes, str]]:
    """(hash, file name) of the images of `source` whose digest is among the candidates."""
    found: list[tuple[bytes, str]] = []
    for index in range(len(source)):
        try:
            glance = source.glance(index)
        except DataError:
            continue  # the survey has named it
        if digest(glance) in candidates:
            content = hashlib.sha256(source.image_bytes(index)).digest()
            found.append((content, glance.record.file_name))
    return found
