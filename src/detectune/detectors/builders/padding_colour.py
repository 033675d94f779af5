"""`keep_aspect_ratio_resizer { per_channel_pad_value }` → the colour around an image."""

from __future__ import annotations

import keras
import numpy as np

from detectune.backbones.base import Backbone, Colour
from detectune.config import schema
from detectune.errors import ConfigError, three_part


def padding_colour(config: schema.ImageResizer, backbone: Backbone) -> Colour:
    """The RGB colour that images are padded with.

    Parity: meta_architectures/ssd_meta_arch.py normalizes images before they are padded, so
    `per_channel_pad_value` is in units of normalized images.
    """
    given = _asked(config)
    if given is None:
        return backbone.pad_value
    zero = np.array(backbone.pad_value, np.float32).reshape(1, 1, 1, 3)
    steps = keras.ops.convert_to_numpy(backbone.normalize(zero + 1.0) - backbone.normalize(zero))
    red, green, blue = (zero + np.array(given) / steps).ravel().tolist()
    return red, green, blue


def region_padding_colour(config: schema.ImageResizer, backbone: Backbone) -> Colour:
    """The RGB colour 0–255 that images are padded with.

    Parity: meta_architectures/faster_rcnn_meta_arch.py pads images before they are normalized, with
    black; networks that the original did not have see zeros.
    """
    return _asked(config) or (backbone.pad_value if backbone.is_of_keras else (0.0, 0.0, 0.0))


def _asked(config: schema.ImageResizer) -> Colour | None:
    """What the config says; None if it says nothing."""
    given = list(config.keep_aspect_ratio_resizer.per_channel_pad_value)
    if not given:
        return None
    if len(given) != 3:
        raise ConfigError(
            three_part(
                f"keep_aspect_ratio_resizer.per_channel_pad_value: {len(given)} numbers.",
                "Allowed: three numbers, or none for zeros.",
                "Repeat the line for each of red, green and blue.",
            )
        )
    red, green, blue = given
    return red, green, blue
