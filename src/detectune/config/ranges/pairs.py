"""Numbers that limit each other: the least of something is not above the most of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from google.protobuf.message import Message

from detectune.config.descriptors import OWN_PACKAGE, message_name
from detectune.config.problems import Problem

_CROP = (("min_aspect_ratio", "max_aspect_ratio"), ("min_area", "max_area"))
_DELTAS = (("min_delta", "max_delta"),)
_SCALES = (("scale_min", "scale_max"),)

PAIRS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "KeepAspectRatioResizer": (("min_dimension", "max_dimension"),),
    "FeaturePyramidNetworks": (("min_level", "max_level"),),
    "BidirectionalFeaturePyramidNetworks": (("min_level", "max_level"),),
    "MultiscaleAnchorGenerator": (("min_level", "max_level"),),
    "SsdAnchorGenerator": (("min_scale", "max_scale"),),
    "ArgMaxMatcher": (("unmatched_threshold", "matched_threshold"),),
    "ConvolutionalBoxPredictor.BoxEncodingsClipRange": (("min", "max"),),
    "WeightSharedConvolutionalBoxPredictor.BoxEncodingsClipRange": (("min", "max"),),
    "CosineDecayLearningRate": (("warmup_steps", "total_steps"),),
    "RandomAdjustContrast": _DELTAS,
    "RandomAdjustSaturation": _DELTAS,
    "RandomPixelValueScale": (("minval", "maxval"),),
    "RandomJpegQuality": (("min_jpeg_quality", "max_jpeg_quality"),),
    "RandomImageScale": (("min_scale_ratio", "max_scale_ratio"),),
    "RandomCropImage": _CROP,
    "SSDRandomCropOperation": _CROP,
    "RandomScaleCropAndPadToSquare": _SCALES,
    "RandomSquareCropByScale": _SCALES,
    "RandomPadImage": (
        ("min_image_height", "max_image_height"),
        ("min_image_width", "max_image_width"),
    ),
}
"""`Message: ((the lesser field, the greater field), …)`. A pair of which neither is written, or
that is made of a written number and the absence of another, is judged by the defaults."""

# Without a default of their own: absent means that the image's size decides.
_NO_DEFAULT = {"RandomPadImage"}
# Equal ends leave nothing to choose from.
_RISING = {"RandomJpegQuality"}


def pair_problems(message: Message, path: str) -> Iterator[Problem]:
    """An error for each pair of `message`, which stands at `path`, that is the wrong way round."""
    name = message_name(message.DESCRIPTOR)
    if not message.DESCRIPTOR.full_name.startswith(OWN_PACKAGE):
        return
    for low, high in PAIRS.get(name, ()):
        written = [message.HasField(field) for field in (low, high)]
        if not any(written) or (name in _NO_DEFAULT and not all(written)):
            continue
        least, most = getattr(message, low), getattr(message, high)
        if least < most or (least == most and name not in _RISING):
            continue
        default = "" if all(written) else f" ({low if written[1] else high} by default)"
        yield Problem(
            "error",
            f"{path}.{low if written[0] else high}",
            f"{low} is {least:g} and {high} is {most:g}{default}.",
            f"{low} must be {'below' if name in _RISING else 'at most'} {high}.",
            "Exchange the two, or write both.",
        )
