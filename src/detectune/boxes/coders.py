"""Box coders: regression targets relative to anchors, and the way back.

A coder is a frozen dataclass with `encode` and `decode`; nothing in it is learned.
`decode(encode(boxes, anchors), anchors)` gives the boxes back, up to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from detectune.boxes.arrays import same_kind
from detectune.boxes.convert import from_center_size, to_center_size
from detectune.structures import Array

# Padding rows are zero-size boxes; this keeps their logarithm finite.
# Parity: the value of EPSILON in box_coders/faster_rcnn_box_coder.py. There it is added to
# fractions of the image, here to pixels, which moves a code by less than 1e-7.
_MIN_SIZE = 1e-8


class BoxCoder(Protocol):
    """What a detector expects of a box coder."""

    @property
    def code_size(self) -> int:
        """How many numbers say one box."""
        ...

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

    scales: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)

    @property
    def code_size(self) -> int:
        return 4

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


@dataclass(frozen=True)
class MeanStddevBoxCoder:
    """Distance of the four corners from the anchor's, in units of a standard deviation.

    Args:
        stddev: of (ymin, xmin, ymax, xmax), in the unit of the boxes.

    Parity: box_coders/mean_stddev_box_coder.py, where the unit is a fraction of the image.
    """

    stddev: tuple[float, float, float, float] = (0.01, 0.01, 0.01, 0.01)

    @property
    def code_size(self) -> int:
        return 4

    def encode(self, boxes: Array, anchors: Array) -> Array:
        """Codes `[..., 4]` of boxes `[..., 4]` seen from anchors `[..., 4]`, yxyx in one unit."""
        xp, boxes, anchors = same_kind(boxes, anchors)
        return (boxes - anchors) / xp.stack(self.stddev)

    def decode(self, codes: Array, anchors: Array) -> Array:
        """Boxes `[..., 4]` yxyx in the unit of `anchors`; not clipped to the image."""
        xp, codes, anchors = same_kind(codes, anchors)
        return codes * xp.stack(self.stddev) + anchors


@dataclass(frozen=True)
class SquareBoxCoder:
    """Centre shift and side length of a square, relative to the side of a square anchor.

    Args:
        scales: weights on (ty, tx, tl).
        frame: (height, width) of the unit square in which boxes are square, in the unit of the
            boxes: the size of the image where "square" means equal fractions of its sides.

    Parity: box_coders/square_box_coder.py. The side is the root of the area.
    """

    scales: tuple[float, float, float] = (1.0, 1.0, 1.0)
    frame: tuple[float, float] = (1.0, 1.0)

    @property
    def code_size(self) -> int:
        return 3

    def encode(self, boxes: Array, anchors: Array) -> Array:
        """Codes `[..., 3]` (ty, tx, tl) of boxes `[..., 4]` seen from anchors `[..., 4]`."""
        xp, boxes, anchors = same_kind(boxes, anchors)
        y, x, length = self._square(xp, boxes)
        ya, xa, side = self._square(xp, anchors)
        length, side = length + _MIN_SIZE, side + _MIN_SIZE
        codes = [(y - ya) / side, (x - xa) / side, xp.log(length / side)]
        return xp.stack([c * s for c, s in zip(codes, self.scales, strict=True)], axis=-1)

    def decode(self, codes: Array, anchors: Array) -> Array:
        """Square boxes `[..., 4]` yxyx in the unit of `anchors`; not clipped to the image."""
        xp, codes, anchors = same_kind(codes, anchors)
        ya, xa, side = self._square(xp, anchors)
        ty, tx, tl = (codes[..., k] / scale for k, scale in enumerate(self.scales))
        height, width = self.frame
        length = xp.exp(tl) * side
        y, x = (ty * side + ya) * height, (tx * side + xa) * width
        return from_center_size(y, x, length * height, length * width)

    def _square(self, xp: Any, boxes: Array) -> tuple[Array, Array, Array]:
        y, x, h, w = to_center_size(boxes)
        height, width = self.frame
        return y / height, x / width, xp.sqrt(h * w / (height * width))


@dataclass(frozen=True)
class KeypointBoxCoder:
    """A box as in `FasterRcnnBoxCoder`, and keypoints as shifts from the anchor's centre.

    Args:
        num_keypoints: keypoints of every box.
        scales: weights on (ty, tx, th, tw); the first two also weigh keypoints.

    Parity: box_coders/keypoint_box_coder.py.
    """

    num_keypoints: int
    scales: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)

    @property
    def code_size(self) -> int:
        return 4 + 2 * self.num_keypoints

    @property
    def _box(self) -> FasterRcnnBoxCoder:
        return FasterRcnnBoxCoder(self.scales)

    def encode(self, boxes: Array, anchors: Array, keypoints: Array | None = None) -> Array:
        """Codes `[..., 4 + 2K]` of boxes `[..., 4]` and keypoints `[..., K, 2]` (y, x).

        Without keypoints, every keypoint is taken to lie at the centre of its box.
        """
        xp, boxes, anchors = same_kind(boxes, anchors)
        codes = self._box.encode(boxes, anchors)
        if keypoints is None:
            center = (boxes[..., :2] + boxes[..., 2:]) / 2.0
            keypoints = xp.repeat(center[..., None, :], self.num_keypoints, axis=-2)
        origin, unit = self._frame(xp, anchors)
        shifts = (keypoints - origin) / (unit + _MIN_SIZE) * xp.stack(self.scales[:2])
        flat = xp.reshape(shifts, (*shifts.shape[:-2], 2 * self.num_keypoints))
        return xp.concatenate([codes, flat], axis=-1)

    def decode(self, codes: Array, anchors: Array) -> Array:
        """Boxes `[..., 4]` yxyx in the unit of `anchors`; not clipped to the image."""
        return self._box.decode(codes[..., :4], anchors)

    def decode_keypoints(self, codes: Array, anchors: Array) -> Array:
        """Keypoints `[..., K, 2]` (y, x) in the unit of `anchors`."""
        xp, codes, anchors = same_kind(codes, anchors)
        flat = codes[..., 4:]
        shifts = xp.reshape(flat, (*flat.shape[:-1], self.num_keypoints, 2))
        origin, unit = self._frame(xp, anchors)
        return shifts / xp.stack(self.scales[:2]) * unit + origin

    def _frame(self, xp: Any, anchors: Array) -> tuple[Array, Array]:
        """Centre and size `[..., 1, 2]` (y, x) of every anchor."""
        y, x, h, w = to_center_size(anchors)
        return xp.stack([y, x], axis=-1)[..., None, :], xp.stack([h, w], axis=-1)[..., None, :]
