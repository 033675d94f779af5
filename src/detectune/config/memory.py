"""How much memory the training of a model takes, from measurements."""

from __future__ import annotations

from typing import NamedTuple

from detectune.config import schema
from detectune.config.evaluated import predicts_masks


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


class _Measured(NamedTuple):
    """GB, fitted to the figures of `benchmarks/results/memory-2cores-tf-fp32.csv`."""

    fixed: float
    per_image: float
    per_megapixel: float
    """For every million pixels of input."""


_MEASURED = {
    "faster_rcnn_resnet50_keras": _Measured(1.3, 0.15, 2.15),
    "faster_rcnn_resnet101_keras": _Measured(2.3, 0.15, 2.15),
    "faster_rcnn_resnet152_keras": _Measured(3.4, 0.15, 2.15),
    "faster_rcnn_resnet50_fpn_keras": _Measured(2.1, 0.05, 2.05),
    "faster_rcnn_inception_resnet_v2_keras": _Measured(2.15, 1.1, 2.75),
    "ssd_mobilenet_v2_keras": _Measured(1.0, 0.0, 1.1),
    "ssd_mobilenet_v2_fpn_keras": _Measured(1.1, 0.0, 1.5),
    "ssd_mobilenet_v1_fpn_keras": _Measured(1.2, 0.0, 1.6),
    "ssd_resnet50_v1_fpn_keras": _Measured(1.9, 0.0, 2.0),
    "ssd_resnet152_v1_fpn_keras": _Measured(3.5, 0.0, 2.0),
    "ssd_efficientnet-b0_bifpn_keras": _Measured(1.6, 0.0, 2.05),
}
"""By feature extractor. Networks that differ from these in depth only are not guessed."""

_MASKS_GB = 0.3


def footprint(model: schema.DetectionModel) -> Footprint | None:
    """What training `model` takes; None if nothing like it was measured."""
    detector = getattr(model, model.WhichOneof("model"))
    measured = _MEASURED.get(detector.feature_extractor.type)
    pixels = _pixels(detector.image_resizer)
    if measured is None or not pixels:
        return None
    masks = _MASKS_GB if predicts_masks(model) else 0.0
    per_image = measured.per_image + masks + measured.per_megapixel * pixels / 1e6
    return Footprint(measured.fixed, per_image)


def _pixels(resizer: schema.ImageResizer) -> int:
    """Of the input, at most; 0 where images keep their size."""
    fixed, ratio = resizer.fixed_shape_resizer, resizer.keep_aspect_ratio_resizer
    if resizer.HasField("fixed_shape_resizer"):
        return fixed.height * fixed.width
    if resizer.HasField("keep_aspect_ratio_resizer"):
        padded = ratio.pad_to_max_dimension
        return ratio.max_dimension * (ratio.max_dimension if padded else ratio.min_dimension)
    return 0
