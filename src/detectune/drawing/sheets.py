"""Several pictures in one: truth beside detections, and sheets of many."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from detectune.drawing.colours import Colour
from detectune.drawing.labels import draw_text, line_height

_PAPER: Colour = (248, 248, 246)
_INK: Colour = (38, 40, 46)


def side_by_side(
    truth: Image.Image,
    prediction: Image.Image,
    captions: tuple[str, str] = ("ground truth", "detected"),
) -> Image.Image:
    """Two pictures in one, the truth on the left, with a caption over each."""
    return contact_sheet([truth, prediction], captions=captions, columns=2, cell_width=truth.width)


def contact_sheet(
    images: Sequence[Image.Image],
    *,
    captions: Sequence[str] | None = None,
    columns: int | None = None,
    cell_width: int = 320,
) -> Image.Image:
    """Many pictures on one sheet, scaled to cells of one size, in reading order.

    Args:
        captions: a line over each picture.
        columns: pictures per row; about a square if None.
        cell_width: width of a picture on the sheet; its height follows the median proportions.
    """
    if not images:
        return Image.new("RGB", (cell_width, cell_width // 2), _PAPER)
    columns = min(len(images), columns or math.ceil(math.sqrt(len(images))))
    rows = math.ceil(len(images) / columns)
    height = round(cell_width * float(np.median([i.height / i.width for i in images])))
    gap = max(6, cell_width // 40)
    size = max(12, cell_width // 22)
    caption_height = line_height(size) if captions else 0
    step_x, step_y = cell_width + gap, height + caption_height + gap
    sheet = Image.new("RGB", (columns * step_x + gap, rows * step_y + gap), _PAPER)
    for index, image in enumerate(images):
        left, top = gap + index % columns * step_x, gap + index // columns * step_y
        if captions:
            draw_text(sheet, (left, top), captions[index], size, _INK)
        fitted = _fit(image, cell_width, height)
        offset = ((cell_width - fitted.width) // 2, (height - fitted.height) // 2)
        sheet.paste(fitted, (left + offset[0], top + caption_height + offset[1]))
    return sheet


def _fit(image: Image.Image, width: int, height: int) -> Image.Image:
    scale = min(width / image.width, height / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
