"""Images that cannot be read are left out of long work, and named; the rest is done.

    image ─► read ─► whole to its last pixel? ─► decoded ─► used
               └────────────┴────────────────────┴─► left out: named once, counted at the end

Damage in the middle of an image shows only when it is decoded, and a file may vanish while a
training runs. So each image is looked at when it is first used, and again if its bytes change.
Where more than half of the images are left out, it is the data set that is broken: an error.
"""

from __future__ import annotations

import logging
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import tensorflow as tf

from detectune.data.check import mostly_unreadable, too_many
from detectune.data.decode import decoded, pixels_of
from detectune.data.defects import ImageError
from detectune.data.sources.base import Source
from detectune.data.sources.record import Record
from detectune.errors import DataError
from detectune.wording import one_line

Result = TypeVar("Result")
Element = TypeVar("Element")
LeftOut = list[tuple[str, str]]
"""File name of an image, and why it cannot be read."""

# An unmounted disk would fill the terminal.
_MOST_SAID = 20

_log = logging.getLogger("detectune")


def unsaid(text: str) -> None:
    """For work whose result names the images that are left out."""
    del text


class ReadableImages:
    """The images of a source, without those that turn out to be unreadable.

    Any number of threads may read.

    Args:
        say: is told of each image that is left out, once; the log if None. Those that the survey of
            the source has found are known already. `unsaid` for whoever names them at the end.
    """

    def __init__(self, source: Source, say: Callable[[str], None] | None = None) -> None:
        self.source, self._say = source, say or _log.warning
        self._left_out = dict(source.survey.damaged)
        self._whole: dict[int, int] = {}  # index → checksum of the bytes that were seen to be whole
        self._said, self._lock = 0, threading.Lock()

    @property
    def left_out(self) -> LeftOut:
        """File name and reason of every image that is left out, in the order of the source."""
        return [self._left_out[index] for index in sorted(self._left_out)]

    @property
    def gone(self) -> frozenset[int]:
        """Indices of the images that are left out."""
        return frozenset(self._left_out)

    def read(self, index: int, use: Callable[[Record, np.ndarray], Result]) -> Result | None:
        """What `use` makes of the record and the pixels `[H, W, 3]` uint8, as stored, of an image.

        None if it is left out: it cannot be read or decoded, or `use` raises a `DataError`.

        Raises:
            DataError: with this image more than half are left out; all are named.
        """
        if index not in self._left_out:
            try:
                record = self.source[index]
                return use(record, self._pixels(index, record))
            except DataError as error:
                self.leave_out(index, error)
        self.refuse_too_many()
        return None

    def leave_out(self, index: int, error: DataError) -> None:
        """Leave out an image, because `error` came of reading it or what belongs to it."""
        found, *listed = str(error).split("\n")
        place, _, reason = found.partition(": ")
        if reason.endswith(":"):  # what is wrong is listed below
            reason = f"{reason} {listed[0].strip()}"
        if isinstance(error, ImageError):
            self._leave_out(index, error.file_name, error.reason)
        else:
            self._leave_out(index, self._name(index, place), reason or place)

    def refuse_too_many(self) -> None:
        """Stop if more than half of the images are left out.

        Raises:
            DataError: they are named.
        """
        if too_many(len(self._left_out), len(self.source)):
            raise mostly_unreadable(self.source, self.left_out)

    def _pixels(self, index: int, record: Record) -> np.ndarray:
        """The pixels of an image; it is looked through once for each content."""
        checksum = zlib.crc32(record.image)
        known = self._whole.get(index) == checksum
        try:
            pixels = (pixels_of if known else decoded)(record.image)
        except ValueError as error:
            raise ImageError(str(error), record.file_name, str(error)) from error
        self._whole[index] = checksum
        return pixels

    def _leave_out(self, index: int, name: str, reason: str) -> None:
        with self._lock:
            if index in self._left_out:
                return
            self._left_out[index] = name, reason
            self._said += 1
            said = self._said
        if said <= _MOST_SAID:
            self._say(f"left out: {one_line(name)}: {one_line(reason)}")
        elif said == _MOST_SAID + 1:
            self._say("left out: more images, which are counted at the end")

    def _name(self, index: int, place: str) -> str:
        """The file name of an image whose record cannot be read as a whole."""
        try:
            return self.source.annotation(index).file_name
        except DataError:
            return place


@contextmanager
def unreadable_named(images: ReadableImages) -> Iterator[None]:
    """Where the block ends because too many of `images` are left out, the error names them."""
    try:
        yield
    except tf.errors.OpError as error:  # in which TensorFlow wraps what its threads raise
        try:
            images.refuse_too_many()
        except DataError as refused:
            raise refused from error
        raise


def named_errors(batches: Iterable[Element], images: ReadableImages) -> Iterator[Element]:
    """The elements of `batches`, made of `images`; an error names the images."""
    with unreadable_named(images):
        yield from batches
