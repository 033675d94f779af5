"""Instance masks as annotations keep them, decoded as late as possible.

    polygons │ RLE │ PNG │ one index of a picture ─► Mask ─► `pixels()` [H, W] uint8, or `rle()`

A `Mask` is small; its pixels are made when a sample or an evaluation needs them.
"""

from __future__ import annotations

import abc
import functools
import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from detectune.data.run_lengths import (
    MaskError,
    Rle,
    compressed,
    decode_rle,
    encode_rle,
    run_lengths,
)

_LEAST_NUMBERS = 6  # three corners
_MOST_PIXELS = 1 << 28  # 16384 x 16384
_FARTHEST = 10  # times the longer side of the image


class Mask(abc.ABC):
    """Where one object is."""

    @property
    @abc.abstractmethod
    def size(self) -> tuple[int, int]:
        """Height and width, found without decoding.

        Raises:
            MaskError: it cannot be found.
        """

    @abc.abstractmethod
    def pixels(self) -> np.ndarray:
        """`[H, W]` uint8, 1 where the object is.

        Raises:
            MaskError: the mask is damaged.
        """

    def rle(self) -> Rle:
        """The same as run lengths.

        Raises:
            MaskError: the mask is damaged.
        """
        return encode_rle(self.pixels())

    def on(self, height: int, width: int) -> Mask:
        """This mask for an image of that size; only polygons do not know theirs."""
        return self


@dataclass(frozen=True)
class PolygonMask(Mask):
    """Outlines in pixels: `polygons` are (x, y, x, y, …), each `[2 P]` float64."""

    polygons: tuple[np.ndarray, ...]
    height: int = 0
    width: int = 0

    @property
    def size(self) -> tuple[int, int]:
        return self.height, self.width

    def pixels(self) -> np.ndarray:
        return decode_rle(self.rle())

    def rle(self) -> Rle:
        from faster_coco_eval.core import mask as coco

        _check_size(self.height, self.width)
        # Memory grows with the length of an outline, not with the image.
        limit = _FARTHEST * max(self.height, self.width, 1)
        farthest = max(float(np.abs(polygon).max()) for polygon in self.polygons)
        if farthest > limit:
            raise MaskError(f"a corner of its polygon is {farthest:.6g} pixels away")
        outlines = [polygon.tolist() for polygon in self.polygons]
        return coco.merge(coco.frPyObjects(outlines, self.height, self.width))  # pyright: ignore[reportReturnType, reportArgumentType]

    def on(self, height: int, width: int) -> Mask:
        return replace(self, height=height, width=width)

    def leaves_image(self) -> bool:
        """Whether a corner lies outside the image by a pixel or more; that part is cut off."""
        limits = np.array([self.width, self.height], np.float64) + 1
        corners = np.concatenate(self.polygons).reshape(-1, 2)
        return bool(np.any((corners <= -1) | (corners >= limits)))


@dataclass(frozen=True)
class RleMask(Mask):
    """Run lengths in COCO's compressed form."""

    height: int
    width: int
    counts: bytes

    @property
    def size(self) -> tuple[int, int]:
        return self.height, self.width

    def pixels(self) -> np.ndarray:
        return decode_rle(self.rle())

    def rle(self) -> Rle:
        _check_size(self.height, self.width)
        runs = run_lengths(self.counts)
        # The C++ decoder trusts them.
        if min(runs, default=0) < 0 or sum(runs) != self.height * self.width:
            raise MaskError(
                f"its run lengths add up to {sum(runs)} pixels, not to {self.height} x {self.width}"
            )
        return {"size": [self.height, self.width], "counts": self.counts}


@dataclass(frozen=True)
class BrokenMask(Mask):
    """An annotation that is none; whoever asks for it learns why."""

    reason: str

    @property
    def size(self) -> tuple[int, int]:
        raise MaskError(self.reason)

    def pixels(self) -> np.ndarray:
        raise MaskError(self.reason)


@dataclass(frozen=True)
class PngMask(Mask):
    """An encoded image whose pixels above 0 belong to the object.

    Parity: data_decoders/tf_example_decoder.py of the original.
    """

    data: bytes

    @property
    def size(self) -> tuple[int, int]:
        with _opened(self.data) as image:
            return image.height, image.width

    def pixels(self) -> np.ndarray:
        with _opened(self.data) as image:
            try:
                # A palette image means its numbers, not its colours.
                values = np.asarray(image if image.mode == "P" else image.convert("I"))
            except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
                raise MaskError(f"its image cannot be decoded ({error})") from error
        return (values > 0).astype(np.uint8)


@dataclass(frozen=True)
class IndexMask(Mask):
    """The pixels of a palette PNG that have the value `index` (SegmentationObject of VOC)."""

    path: Path
    index: int

    @property
    def size(self) -> tuple[int, int]:
        with _opened(self.path) as image:
            return image.height, image.width

    def pixels(self) -> np.ndarray:
        return (_indices(self.path) == self.index).astype(np.uint8)


# The objects of an image follow each other, and threads work on a few images at once.
@functools.lru_cache(maxsize=8)
def _indices(path: Path) -> np.ndarray:
    with _opened(path) as image:
        try:
            return np.asarray(image if image.mode in ("P", "L") else image.convert("L"))
        except (OSError, SyntaxError, ValueError) as error:
            raise MaskError(f"{path} cannot be decoded ({error})") from error


def _check_size(height: int, width: int) -> None:
    if height < 1 or width < 1 or height * width > _MOST_PIXELS:
        raise MaskError(f"a mask of {width}x{height} pixels (width x height)")


def _opened(data: bytes | Path) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data) if isinstance(data, bytes) else data)
    except (
        UnidentifiedImageError,
        OSError,
        SyntaxError,
        ValueError,
        Image.DecompressionBombError,
    ) as error:
        place = "its data are" if isinstance(data, bytes) else f"{data} is"
        raise MaskError(f"{place} no image") from error


def coco_mask(segmentation: Any) -> Mask | None:
    """The mask of a COCO `segmentation`: polygons, or run lengths; None where there is none.

    Polygons of fewer than three corners enclose nothing and are left out.
    """
    try:
        return _coco_mask(segmentation) if segmentation else None
    except MaskError as error:
        return BrokenMask(str(error))


def _coco_mask(segmentation: Any) -> Mask | None:
    if isinstance(segmentation, dict):
        return _from_rle(segmentation)
    if not isinstance(segmentation, list):
        raise MaskError(f"segmentation is {str(segmentation)[:60]}")
    parts = segmentation if isinstance(segmentation[0], list) else [segmentation]
    polygons = tuple(_polygon(part) for part in parts)
    solid = tuple(polygon for polygon in polygons if len(polygon) >= _LEAST_NUMBERS)
    return PolygonMask(solid) if solid else None


def _polygon(numbers: Any) -> np.ndarray:
    try:
        polygon = np.asarray(numbers, np.float64)
    except (TypeError, ValueError, OverflowError):
        polygon = np.zeros(1)
    if polygon.ndim != 1 or len(polygon) % 2 or not np.all(np.isfinite(polygon)):
        raise MaskError(f"a polygon is {str(numbers)[:60]}, and not x, y, x, y, …")
    return polygon


def _from_rle(segmentation: dict[str, Any]) -> RleMask:
    counts, size = segmentation.get("counts"), segmentation.get("size")
    try:
        height, width = (int(side) for side in size)  # pyright: ignore[reportOptionalIterable]
    except (TypeError, ValueError, OverflowError):
        raise MaskError(f"the size of its run lengths is {str(size)[:60]}") from None
    if isinstance(counts, str | bytes):
        text = counts.encode("ascii", "replace") if isinstance(counts, str) else counts
        return RleMask(height, width, text)
    try:
        runs = [int(run) for run in counts]  # pyright: ignore[reportOptionalIterable]
        if any(not 0 <= run <= _MOST_PIXELS for run in runs):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise MaskError(f"its run lengths are {str(counts)[:60]}") from None
    return RleMask(height, width, compressed(runs))


def png_of(pixels: np.ndarray) -> bytes:
    """A mask `[H, W]` as PNG of 0 and 1, as the original's dataset tools write it."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def mask_problem(mask: Mask | None, height: int, width: int) -> str:
    """What is wrong with the mask of an object in an image of that size; "" if nothing is seen.

    It is not decoded. A size of 0 is not known.
    """
    if mask is None:
        return "it has no mask"
    try:
        size = mask.size
    except MaskError as error:
        return str(error)
    if height and width and size != (height, width):
        return f"its mask is {size[1]}x{size[0]}, the image {width}x{height} (width x height)"
    return ""


def resized(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """A mask `[H, W]` for an image of another size; nearest pixels, their centres aligned."""
    if pixels.shape == (height, width):
        return pixels
    rows = ((np.arange(height) + 0.5) * pixels.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * pixels.shape[1] / width).astype(int)
    return pixels[rows[:, None], columns[None]]
