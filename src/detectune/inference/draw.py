"""Pictures with boxes and masks: detections, ground truth, two side by side, sheets of many.

Boxes are yxyx pixels of the picture. Lines and letters grow with the picture, each class keeps one
colour in every picture, and a thin halo keeps a box visible on light and on dark.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from detectune.data.masks import Rle, decode_rle
from detectune.data.shade import shaded
from detectune.inference.plates import (
    Rectangle,
    can_write,
    draw_plate,
    draw_text,
    line_height,
    place,
)
from detectune.structures import Array

Colour = tuple[int, int, int]

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
# Beyond this size a smooth edge is not worth its memory.
_SMOOTH_PIXELS = 3_000_000
_PAPER: Colour = (248, 248, 246)
_INK: Colour = (38, 40, 46)


def class_colour(class_index: int) -> Colour:
    """The colour of a class: always the same for the same index, RGB 0–255.

    Beyond the palette the hue turns by the golden angle, so that neighbours stay apart.
    """
    if class_index < len(_PALETTE):
        return _PALETTE[class_index]
    extra = class_index - len(_PALETTE)
    hue = (0.04 + extra * _GOLDEN_ANGLE_FRACTION) % 1.0
    strength, value = (0.55, 0.78, 0.66)[extra % 3], (1.0, 0.82)[extra // 3 % 2]
    red, green, blue = colorsys.hsv_to_rgb(hue, strength, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def draw_detections(
    image: Array,
    boxes: Array,
    scores: Array | None,
    class_ids: Array,
    class_names: Mapping[int, str] | Sequence[str],
    *,
    threshold: float = 0.5,
    max_boxes: int = 100,
    rles: Sequence[Rle] | None = None,
) -> Image.Image:
    """A copy of `image` with the boxes whose score reaches `threshold`.

    Args:
        image: `[H, W, 3]` uint8 RGB.
        boxes: `[K, 4]` yxyx in pixels of `image`.
        scores: `[K]`, 0–1, or None for boxes without a score, which are all drawn.
        class_ids: `[K]` keys of `class_names`; an id without a name is shown as a number.
        class_names: id → name, or a list of names for ids from 0.
        max_boxes: the best that many are drawn.
        rles: the mask of every box, as large as `image`; None for boxes only.
    """
    labels = _labels(boxes, scores, class_ids, class_names, threshold, max_boxes)
    if rles is not None:
        drawn = [decode_rle(rles[label.row]) for label in labels]
        picture = Image.fromarray(np.ascontiguousarray(image))
        tints = [label.colour for label in labels]
        image = np.asarray(shaded(picture, drawn, tints, _line_width(picture) / 2))
    return _draw(image, labels)


def draw_ground_truth(
    image: Array,
    boxes: Array,
    class_ids: Array,
    class_names: Mapping[int, str] | Sequence[str],
) -> Image.Image:
    """A copy of `image` with all its true boxes, `[N, 4]` yxyx pixels, and their names."""
    return draw_detections(
        image, boxes, None, class_ids, class_names, max_boxes=np.reshape(boxes, (-1, 4)).shape[0]
    )


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


@dataclass(frozen=True)
class _Label:
    """One box on its way into the picture."""

    box: Rectangle
    text: str
    colour: Colour
    row: int
    """Which of the boxes it is."""


def _labels(
    boxes: Array,
    scores: Array | None,
    class_ids: Array,
    class_names: Mapping[int, str] | Sequence[str],
    threshold: float,
    max_boxes: int,
) -> list[_Label]:
    """The boxes to draw, the best last, so that it lies on top."""
    names = class_names if isinstance(class_names, Mapping) else dict(enumerate(class_names))
    rows = np.reshape(np.asarray(boxes, np.float64), (-1, 4))
    certain = scores is None
    ranks = np.ones(len(rows)) if certain else np.ravel(np.asarray(scores, np.float64))
    order = [i for i in np.argsort(-ranks, kind="stable") if certain or ranks[i] >= threshold]
    labels = []
    for i in reversed(order[:max_boxes]):
        y_min, x_min, y_max, x_max = rows[i]
        class_id = int(np.ravel(class_ids)[i])
        name = names.get(class_id, "")
        name = name if name and can_write(name) else f"#{class_id}"
        text = name if certain else f"{name}  {_percent(float(ranks[i]))}"
        colour = class_colour(_position(class_id, names))
        labels.append(_Label((x_min, y_min, x_max, y_max), text, colour, int(i)))
    return labels


def _position(class_id: int, names: Mapping[int, str]) -> int:
    """Where a class stands among the sorted ids, so that the first classes use the palette."""
    ids = sorted(names)
    return ids.index(class_id) if class_id in names else len(ids) + abs(class_id)


def _percent(score: float) -> str:
    # 99.6 % is not certainty: only a score of 1 is shown as 100 %.
    return f"{100 if score >= 1 else min(99, round(100 * score))}%"


def _draw(image: Array, labels: Sequence[_Label]) -> Image.Image:
    picture = Image.fromarray(np.ascontiguousarray(image)).convert("RGB")
    line, size = _line_width(picture), _font_size(picture)
    outlines = _Outlines(picture.size)
    for label in labels:
        outlines.draw(_inside(label.box, picture.size), label.colour, line)
    outlines.paste_on(picture)
    plates = [draw_plate(label.text, label.colour, size) for label in labels]
    # The best box chooses its place first and is painted last.
    placed: list[Rectangle] = []
    for label, plate in zip(reversed(labels), reversed(plates), strict=True):
        box = _inside(label.box, picture.size)
        placed.append(place(plate.size, box, picture.size, line, placed))
    for plate, rectangle in zip(plates, reversed(placed), strict=True):
        picture.paste(plate, (round(rectangle[0]), round(rectangle[1])), plate)
    return picture


class _Outlines:
    """A see-through layer of box outlines, drawn at twice the size so that edges become smooth."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.scale = 2 if size[0] * size[1] <= _SMOOTH_PIXELS else 1
        self.layer = Image.new("RGBA", (size[0] * self.scale, size[1] * self.scale), (0, 0, 0, 0))
        self.pen = ImageDraw.Draw(self.layer)

    def draw(self, box: Rectangle, colour: Colour, line: float) -> None:
        halo = max(1.0, line / 3)
        self._rectangle(box, (*_INK, 130), line + 2 * halo, halo)
        self._rectangle(box, (*colour, 255), line, 0)

    def _rectangle(
        self, box: Rectangle, colour: tuple[int, int, int, int], width: float, grow: float
    ) -> None:
        # The line is centred on the box; `grow` moves its outer edge further out.
        out = width / 2 if grow == 0 else (width - 2 * grow) / 2 + grow
        left, top, right, bottom = (edge * self.scale for edge in box)
        out *= self.scale
        self.pen.rounded_rectangle(
            (left - out, top - out, max(right + out - 1, left), max(bottom + out - 1, top)),
            radius=out * 1.6,
            outline=colour,
            width=max(1, round(width * self.scale)),
        )

    def paste_on(self, picture: Image.Image) -> None:
        # Premultiplied, so that the mean of colour and nothing is not darker than the colour.
        layer = self.layer.convert("RGBa").reduce(self.scale).convert("RGBA")
        picture.paste(layer, (0, 0), layer)


def _inside(box: Rectangle, size: tuple[int, int]) -> Rectangle:
    """The visible part of `box`: an edge beyond the picture is drawn at its border."""
    width, height = size
    left, right = (min(max(edge, 0.0), float(width)) for edge in (box[0], box[2]))
    top, bottom = (min(max(edge, 0.0), float(height)) for edge in (box[1], box[3]))
    return left, top, max(left, right), max(top, bottom)


def _line_width(picture: Image.Image) -> float:
    return max(2.0, math.sqrt(picture.width * picture.height) / 200)


def _font_size(picture: Image.Image) -> int:
    return max(11, round(math.sqrt(picture.width * picture.height) / 34))


def _fit(image: Image.Image, width: int, height: int) -> Image.Image:
    scale = min(width / image.width, height / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
