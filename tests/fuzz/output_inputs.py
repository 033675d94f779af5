"""Odd names, boxes, pictures and image files for whatever draws, prints and writes pages.

Pure generators: the same seed gives the same inputs. Nothing here knows what is tested with them.
"""

from __future__ import annotations

import io
import os
import random
import struct
import warnings
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

# What has hurt some program: markup of rich, escapes, HTML, CSV, JSON, templates, shells, scripts.
NAMES = (
    "", " ", "  x ", "cube [/5]", "[red]x", "[/]", "[bold", "\\[", "a[b](c)", ":smile:", "{task}",
    "%s", "\x1b[2J\x1b[31mred", "\x1b]0;title\x07", "\x9b31m", "\x07\x08\x7f", "a\rb", "a\nb", "\n",
    "\t", "\0", "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "a&amp;b",
    "</style>", "]]>", "'\"`", 'a,"b";c', "=1+1", "$(rm x)", "../../etc/passwd", "C:\\x\\y", "con",
    ".", "..", "-rf", "--json", "~", "straße", "kočka", "Ворона", "警察", "🦝", "e\u0301", "\u200b",
    "\ufeffcat", "\u202egnp.exe", "\u2028", "\u2066x", "a\u200db", "\U000e0041", "\udcff", "\ud800",
    "x" * 300, "警" * 120, "[" * 50,
)  # fmt: skip
_LETTERS = "".join(NAMES) + "abc 0123456789._-/\\"
_EXTREMES = (0.0, -0.0, 0.3, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, -1.0, -1e9, 1e9, 1e300, -1e300)
_NO_NUMBERS = (float("nan"), float("inf"), float("-inf"))
SIZES = ((1, 1), (1, 9), (9, 1), (2, 2), (3, 5), (8, 8), (16, 200), (200, 16), (40, 60), (120, 160))


def odd_names(seed: int, count: int) -> Iterator[str]:
    """Names of classes: known troublemakers first, then letters of these in any order."""
    yield from NAMES[:count]
    rng = random.Random(seed)
    for _ in range(count - len(NAMES)):
        yield "".join(rng.choices(_LETTERS, k=rng.choice((1, 2, 5, 20, 80))))


def odd_file_names(seed: int, count: int) -> Iterator[str]:
    """Names that a file can have on Linux, as Python shows them; no two are the same."""
    rng, seen = random.Random(seed), set()
    suffixes = (".jpg", ".PNG", ".jpeg", ".png", ".bmp", ".gif", ".tif")
    names = odd_names(seed, 50 * count)
    while len(seen) < count:
        stem = os.fsencode(next(names).encode("utf-8", "surrogatepass").decode("utf-8", "replace"))
        stem += rng.choice((b"", b"\xff", b"\xe9t\xe9", b"\x80", b" "))
        suffix = rng.choice(suffixes)
        name = os.fsdecode(stem.replace(b"/", b"_").replace(b"\0", b"_")[: 255 - len(suffix)])
        name += suffix
        if name not in seen:
            seen.add(name)
            yield name


def odd_boxes(rng: np.random.Generator, size: tuple[int, int], count: int) -> np.ndarray:
    """`[count, 4]` yxyx: in and around a picture of `size`, tiny, huge, inverted, no numbers."""
    rows = np.empty((count, 4))
    for row in rows:
        start = rng.uniform(-0.5, 1.5, 2) * size
        kind = rng.integers(6)
        sides = (
            rng.choice((0.0, 0.2, 0.9, 1.0, 1.1, 2.0, 4.0), 2),
            rng.uniform(0, 1, 2) * size,
            rng.uniform(-1, 0, 2) * size,
            rng.choice(_EXTREMES, 2),
            rng.choice(_NO_NUMBERS + _EXTREMES, 2),
            np.array([0.3, 1.0]) * size,
        )[kind]
        row[:] = (*start, *(start + sides))
        if kind == 4:
            row[rng.integers(4)] = rng.choice(_NO_NUMBERS)
    return rows


def odd_scores(rng: np.random.Generator, count: int) -> np.ndarray:
    """`[count]`: mostly in 0–1, some just outside, some no numbers."""
    scores = rng.uniform(0, 1, count)
    for index in np.flatnonzero(rng.uniform(size=count) < 0.2):
        scores[index] = rng.choice((0.0, 1.0, 1.5, -0.1, *_NO_NUMBERS))
    return scores


def small_image(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """`[H, W, 3]` uint8 of noise."""
    return rng.integers(0, 256, (*size, 3), dtype=np.uint8)


def png_header(height: int, width: int, body: bytes = b"") -> bytes:
    """A PNG that says it has that size, and holds next to nothing: a bomb if the size is large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(body or bytes(64))))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + chunk(b"IEND", b"")


def gif_header(height: int, width: int) -> bytes:
    """A GIF that says it has that size, and stops."""
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\x00\x00" + bytes(6) + b","


def encoded(image: np.ndarray, kind: str) -> bytes:
    """`image` as a file of a format of Pillow."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind)
    return buffer.getvalue()


def image_files(seed: int, count: int) -> Iterator[tuple[str, bytes, bool]]:
    """(what it is, content, whether it is a whole image) of files that call themselves images."""
    rng = np.random.default_rng(seed)
    for name, data in _no_images():
        yield name, data, False
    kinds = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF")
    for number in range(count):
        kind = kinds[number % len(kinds)]
        data = encoded(small_image(rng, SIZES[int(rng.integers(len(SIZES)))]), kind)
        yield f"whole {kind}", data, True
        # What is left may still be an image, as far as a decoder is concerned: nobody knows.
        yield f"cut {kind}", data[: int(rng.integers(len(data)))], False
        yield f"flipped {kind}", _flipped(rng, data), False


def _no_images() -> Iterator[tuple[str, bytes]]:
    yield "nothing", b""
    yield "text", b"<!doctype html><p>404 not found"
    yield "zeros", bytes(4000)
    yield "a PNG of 60,000 x 60,000", png_header(60_000, 60_000)
    yield "a PNG of no pixels", png_header(0, 0)
    yield "a PNG of 2 billion columns", png_header(1, 2**31 - 1)
    yield "a GIF of 65,535 x 65,535", gif_header(65_535, 65_535)
    yield "a GIF of no pixels", gif_header(0, 0)
    yield "only a mark", b"\xff\xd8\xff"
    yield "only a mark and its end", b"\xff\xd8\xff\xd9"


def _flipped(rng: np.random.Generator, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 6))):
        changed[int(rng.integers(len(changed)))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def quietly(data: bytes) -> bool:
    """Whether Pillow, asked without any of our code, decodes `data` to its last pixel."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            Image.open(io.BytesIO(data)).load()
        except Exception:  # Pillow's formats raise errors of any kind
            return False
    return True
