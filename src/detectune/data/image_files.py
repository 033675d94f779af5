"""Facts about encoded images that do not need a full decode, and how odd formats are read.

TensorFlow decodes JPEG and PNG in C++; everything else that Pillow reads (GIF, BMP, WebP, TIFF) is
turned into PNG bytes first. The content decides, never the extension.
"""

from __future__ import annotations

import io
import re
from typing import NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from detectune.data.jpeg_pixels import CUT_OFF, jpeg_problem
from detectune.data.opened_images import load_problem, opened

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff")
# Not GIF: TensorFlow takes the first frame for the whole, which may be smaller.
_DECODED_IN_CPP = {"JPEG", "PNG"}
_PNG_END = b"IEND"
# Cameras and editors append a few bytes after the end of an image.
_ENDING = 4096
# One colour everywhere packs 8,000 pixels into a byte of a PNG. What says more would fill memory.
_PLAUSIBLE_PIXELS, _MOST_PIXELS_PER_BYTE = 20_000_000, 10_000
_EXIF_ORIENTATION = 274
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N", "I")
# Orientations 5–8 swap height and width; Source: EXIF 2.3, tag 0x0112.
_SWAPPED = (5, 6, 7, 8)


class ImageFacts(NamedTuple):
    """What the header of an image says."""

    format: str
    """Pillow's name of the format: JPEG, PNG, …"""
    mode: str
    """Pillow's mode: RGB, L, RGBA, CMYK, P, I;16, …"""
    height: int
    width: int
    orientation: int
    """EXIF orientation, 1 to 8; 1 is upright."""


def image_format(data: bytes) -> str:
    """ "JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF" by the first bytes; "" if none of them."""
    if data[:3] == b"\xff\xd8\xff":
        return "JPEG"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "PNG"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if data[:2] == b"BM":
        return "BMP"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return "TIFF" if data[:4] in (b"II*\0", b"MM\0*") else ""


def read_facts(data: bytes) -> ImageFacts:
    """The facts in the header of the encoded image `data`; only its beginning is needed.

    Raises:
        ValueError: `data` is no image that can be read.
    """
    if not image_format(data):
        raise ValueError("it is empty" if not data else "it is not an image")
    try:
        with opened(data) as image:
            width, height = image.size
            orientation = int(image.getexif().get(_EXIF_ORIENTATION, 1)) if _has_exif(data) else 1
            upright = orientation if 1 <= orientation <= 8 else 1
            facts = ImageFacts(image.format or "", image.mode, height, width, upright)
    except Exception as error:  # on broken files Pillow's formats raise errors of any kind
        raise ValueError(unreadable_header(error)) from error
    if height * width > max(_PLAUSIBLE_PIXELS, _MOST_PIXELS_PER_BYTE * len(data)):
        raise ValueError(
            f"it says that it has {height * width:,} pixels, and it has {len(data):,} bytes"
        )
    return facts


def unreadable_header(error: Exception) -> str:
    """What `error`, raised by Pillow at the header of an image, says about it."""
    if isinstance(error, Image.DecompressionBombError):
        pixels = re.search(r"\d+", str(error))
        size = f"{int(pixels[0]):,} pixels" if pixels else "too many pixels"
        return f"it says that it has {size}, more than can be decoded"
    if isinstance(error, UnidentifiedImageError):
        return "its header cannot be read"  # Pillow would name an object in memory
    return f"its header cannot be read ({str(error) or type(error).__name__})"


def damage(head: bytes, tail: bytes) -> str:
    """Why an image that begins with `head` and ends with `tail` looks unusable; "" if it looks
    whole.

    The pixels are not decoded. JPEG closes with FF D9 and PNG with IEND, but for a few bytes. A
    header longer than `head`, or more bytes after the end, look like damage: `decode_problem`
    knows.
    """
    problem = _header_problem(head)
    if problem:
        return problem
    kind = image_format(head)
    ending = {"JPEG": b"\xff\xd9", "PNG": _PNG_END}.get(kind, b"")
    return CUT_OFF if ending not in tail[-_ENDING:] else ""


def _header_problem(head: bytes) -> str:
    try:
        mode = read_facts(head).mode
    except ValueError as error:
        return str(error)
    if mode == "F":
        return "its pixels are 32-bit floating-point numbers, of which the range is not known"
    return ""


def dark_bits(data: bytes) -> int:
    """How many bits the brightest pixel of a 16-bit image needs if it needs at most 12, else 0.

    Such an image is nearly black when it is read by its upper 8 bits.
    """
    with opened(data) as image:
        if image.mode not in _SIXTEEN_BITS:
            return 0
        brightest = int(_deep_pixels(image).max())
    return brightest.bit_length() if 0 < brightest < 1 << 12 else 0


def decode_problem(data: bytes) -> str:
    """Why the image `data` cannot be decoded to its last pixel; "" if it can.

    PNG has checksums, the others at least a length. What is seen of a JPEG says `jpeg_pixels`.
    """
    problem, kind = _header_problem(data), image_format(data)
    if problem:
        return problem
    if kind == "JPEG":
        return jpeg_problem(data)
    return CUT_OFF if kind == "PNG" and _PNG_END not in data else load_problem(data)


def portable(data: bytes, height: int, width: int) -> tuple[bytes, str]:
    """(`data`, its format): unchanged if it is JPEG or PNG and upright, else encoded anew.

    For files that other programs read: they know no WebP, and ignore EXIF.
    """
    rotation = rotation_to_apply(data, height, width)
    kind = image_format(data)
    if rotation == 1 and kind in ("JPEG", "PNG"):
        return data, kind.lower()
    target = "JPEG" if kind == "JPEG" else "PNG"
    with opened(data) as image:
        pixels = apply_orientation(np.asarray(eight_bits(image).convert("RGB")), rotation)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, target, **({"quality": 95} if target == "JPEG" else {}))
    return buffer.getvalue(), target.lower()


def decodable(data: bytes) -> bytes:
    """`data` if TensorFlow decodes it in C++, else the same pixels as an RGB PNG."""
    if image_format(data) in _DECODED_IN_CPP or not data:
        return data
    try:
        with opened(data) as image:
            buffer = io.BytesIO()
            eight_bits(image).convert("RGB").save(buffer, "PNG", compress_level=0)
            return buffer.getvalue()
    except Exception:  # on broken files Pillow's formats raise errors of any kind
        return data  # the decoder names what is wrong


def eight_bits(image: Image.Image) -> Image.Image:
    """`image`, or one of the upper 8 bits if it has 16, as TensorFlow decodes PNG.

    Pillow's own conversion makes everything above 255 white.
    """
    if image.mode not in _SIXTEEN_BITS:
        return image
    return Image.fromarray((_deep_pixels(image) >> 8).astype(np.uint8))


def _deep_pixels(image: Image.Image) -> np.ndarray:
    """`[H, W]` of an image with up to 16 bits; above and below, the nearest value that has them."""
    return np.clip(np.asarray(image), 0, 65535).astype(np.int64)


def rotation_to_apply(data: bytes, height: int, width: int) -> int:
    """The EXIF orientation with which stored pixels become what was annotated; 1 is "as stored".

    Parity: the original decodes pixels as stored and ignores EXIF. Labelling tools differ: some
    show the stored pixels, some the turned ones. The annotation's own height and width tell: if
    they are the stored ones swapped, and the orientation swaps, the picture was annotated turned.
    """
    if not height or height == width or not _has_exif(data):
        return 1
    try:
        facts = read_facts(data)
    except ValueError:
        return 1  # the decoder names what is wrong
    turned = facts.orientation in _SWAPPED and (facts.width, facts.height) == (height, width)
    return facts.orientation if turned else 1


def apply_orientation(image: np.ndarray, orientation: int) -> np.ndarray:
    """`image [H, W, C]` as stored → upright, for EXIF `orientation` 1 to 8."""
    if orientation in (5, 6, 7, 8):
        image = image.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    return np.ascontiguousarray(image)


def _has_exif(data: bytes) -> bool:
    # JPEG keeps EXIF in its first segments ("Exif\0\0"), PNG in an eXIf chunk, WebP in EXIF.
    return any(mark in data[:65536] for mark in (b"Exif\0\0", b"eXIf", b"EXIF"))
