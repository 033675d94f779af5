"""What is looked at before training starts, and what says which image broke a batch.

TensorFlow is loaded only where images are decoded, so that a wrong path is said at once.
"""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from detectune.data.defects import refused_defects
from detectune.data.image_files import decodable
from detectune.data.sources.base import Source
from detectune.errors import DataError, three_part
from detectune.wording import one_line, plural

Element = TypeVar("Element")

_log = logging.getLogger("detectune")


def check_source(source: Source) -> None:
    """Report once what is repaired while reading, and refuse images that cannot be read.

    Raises:
        DataError: there is no image, an image is damaged, an annotation is wrong.
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
    """Refuse a source without images, with some that are cut off or are none, or with annotations
    that cannot be used.

    Raises:
        DataError: there is no image, an image is damaged, or an annotation is wrong; all are named.
    """
    not_empty(source)
    if source.survey.damaged:
        raise undecodable(list(source.survey.damaged))
    refuse_wrong(source)


def refuse_wrong(source: Source) -> None:
    """Refuse a source with annotations that cannot be used.

    Raises:
        DataError: an annotation is wrong; all are named.
    """
    if source.survey.refused:
        raise refused_defects(source.name, source.survey.refused, len(source))


def named_errors(dataset: Iterable[Element], source: Source) -> Iterator[Element]:
    """The elements of `dataset`; an image that cannot be read or decoded becomes a `DataError`."""
    with broken_images_named(source):
        yield from dataset


@contextmanager
def broken_images_named(source: Source) -> Iterator[None]:
    """An image of `source` that breaks the block becomes a `DataError` that names it."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        raise_if_data(source, error)
        raise


def raise_if_data(source: Source, error: BaseException) -> None:
    """Raise a `DataError` that names the images if `error` came from reading `source`.

    TensorFlow's own message names an op, not a file; so every image is read once more to find
    those that fail. Returns if all of them can be decoded: then `error` has another cause.
    """
    broken = undecodable_images(source)
    if broken:
        raise undecodable(broken) from error


def undecodable_images(source: Source) -> list[tuple[str, str]]:
    """(file name, reason) of every image of `source` that cannot be decoded. Decodes them all."""
    import tensorflow as tf

    from detectune.data.decode import decode

    broken = []
    for index in range(len(source)):
        record = source.unrepaired(index)
        try:
            decode(decodable(record.image))
        except tf.errors.OpError as error:
            reason = str(error.message).split(" [Op:")[0].split("} ")[-1]
            broken.append((record.file_name, reason))
    return broken


class UnreadableImages(DataError):
    """Images that cannot be decoded, with their names and reasons in `broken`."""

    def __init__(self, message: str, broken: list[tuple[str, str]]) -> None:
        super().__init__(message)
        self.broken = broken


def undecodable(broken: list[tuple[str, str]]) -> UnreadableImages:
    """The error that lists damaged images."""
    shown = "\n".join(f"  {one_line(name)}: {one_line(why)}" for name, why in broken[:20])
    more = f"\n  … and {len(broken) - 20} more" if len(broken) > 20 else ""
    message = three_part(
        f"{plural(len(broken), 'image')} cannot be decoded:\n{shown}{more}",
        "Images are whole JPEG, PNG, GIF, BMP, WebP or TIFF files.",
        "Replace or remove them; `detectune data inspect SOURCE` lists all that is wrong.",
    )
    return UnreadableImages(message, broken)


def not_empty(source: Source) -> None:
    if not len(source):
        raise DataError(
            three_part(
                f"{source.name}: there is no image.",
                "Training and evaluation need at least one.",
                f"See what is read of it: `detectune data inspect {shlex.quote(source.name)}`.",
            )
        )
