"""How much memory the training of a model takes, from measurements."""

from __future__ import annotations

from typing import NamedTuple

from detectune.config import schema


class Footprint(NamedTuple):
    """Memory of a training process, GB."""

    fixed_gb: float
    """Program, weights, gradients and optimizer."""
    per_image_gb: float
    """Feature maps and their gradients, of each image that is computed at once."""

    def gb(self, images: int) -> float:
        """With so many images at once."""
        return self.fixed_gb + images * self.per_image_gb

    def images_within(self, gb: float) -> int:
        """How many images at once fit into `gb`; 0 if none does."""
        return max(int((gb - self.fixed_gb) / self.per_image_gb), 0)


class Measured(NamedTuple):
    """GB, fitted to the figures of `benchmarks/results/memory-2cores-tf-fp32.csv`."""

    fixed: float
    per_image: float
    per_megapixel: float
    """For every million pixels of input."""

    def footprint(self, pixels: int, extra: float = 0.0) -> Footprint:
        """For inputs of so many pixels.

        Args:
            extra: GB for each image beside that.
        """
        return Footprint(self.fixed, self.per_image + extra + self.per_megapixel * pixels / 1e6)


def input_pixels(resizer: schema.ImageResizer) -> int:
    """Pixels of the model's input, at most; 0 where images keep their size."""
    fixed, ratio = resizer.fixed_shape_resizer, resizer.keep_aspect_ratio_resizer
    if resizer.HasField("fixed_shape_resizer"):
        return fixed.height * fixed.width
    if resizer.HasField("keep_aspect_ratio_resizer"):
        padded = ratio.pad_to_max_dimension
        return ratio.max_dimension * (ratio.max_dimension if padded else ratio.min_dimension)
    return 0
