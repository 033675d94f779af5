"""The size of the images that a detector is described for."""

from __future__ import annotations

from dataclasses import dataclass

from detectune.config import schema
from detectune.detectors.builders.anchors import input_size

_WITHOUT_RESIZER = 512


@dataclass(frozen=True)
class InputSize:
    """Height and width in pixels, and whether all inputs have it."""

    height: int
    width: int
    fixed: bool

    def __str__(self) -> str:
        varies = "" if self.fixed else ", the largest: they vary"
        return f"{self.height}×{self.width}{varies}"


def size_of_inputs(resizer: schema.ImageResizer) -> InputSize:
    """What `image_resizer { … }` makes of images; where sizes vary, of one that is as wide as it
    may get."""
    fixed = input_size(resizer)
    if fixed is not None:
        return InputSize(*fixed, fixed=True)
    aspect = resizer.keep_aspect_ratio_resizer
    if resizer.WhichOneof("image_resizer_oneof") == "keep_aspect_ratio_resizer":
        return InputSize(aspect.min_dimension, aspect.max_dimension, fixed=False)
    return InputSize(_WITHOUT_RESIZER, _WITHOUT_RESIZER, fixed=False)
