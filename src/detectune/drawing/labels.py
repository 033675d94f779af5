"""Labels of boxes: text on a coloured ground, and a free place for it in the picture."""

from __future__ import annotations

import functools
import math
import unicodedata
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from detectune.drawing.colours import Colour
from detectune.wording import one_line

Rectangle = tuple[float, float, float, float]  # left, top, right, bottom
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

# Tried in this order for names with letters that Pillow's own font lacks.
_WIDE_FONTS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "NotoSansCJK-Regular.ttc",
    "Arial Unicode.ttf",
    "arial.ttf",
    "msyh.ttc",
    "PingFang.ttc",
)
# Longer names are cut before they are measured.
_MOST_LETTERS = 200
_DARK: Colour = (24, 26, 31)
_WHITE: Colour = (255, 255, 255)


def draw_label(
    name: str, colour: Colour, size: int, *, tail: str = "", room: float = math.inf
) -> Image.Image:
    """An RGBA picture of `name` and `tail` on a ground of `colour` with round corners.

    Args:
        size: height of the letters in pixels.
        room: pixels across; a longer name is cut, but some letters and the tail are always shown.
    """
    text, font = _fitting(name, tail, size, max(room - size * 0.8, 6 * size))
    width = round(font.getlength(text) + size * 0.8)
    height = line_height(size)
    label = Image.new("RGBA", (2 * width, 2 * height), (*colour, 0))
    corners = (0, 0, 2 * width - 1, 2 * height - 1)
    ImageDraw.Draw(label).rounded_rectangle(corners, radius=size * 0.5, fill=(*colour, 240))
    label = label.reduce(2)
    place_of_text = (size * 0.4, height / 2)
    ImageDraw.Draw(label).text(
        place_of_text, text, font=font, fill=_letters_on(colour), anchor="lm"
    )
    return label


def draw_text(
    picture: Image.Image, corner: tuple[float, float], text: str, size: int, colour: Colour
) -> None:
    """Writes `text` into `picture`, its left upper corner at `corner`."""
    text, font = _printable(text, size)
    ImageDraw.Draw(picture).text(corner, text, font=font, fill=colour)


def line_height(size: int) -> int:
    """The height of a line or label with letters of `size`."""
    return round(size * 1.4)


def place(
    label: tuple[int, int],
    box: Rectangle,
    picture: tuple[int, int],
    line: float,
    taken: Sequence[Rectangle],
) -> Rectangle:
    """Where the label of `box` goes: at the first corner that is free, or the least covered one.

    Args:
        label: its width and height.
        picture: its width and height; the label stays inside.
        line: thickness of the outline, which the label joins.
        taken: the labels that stand already.
    """
    choices = [
        (_moved_inside(corner, picture), reluctance)
        for corner, reluctance in _corners(label, box, line)
    ]
    costs = [_cost(rectangle, box, taken) + reluctance for rectangle, reluctance in choices]
    return choices[costs.index(min(costs))][0]


def _corners(label: tuple[int, int], box: Rectangle, line: float) -> list[tuple[Rectangle, float]]:
    """The places that belong to a box, each with how much we would rather not have it there."""
    width, height = label
    left, top, right, bottom = box
    out = line / 2
    above, below = top - height, bottom
    begin, end = left - out, right + out - width
    corners = (
        (begin, above, 0.0),
        (end, above, 0.04),
        (begin, top - out, 0.06),
        (end, top - out, 0.08),
        (begin, below, 0.12),
        (end, below, 0.14),
        (begin, bottom + out - height, 0.16),
        (end, bottom + out - height, 0.18),
    )
    return [((x, y, x + width, y + height), reluctance) for x, y, reluctance in corners]


def _moved_inside(rectangle: Rectangle, picture: tuple[int, int]) -> Rectangle:
    left, top, right, bottom = rectangle
    x = max(0.0, min(left, picture[0] - (right - left)))
    y = max(0.0, min(top, picture[1] - (bottom - top)))
    return x, y, x + right - left, y + bottom - top


def _cost(choice: Rectangle, box: Rectangle, taken: Sequence[Rectangle]) -> float:
    """The share of the label that covers other labels, thrice, and of the object that it covers."""
    labels = sum(overlap(choice, other) for other in taken)
    return 3 * labels / _area(choice) + overlap(choice, box) / max(1.0, _area(box))


def _area(rectangle: Rectangle) -> float:
    return (rectangle[2] - rectangle[0]) * (rectangle[3] - rectangle[1])


def overlap(one: Rectangle, other: Rectangle) -> float:
    """The area that two rectangles have in common, in pixels."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)


def _letters_on(colour: Colour) -> Colour:
    """Dark or white letters, whichever contrast more with `colour`."""
    red, green, blue = colour
    return _DARK if 0.299 * red + 0.587 * green + 0.114 * blue > 125 else _WHITE


def _fitting(name: str, tail: str, size: int, room: float) -> tuple[str, Font]:
    """`name` and `tail` with the end of the name cut until they fit, and a font for them."""
    name = one_line(name[:_MOST_LETTERS])
    text, font = _printable(name + tail, size)
    while len(name) > 1 and font.getlength(text) > room:
        name = name[:-1]
        text, font = _printable(f"{name}…{tail}", size)
    return text, font


def can_write(text: str) -> bool:
    """Whether some font here, or plain letters, can show every letter of `text`."""
    return "?" not in _printable(text.replace("?", ""), 16)[0]


def _printable(text: str, size: int) -> tuple[str, Font]:
    """`text` and a font that has all its letters; without one, letters that come closest."""
    text = one_line(text[:_MOST_LETTERS])
    font = _own_font(size)
    missing = {letter for letter in text if not _has(font, letter)}
    if not missing:
        return text, font
    for name in _WIDE_FONTS:
        wide = _system_font(name, size)
        if wide is not None and all(_has(wide, letter) for letter in text):
            return text, wide
    return "".join(_plain(letter) if letter in missing else letter for letter in text), font


def _plain(letter: str) -> str:
    """`ř` → `r`; a letter without a plain form becomes a question mark."""
    return unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode() or "?"


@functools.cache
def _own_font(size: int) -> Font:
    return ImageFont.load_default(size)


@functools.cache
def _system_font(name: str, size: int) -> Font | None:
    try:
        return ImageFont.truetype(name, size)
    except OSError:  # not installed here; the next one may be
        return None


@functools.cache
def _has(font: Font, letter: str) -> bool:
    """Whether the font has a picture of `letter` of its own, and not the sign for a missing one."""
    return letter.isspace() or _picture(font, letter) != _picture(font, "\U0010fffd")


def _picture(font: Font, letter: str) -> bytes:
    canvas = Image.new("L", (64, 64))
    ImageDraw.Draw(canvas).text((8, 8), letter, font=font, fill=255)
    return canvas.tobytes()
