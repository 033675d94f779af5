"""The colours of classes: one for each class, in every picture and on every page."""

from __future__ import annotations

import colorsys
from collections.abc import Collection

Colour = tuple[int, int, int]
"""Red, green and blue, 0–255."""

# Well apart from each other and from skin, grass, sky and asphalt; light enough for dark letters
# or dark enough for white ones.
_PALETTE: tuple[Colour, ...] = (
    (255, 92, 77),  # coral
    (46, 196, 182),  # turquoise
    (255, 200, 61),  # sunflower
    (94, 130, 255),  # cornflower
    (178, 232, 75),  # lime
    (230, 97, 205),  # orchid
    (255, 146, 51),  # tangerine
    (64, 201, 255),  # sky
    (167, 119, 255),  # violet
    (67, 214, 117),  # emerald
    (255, 138, 165),  # rose
    (214, 175, 120),  # sand
)
_GOLDEN_ANGLE_FRACTION = 0.381966


def class_colour(class_id: int, known_ids: Collection[int]) -> Colour:
    """The colour of a class: by its position among the sorted ids of the label map.

    So the first classes use the palette, whatever their ids are.

    Args:
        known_ids: the ids of the label map. A class that is not among them has a colour behind
            theirs.
    """
    ids = sorted(known_ids)
    unknown = class_id not in ids
    return palette_colour(len(ids) + abs(class_id) if unknown else ids.index(class_id))


def palette_colour(index: int) -> Colour:
    """The colour number `index`, from 0; no two of the first hundreds are the same.

    Beyond the palette the hue turns by the golden angle, so that neighbours stay apart.
    """
    if index < len(_PALETTE):
        return _PALETTE[index]
    extra = index - len(_PALETTE)
    hue = (0.04 + extra * _GOLDEN_ANGLE_FRACTION) % 1.0
    strength, value = (0.55, 0.78, 0.66)[extra % 3], (1.0, 0.82)[extra // 3 % 2]
    red, green, blue = colorsys.hsv_to_rgb(hue, strength, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def hex_colour(colour: Colour) -> str:
    """`colour` as "#rrggbb", for HTML."""
    return "#{:02x}{:02x}{:02x}".format(*colour)
