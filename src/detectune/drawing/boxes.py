"""Pictures with boxes and masks: detections and ground truth.

Boxes are yxyx pixels of the picture. Lines and letters grow with the picture, each class keeps one
colour in every picture, and a thin halo keeps a box visible on light and on dark. Any box can be
drawn: what lies outside is drawn at the border, and one that is not a number nowhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from detectune.drawing.colours import Colour, class_colour
from detectune.drawing.labels import Rectangle, can_write, draw_label, place
from detectune.drawing.legend import crowded, with_legend
from detectune.drawing.mask_overlay import overlaid
from detectune.drawing.points import dotted
from detectune.structures import Array

MaskOf = Callable[[int], np.ndarray | None]
"""Which box → `[H, W]`, above 0 where the object is; None if nobody knows."""

# Beyond this size a smooth edge is not worth its memory.
_SMOOTH_PIXELS = 3_000_000
_INK: Colour = (38, 40, 46)


def draw_detections(
    image: Array,
    boxes: Array,
    scores: Array | None,
    class_ids: Array,
    class_names: Mapping[int, str] | Sequence[str],
    *,
    threshold: float = 0.5,
    max_boxes: int = 100,
    masks: MaskOf | None = None,
) -> Image.Image:
    """A copy of `image` with the boxes whose score reaches `threshold`.

    Where their labels would hide one another, the classes stand in a legend below the picture
    instead, which makes it higher.

    Args:
        image: `[H, W, 3]` uint8 RGB.
        boxes: `[K, 4]` yxyx in pixels of `image`.
        scores: `[K]`, 0–1, or None for boxes without a score, which are all drawn.
        class_ids: `[K]` keys of `class_names`; an id without a name is shown as a number.
        class_names: id → name, or a list of names for ids from 0.
        max_boxes: the best that many are drawn.
        masks: gives the mask of a box, as large as `image`, when it is drawn; None for boxes only.
    """
    labels = _labels(boxes, scores, class_ids, class_names, threshold, max_boxes)
    picture = Image.fromarray(np.ascontiguousarray(image)).convert("RGB")
    if masks is not None:
        drawn = ((masks(label.row), label.colour) for label in labels)
        picture = overlaid(picture, drawn, _line_width(picture) / 2)
    return _draw(picture, labels)


def draw_ground_truth(
    image: Array,
    boxes: Array,
    class_ids: Array,
    class_names: Mapping[int, str] | Sequence[str],
    *,
    masks: MaskOf | None = None,
    points: np.ndarray | None = None,
) -> Image.Image:
    """A copy of `image` with all its true boxes, their names, masks and points.

    Args:
        boxes: `[N, 4]` yxyx in pixels of `image`.
        points: `[N, K, 2]` yx in pixels of `image`; NaN for those that nobody knows.
    """
    count = np.reshape(boxes, (-1, 4)).shape[0]
    picture = draw_detections(
        image, boxes, None, class_ids, class_names, max_boxes=count, masks=masks
    )
    if points is None:
        return picture
    ids = class_names.keys() if isinstance(class_names, Mapping) else range(len(class_names))
    colours = (class_colour(int(class_id), ids) for class_id in np.ravel(class_ids))
    return dotted(picture, zip(points, colours, strict=True), 1.5 * _line_width(picture))


@dataclass(frozen=True)
class _Label:
    """One box on its way into the picture."""

    box: Rectangle
    name: str
    score: str
    """Two spaces and the score in per cent; empty for true boxes."""
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
    seen = [not np.isnan(row).any() for row in rows]  # a box without a place is drawn nowhere
    order = [
        i
        for i in np.argsort(-ranks, kind="stable")
        if seen[i] and (certain or ranks[i] >= threshold)
    ]
    labels: list[_Label] = []
    for i in reversed(order[:max_boxes]):
        y_min, x_min, y_max, x_max = rows[i]
        class_id = int(np.ravel(class_ids)[i])
        name = names.get(class_id, "")
        name = name if name and can_write(name) else f"#{class_id}"
        score = "" if certain else f"  {_percent(float(ranks[i]))}"
        colour = class_colour(class_id, names.keys())
        labels.append(_Label((x_min, y_min, x_max, y_max), name, score, colour, int(i)))
    return labels


def _percent(score: float) -> str:
    # 99.6 % is not certainty: only a score of 1 is shown as 100 %.
    return f"{100 if score >= 1 else min(99, round(100 * score))}%"


def _draw(picture: Image.Image, labels: Sequence[_Label]) -> Image.Image:
    line, size = _line_width(picture), _font_size(picture)
    outlines = _Outlines(picture.size)
    for label in labels:
        outlines.draw(_inside(label.box, picture.size), label.colour, line)
    outlines.paste_on(picture)
    pictures = [
        draw_label(label.name, label.colour, size, tail=label.score, room=picture.width)
        for label in labels
    ]
    # The best box chooses its place first and is painted last.
    placed: list[Rectangle] = []
    for label, written in zip(reversed(labels), reversed(pictures), strict=True):
        box = _inside(label.box, picture.size)
        placed.append(place(written.size, box, picture.size, line, placed))
    if crowded(placed, picture.size):
        return with_legend(picture, [(label.name, label.colour) for label in labels], size)
    for written, rectangle in zip(pictures, reversed(placed), strict=True):
        picture.paste(written, (round(rectangle[0]), round(rectangle[1])), written)
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
        out *= self.scale
        left, top = (round(edge * self.scale - out) for edge in box[:2])
        right, bottom = (round(edge * self.scale + out - 1) for edge in box[2:])
        right, bottom = max(right, left), max(bottom, top)
        # Pillow refuses corners that take more than the sides have.
        radius = min(round(out * 1.6), (min(right - left, bottom - top) - 2) // 2)
        shape, line = (left, top, right, bottom), max(1, round(width * self.scale))
        if radius > 0:
            self.pen.rounded_rectangle(shape, radius=radius, outline=colour, width=line)
        elif 2 * line >= min(right - left, bottom - top):
            self.pen.rectangle(shape, fill=colour)  # a box as thin as its line
        else:
            self.pen.rectangle(shape, outline=colour, width=line)

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
