"""Image resizers: an image of any size → the model's input, and which part of it is picture.

    [H, W, 3] ─► resize ─► (grey) ─► pad at the bottom and right ─► image, true_size

Parity: core/preprocessor.py of the original resizes with the v1 `tf.image.resize_images`: pixel
(0, 0) of both images coincide, no half-pixel centres, no anti-aliasing. Zoo weights expect it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from detectune.config import schema
from detectune.errors import ConfigError, three_part

Size = tuple[int | None, int | None]
NewSize = Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor | int, tf.Tensor | int]]
# ResizeType in image_resizer.proto → the v1 method.
_METHODS = {
    0: tf.compat.v1.image.ResizeMethod.BILINEAR,
    1: tf.compat.v1.image.ResizeMethod.NEAREST_NEIGHBOR,
    2: tf.compat.v1.image.ResizeMethod.BICUBIC,
    3: tf.compat.v1.image.ResizeMethod.AREA,
}


@dataclass(frozen=True)
class Resizer:
    """Turns an image `[H, W, 3]` into the model's input.

    Args:
        new_size: height and width of the image → height and width it is resized to.
        padded_size: size after padding; None where it depends on the image.
        longest_side: no side of a result is longer; None where nothing limits them.
        pad_multiple: pad to the next multiple of this, where `padded_size` is None.
        pad_value: what padding holds, one number per channel, 0–255.
    """

    new_size: NewSize
    method: int
    padded_size: Size = (None, None)
    longest_side: int | None = None
    pad_multiple: int = 1
    pad_value: tuple[float, ...] = (0.0, 0.0, 0.0)
    grayscale: bool = False
    align_corners: bool = False

    @property
    def output_size(self) -> Size:
        """Height and width of the result; None where they depend on the image."""
        return self.padded_size

    @property
    def channels(self) -> int:
        """1 for grey, else 3."""
        return 1 if self.grayscale else 3

    def __call__(self, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """(image `[h, w, channels]` float32, resized and padded; `[2]` int32: the size of the
        picture inside it, which stands at the top left)."""
        shape = tf.shape(image)
        height, width = self.new_size(shape[0], shape[1])
        # v1 skips the work, and keeps the type, when the size does not change: cast afterwards.
        resized = tf.compat.v1.image.resize(
            image, (height, width), _METHODS[self.method], align_corners=self.align_corners
        )
        resized = tf.cast(resized, tf.float32)
        if self.grayscale:
            resized = tf.image.rgb_to_grayscale(resized)
        true_size = tf.shape(resized)[:2]
        padded = self._pad(resized, true_size)
        padded.set_shape([*self.padded_size, self.channels])
        return padded, true_size

    def masks(self, masks: tf.Tensor) -> tf.Tensor:
        """`[N, h, w]` uint8: masks `[N, H, W]` of an image, resized and padded as it is.

        Parity: nearest neighbours whatever the method for images (core/preprocessor.py).
        """
        shape = tf.shape(masks)
        size = self.new_size(shape[1], shape[2])
        resized = as_channels(
            masks,
            lambda image: tf.compat.v1.image.resize(
                image, size, _METHODS[1], align_corners=self.align_corners
            ),
        )
        after = self._padding(tf.shape(resized)[1:])
        if after is not None:
            resized = tf.pad(resized, [[0, 0], [0, after[0]], [0, after[1]]])
        return tf.ensure_shape(resized, [None, *self.padded_size])

    def _pad(self, image: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
        after = self._padding(size)
        if after is None:
            return image
        padding = [[0, after[0]], [0, after[1]], [0, 0]]
        value = tf.constant(self.pad_value[: self.channels], tf.float32)
        return (
            tf.pad(image - value, padding) + value
            if any(self.pad_value)
            else tf.pad(image, padding)
        )

    def _padding(self, size: tf.Tensor) -> tf.Tensor | None:
        """`[2]`: rows below and columns to the right of a picture of that size; None without."""
        if None not in self.padded_size:
            return tf.stack(self.padded_size) - size
        if self.pad_multiple > 1:
            return -(-size // self.pad_multiple) * self.pad_multiple - size
        return None


def as_channels(masks: tf.Tensor, resize: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """`[N, h, w]`: masks `[N, H, W]` resized as the channels of one image.

    Three times as fast as images of one channel. `resize` never sees an image without channels.
    """
    image = tf.pad(tf.transpose(masks, [1, 2, 0]), [[0, 0], [0, 0], [0, 1]])
    return tf.transpose(resize(image), [2, 0, 1])[:-1]


def build_resizer(
    config: schema.ImageResizer, pad_value: tuple[float, float, float] | None = None
) -> Resizer:
    """The resizer that `image_resizer { … }` asks for.

    Args:
        pad_value: what to pad with; by default the config's `per_channel_pad_value`, or 0. A
            detector that normalises before it pads asks for the colour that normalises to 0.
    """
    kind = config.WhichOneof("image_resizer_oneof")
    if kind is None:
        raise ConfigError(
            three_part(
                "image_resizer: no resizer is named.",
                f"Known: {', '.join(_BUILDERS)}.",
                "Write, say, image_resizer { fixed_shape_resizer { height: 320 width: 320 } }.",
            )
        )
    return _BUILDERS[kind](getattr(config, kind), pad_value or (0.0, 0.0, 0.0), pad_value is None)


def _fixed_shape(config: schema.FixedShapeResizer, pad: tuple, _: bool) -> Resizer:
    size = (_positive(config, "height"), _positive(config, "width"))
    return Resizer(
        lambda height, width: size,
        config.resize_method,
        padded_size=size,
        pad_value=pad,
        grayscale=config.convert_to_grayscale,
    )


def _keep_aspect_ratio(config: schema.KeepAspectRatioResizer, pad: tuple, ask: bool) -> Resizer:
    shortest, longest = _positive(config, "min_dimension"), _positive(config, "max_dimension")
    if shortest > longest:
        raise _wrong(config, "min_dimension", shortest, f"at most max_dimension, {longest}")
    if ask and config.per_channel_pad_value:
        pad = tuple(config.per_channel_pad_value)
    if len(pad) != 3:
        raise _wrong(config, "per_channel_pad_value", list(pad), "three numbers")
    return Resizer(
        lambda height, width: _within(height, width, shortest, longest),
        config.resize_method,
        padded_size=(longest, longest) if config.pad_to_max_dimension else (None, None),
        longest_side=longest,
        pad_value=pad,
        grayscale=config.convert_to_grayscale,
    )


def _identity(config: schema.IdentityResizer, pad: tuple, _: bool) -> Resizer:
    return Resizer(lambda height, width: (height, width), 0, pad_value=pad)


def _conditional_shape(config: schema.ConditionalShapeResizer, pad: tuple, _: bool) -> Resizer:
    threshold = _positive(config, "size_threshold")
    if config.condition == schema.ConditionalShapeResizer.INVALID:
        raise _wrong(config, "condition", "INVALID", "GREATER or SMALLER")
    shrink = config.condition == schema.ConditionalShapeResizer.GREATER

    def new_size(height: tf.Tensor, width: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        side = tf.maximum(height, width) if shrink else tf.minimum(height, width)
        ratio = threshold / tf.cast(side, tf.float32)
        ratio = tf.minimum(ratio, 1.0) if shrink else tf.maximum(ratio, 1.0)
        # Parity: rounded down here, to the nearest in the keep-aspect-ratio resizer.
        return _scaled(height, ratio, tf.floor), _scaled(width, ratio, tf.floor)

    return Resizer(
        new_size,
        config.resize_method,
        pad_value=pad,
        grayscale=config.convert_to_grayscale,
        # Parity: of the five resizers only this one makes the corner pixels of both images
        # coincide (core/preprocessor.py, resize_to_max_dimension and resize_to_min_dimension).
        align_corners=True,
    )


def _pad_to_multiple(config: schema.PadToMultipleResizer, pad: tuple, _: bool) -> Resizer:
    return Resizer(
        lambda height, width: (height, width),
        0,
        pad_multiple=_positive(config, "multiple"),
        pad_value=pad,
        grayscale=config.convert_to_grayscale,
    )


_BUILDERS = {
    "keep_aspect_ratio_resizer": _keep_aspect_ratio,
    "fixed_shape_resizer": _fixed_shape,
    "identity_resizer": _identity,
    "conditional_shape_resizer": _conditional_shape,
    "pad_to_multiple_resizer": _pad_to_multiple,
}


def _within(height: tf.Tensor, width: tf.Tensor, shortest: int, longest: int) -> tuple:
    """The size whose shorter side is `shortest`, or whose longer is `longest` if that is less."""
    short = tf.cast(tf.minimum(height, width), tf.float32)
    long = tf.cast(tf.maximum(height, width), tf.float32)
    fits = tf.round(long * (shortest / short)) <= longest
    ratio = tf.where(fits, shortest / short, longest / long)
    return _scaled(height, ratio, tf.round), _scaled(width, ratio, tf.round)


def _scaled(side: tf.Tensor, ratio: tf.Tensor, rounding: Callable) -> tf.Tensor:
    # A very long and thin image must keep one pixel of its shorter side.
    return tf.maximum(tf.cast(rounding(tf.cast(side, tf.float32) * ratio), tf.int32), 1)


def _positive(config: object, field: str) -> int:
    value = getattr(config, field)
    if value < 1:
        raise _wrong(config, field, value, "at least 1")
    return value


def _wrong(config: object, field: str, value: object, allowed: str) -> ConfigError:
    return ConfigError(
        three_part(
            f"image_resizer, {type(config).__name__}: {field} is {value}.",
            f"{field} must be {allowed}.",
            f"Correct {field} in the pipeline.config.",
        )
    )
