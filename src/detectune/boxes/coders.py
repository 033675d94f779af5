"""Box coders: regression targets relative to anchors, and the way back.

A coder is a frozen dataclass with `encode` and `decode`; nothing in it is learned.
`decode(encode(boxes, anchors), anchors)` gives the boxes back, up to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from detectune.boxes.arrays import same_kind
from detectune.boxes.convert import from_center_size, to_center_size
from detectune.structures import Array

# Padding rows are zero-size boxes; this keeps their logarithm finite.
# Parity: the value of EPSILON in box_coders/faster_rcnn_box_coder.py. There it is added to
# fractions of the image, here to pixels, which moves a code by less than 1e-7.
_MIN_SIZE = 1e-8


class BoxCoder(Protocol):
    """What a detector expects of a box coder."""

    code_size: ClassVar[int]

    def encode(self, boxes: Array, anchors: Array) -> Array:
        """Codes `[..., code_size]` of boxes `[..., 4]` seen from anchors `[..., 4]`."""
        ...

    def decode(self, codes: Array, anchors: Array) -> Array:
        """Boxes `[..., 4]` yxyx of codes `[..., code_size]`, in the unit of `anchors`."""
        ...


@dataclass(frozen=True)
class FasterRcnnBoxCoder:
    """Centre shift in units of the anchor, size change as a logarithm.

    Args:
        scales: weights on (ty, tx, th, tw). SSD and Faster R-CNN configs use 10, 10, 5, 5.

    Source: Ren et al. 2015, equation 2.
    """

    code_size: ClassVar[int] = 4
    scales: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)

    def encode(self, boxes: Array, anchors: Array) -> Array:
        """Codes `[..., 4]` (ty, tx, th, tw) of boxes `[..., 4]` seen from anchors `[..., 4]`.

        Both are yxyx in one common unit and broadcast against each other.
        """
        xp, boxes, anchors = same_kind(boxes, anchors)
        y, x, h, w = to_center_size(boxes)
        ya, xa, ha, wa = to_center_size(anchors)
        h, w, ha, wa = h + _MIN_SIZE, w + _MIN_SIZE, ha + _MIN_SIZE, wa + _MIN_SIZE
        codes = [(y - ya) / ha, (x - xa) / wa, xp.log(h / ha), xp.log(w / wa)]
        return xp.stack([c * s for c, s in zip(codes, self.scales, strict=True)], axis=-1)

    def decode(self, codes: Array, anchors: Array) -> Array:
        """Boxes `[..., 4]` yxyx in the unit of `anchors`; not clipped to the image."""
        xp, codes, anchors = same_kind(codes, anchors)
        ya, xa, ha, wa = to_center_size(anchors)
        ty, tx, th, tw = (codes[..., k] / scale for k, scale in enumerate(self.scales))
        return from_center_size(ty * ha + ya, tx * wa + xa, xp.exp(th) * ha, xp.exp(tw) * wa)
