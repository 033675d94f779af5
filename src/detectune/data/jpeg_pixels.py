"""Whether the compressed pixels of a JPEG are all there.

    FF D8 ─ segments ─ FF DA header ─ compressed pixels ─ FF D9 ─ whatever cameras append

A JPEG has no checksum. Where its middle is damaged, decoders fill the rest of the picture with grey
or with shifted blocks, and only warn. Two things give it away: a marker that breaks off the pixels,
and compressed data that are too few or too many for the size in the header. What cannot be seen is
damage after which the numbers fit again: a flipped bit, a part between two restart markers, the
finer scans of a progressive file.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
from PIL import ImageFile

from detectune.data.opened_images import load_problem, opened

CUT_OFF = "it is cut off: its end is missing"
DAMAGED = "its compressed pixels are damaged: they do not add up to its size"

_MARKER = re.compile(rb"\xff+([^\x00\xff])", re.DOTALL)
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
# Restart markers, start of image, TEM: markers without a length.
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})
# Huffman-coded, with all coefficients in one scan.
_SEQUENTIAL = frozenset({0xC0, 0xC1})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Decoders look some bytes ahead. Zeros after the pixels let them, and are too few to be pixels.
_AHEAD = bytes(8)
# A decoder that has all pixels without the last bytes has found wrong ones on the way.
_LAST_BYTES = 16


class Pixels(NamedTuple):
    """Where the compressed pixels of a JPEG with one scan lie."""

    begin: int
    end: int
    sequential: bool
    """Whether they are read once from top to bottom, so that they can be counted."""


def jpeg_problem(data: bytes) -> str:
    """Why the JPEG `data` cannot be decoded to its last pixel; "" as far as can be seen."""
    pixels = find_pixels(data)
    if pixels is None:
        return CUT_OFF
    # Told to end all images well, Pillow does so with those that lack their end on purpose.
    if not pixels.sequential or ImageFile.LOAD_TRUNCATED_IMAGES:
        return load_problem(data)
    begin, end = pixels.begin, pixels.end
    while end > begin and data[end - 1] in (0x00, 0xFF):  # some encoders fill up with these
        end -= 1
    if not _completes(data[:end] + _AHEAD):
        return DAMAGED
    too_many = end - begin > 2 * _LAST_BYTES and _completes(data[: end - _LAST_BYTES])
    return DAMAGED if too_many else ""


def find_pixels(data: bytes) -> Pixels | None:
    """The pixels of the JPEG `data`; None if no end of the image comes after them."""
    place, frame, scans, begin, end = 2, 0, 0, 0, 0
    while found := _MARKER.search(data, place):
        kind, place = found[1][0], found.end()
        if kind == _END_OF_IMAGE:
            return Pixels(begin, end, frame in _SEQUENTIAL and scans == 1)
        if kind in _BARE:
            continue
        if kind in _FRAMES:
            frame = kind
        place += int.from_bytes(data[place : place + 2], "big")
        if kind == _START_OF_SCAN:
            scans, begin, end = scans + 1, place, _end_of_scan(data, place)
            place = end
    return None


def _end_of_scan(data: bytes, begin: int) -> int:
    """Where the first marker after `begin` stands that is neither a restart nor a stuffed byte."""
    values = np.frombuffer(data, np.uint8)[begin:]
    before, after = values[:-1], values[1:]
    ends = (before == 0xFF) & (after != 0) & (after != 0xFF) & ((after < 0xD0) | (after > 0xD7))
    first = int(ends.argmax()) if len(ends) else 0
    return begin + first if len(ends) and ends[first] else len(data)


def _completes(data: bytes) -> bool:
    """Whether a decoder finds all pixels in `data`, which has no end marker that could fill up."""
    try:
        with opened(data) as image:
            # An eighth of the size and no colours: the compressed pixels are read all the same.
            eighth = max(image.width // 8, 1), max(image.height // 8, 1)
            image.draft(None if image.mode == "CMYK" else "L", eighth)
            image.load()
    except OSError:
        return False
    return True
