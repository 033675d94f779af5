"""A legend below a picture: the classes in it, where the labels of its boxes would hide it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from PIL import Image

from detectune.drawing.colours import Colour
from detectune.drawing.labels import Rectangle, draw_label, overlap

_PAPER: Colour = (248, 248, 246)
_FEW = 4
# Shares of the area of all labels that lie under others, and of the picture under labels.
_MOST_OVERLAP, _MOST_COVER = 0.2, 0.4
_LARGEST_LETTERS = 28


def crowded(labels: Sequence[Rectangle], size: tuple[int, int]) -> bool:
    """Whether labels at these places hide one another, or much of the picture.

    Args:
        size: width and height of the picture.
    """
    if len(labels) < _FEW:
        return False
    areas = sum(overlap(label, label) for label in labels)
    hidden = sum(
        overlap(one, other) for index, one in enumerate(labels) for other in labels[:index]
    )
    return hidden > _MOST_OVERLAP * areas or areas > _MOST_COVER * size[0] * size[1]


def with_legend(
    picture: Image.Image, boxes: Sequence[tuple[str, Colour]], letters: int
) -> Image.Image:
    """`picture` with a strip below it that names the classes, the most frequent first.

    Args:
        boxes: name and colour of the class of each box; how many there are is said.
        letters: height of the letters in pixels.
    """
    letters = min(letters, _LARGEST_LETTERS)
    entries = [
        draw_label(name, colour, letters, tail=f"  {count}", room=picture.width - 4)
        for (name, colour), count in Counter(boxes).most_common()
    ]
    gap = max(2, letters // 3)
    places, height = _flow([entry.size for entry in entries], picture.width, gap)
    whole = Image.new("RGB", (picture.width, picture.height + height), _PAPER)
    whole.paste(picture, (0, 0))
    for entry, (x, y) in zip(entries, places, strict=True):
        whole.paste(entry, (x, picture.height + y), entry)
    return whole


def _flow(
    sizes: Sequence[tuple[int, int]], width: int, gap: int
) -> tuple[list[tuple[int, int]], int]:
    """Left upper corners of rectangles set like words on lines of `width`, and the height."""
    places: list[tuple[int, int]] = []
    x, y, line = gap, gap, 0
    for wide, high in sizes:
        if x > gap and x + wide + gap > width:
            x, y, line = gap, y + line + gap, 0
        places.append((x, y))
        x, line = x + wide + gap, max(line, high)
    return places, y + line + gap
