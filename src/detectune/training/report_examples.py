"""Example pictures of a report: what is there, and what was found, side by side."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from detectune.wording import in_html


@dataclass(frozen=True)
class Box:
    """A box to draw: yxyx as fractions of the picture, the name and "#rrggbb" of its class, and its
    score or None."""

    corners: tuple[float, float, float, float]
    name: str
    colour: str
    score: float | None = None


@dataclass(frozen=True)
class Example:
    """A picture with what is in it and what was found."""

    file_name: str
    jpeg: bytes
    height: int
    width: int
    truth: Sequence[Box]
    found: Sequence[Box]
    truth_masks: bytes = b""
    """A see-through PNG with the masks of `truth` in their colours; empty if there are none."""
    found_masks: bytes = b""
    caption: str = ""
    """What went wrong in it."""


def examples_html(examples: Sequence[Example]) -> str:
    """The pictures in pairs; nothing without examples."""
    pairs = "".join(
        f"<figure><figcaption>{in_html(example.file_name)}"
        f'<span class="legend">{in_html(example.caption)}</span></figcaption><div class="pair">'
        f"<div>{_picture(example, example.truth, example.truth_masks)}<span>truth</span></div>"
        f"<div>{_picture(example, example.found, example.found_masks)}<span>detected</span></div>"
        "</div></figure>"
        for example in examples
    )
    return f'<div class="pairs">{pairs}</div>' if pairs else ""


def _picture(example: Example, boxes: Sequence[Box], masks: bytes) -> str:
    """The picture once, its masks, and its boxes as lines that stay sharp at any size."""
    layers = [("jpeg", example.jpeg), *([("png", masks)] if masks else [])]
    images = "".join(
        f'<image width="{example.width}" height="{example.height}" '
        f'href="data:image/{kind};base64,{base64.b64encode(data).decode("ascii")}"/>'
        for kind, data in layers
    )
    drawn = "".join(_box(box, example.height, example.width) for box in boxes)
    return f'<svg viewBox="0 0 {example.width} {example.height}">{images}{drawn}</svg>'


def _box(box: Box, height: int, width: int) -> str:
    top, left, bottom, right = (
        corner * side for corner, side in zip(box.corners, (height, width) * 2, strict=True)
    )
    size = f'width="{right - left:.1f}" height="{bottom - top:.1f}"'
    place = f'x="{left:.1f}" y="{top:.1f}" {size} rx="1"'
    letter = max(width, height) / 20
    text = in_html(box.name if box.score is None else f"{box.name} {box.score:.0%}")
    baseline = max(top - letter * 0.35, letter)
    return (
        f'<rect class="halo" {place}/><rect class="box" stroke="{box.colour}" {place}/>'
        f'<text x="{max(left, 1):.1f}" y="{baseline:.1f}" font-size="{letter:.1f}" '
        f'font-weight="600" fill="{box.colour}" stroke="#000" stroke-opacity=".6" '
        f'stroke-width="{letter / 5:.2f}" paint-order="stroke">{text}</text>'
    )
