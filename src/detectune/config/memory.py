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


# Feature extractor, or how its name begins → GB that do not depend on the image, GB for each
# million pixels of input. Greatest resident memory over three steps with one made-up object, at
# batch 1 and 2 (SSDs: 1 and 3, 1 and 8), TensorFlow 2.21 in float32 on 2 cores, 2026-11-21:
# FILL
_MEASURED: dict[str, tuple[float, float]] = {}
_MASKS_GB = 0.0


def footprint(model: schema.DetectionModel) -> Footprint | None:
    """What training `model` takes; None if nothing like it was measured."""
    detector = getattr(model, model.WhichOneof("model"))
    name = detector.feature_extractor.type
    known = [prefix for prefix in _MEASURED if name.startswith(prefix)]
    pixels = _pixels(detector.image_resizer)
    if not known or not pixels:
        return None
    fixed, per_megapixel = _MEASURED[max(known, key=len)]
    return Footprint(fixed, per_megapixel * pixels / 1e6)


def _pixels(resizer: schema.ImageResizer) -> int:
    """Of the input, at most; 0 where images keep their size."""
    fixed, ratio = resizer.fixed_shape_resizer, resizer.keep_aspect_ratio_resizer
    if resizer.HasField("fixed_shape_resizer"):
        return fixed.height * fixed.width
    if resizer.HasField("keep_aspect_ratio_resizer"):
        padded = ratio.pad_to_max_dimension
        return ratio.max_dimension * (ratio.max_dimension if padded else ratio.min_dimension)
    return 0
