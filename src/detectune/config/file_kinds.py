"""What a file is that was given where a config or a label map should be: seen from its bytes."""

from __future__ import annotations

import re
from typing import NamedTuple


class FileKind(NamedTuple):
    """A kind of file that is no protobuf text."""

    name: str
    """With its article: `an HTML page`."""
    next_step: str


_PICTURE = "Name the folder with pictures and annotations as source of a reader in the config."
_UNPACK = "Unpack it and give the pipeline.config in it; `detectune zoo download NAME` does so."
_RECORD = (
    "A pipeline.config names such files as tf_record_input_reader.input_path; look into it with "
    "`detectune data inspect SOURCE`."
)
_WEIGHTS = (
    "A pipeline.config names checkpoints as train_config.fine_tune_checkpoint, without .index or "
    ".data-00000-of-00001."
)
_MODEL = (
    "`detectune predict EXPORT IMAGES` takes exported models; a training begins with a checkpoint."
)
_DATA = (
    "A pipeline.config names data as source of a reader; look into it with `detectune data "
    "inspect SOURCE`."
)

_MAGIC = (
    (rb"\x89PNG", FileKind("a PNG picture", _PICTURE)),
    (rb"\xff\xd8\xff", FileKind("a JPEG picture", _PICTURE)),
    (rb"GIF8", FileKind("a GIF picture", _PICTURE)),
    (rb"BM.{4}\0\0\0\0", FileKind("a BMP picture", _PICTURE)),
    (rb"RIFF.{4}WEBP", FileKind("a WebP picture", _PICTURE)),
    (rb"II\*\0|MM\0\*", FileKind("a TIFF picture", _PICTURE)),
    (rb"PK\x03\x04", FileKind("a zip archive", _UNPACK)),
    (rb"\x1f\x8b", FileKind("a packed file (.gz)", _UNPACK)),
    (rb"BZh|\xfd7zXZ|7z\xbc\xaf", FileKind("a packed file", _UNPACK)),
    (rb".{257}ustar", FileKind("a tar archive", _UNPACK)),
    (rb"%PDF", FileKind("a PDF document", "Copy the text into a file of its own.")),
    (rb"\x89HDF", FileKind("an HDF5 file, such as weights of Keras", _WEIGHTS)),
    (rb".{4}TFL3", FileKind("a LiteRT model (.tflite)", _MODEL)),
    (rb"\x7fELF|MZ\x90", FileKind("a program", "Check the path.")),
)
# The length of the first record, and its checksum.
_RECORD_HEAD = re.compile(rb"(?!\0{8})..[\0-\x0f]\0{5}.{4}", re.DOTALL)
_TEXTS = (
    (
        re.compile(r"<!doctype\s+html|<html|<head\b|<body\b|<!--.*?-->\s*<html", re.I | re.S),
        FileKind(
            "an HTML page",
            "Download the file itself: on GitHub with the button Raw, elsewhere with Save as.",
        ),
    ),
    (
        re.compile(r"<\?xml|<annotation\b|<annotations\b"),
        FileKind("an XML file, such as an annotation", _DATA),
    ),
    (re.compile(r"\{|\[\s*[\[{\"\d\]]"), FileKind("a JSON file", _DATA)),
    (
        re.compile(r"version https://git-lfs"),
        FileKind("a pointer of Git LFS, not the file itself", "Fetch it with `git lfs pull`."),
    ),
    (re.compile(r"[^\n,:{}]+(?:,[^\n,:{}]*){3,}\n"), FileKind("a CSV table", _DATA)),
    (re.compile(r"model_checkpoint_path:"), FileKind("the file checkpoint of a folder", _WEIGHTS)),
)


def binary_kind(data: bytes, name: str) -> FileKind | None:
    """What the bytes `data` of the file `name` are, as far as they are no text.

    Args:
        data: the file, or its beginning of 512 bytes.
    """
    for magic, kind in _MAGIC:
        if re.match(magic, data, re.DOTALL):
            return kind
    if re.search(r"\.index$|\.data-\d+-of-\d+$|\.meta$|\.ckpt\b", name) and b"\0" in data:
        return FileKind("a part of a checkpoint", _WEIGHTS)
    if name.endswith(".pb"):
        return FileKind("a TensorFlow model (.pb)", _MODEL)
    return FileKind("a TFRecord", _RECORD) if _RECORD_HEAD.match(data) else None


def text_kind(text: str) -> FileKind | None:
    """What `text` is if it is plainly no protobuf text."""
    beginning = text[:4096].lstrip()
    return next((kind for pattern, kind in _TEXTS if pattern.match(beginning)), None)


_BLOCK = r"^[ \t]*+{}\s*+:?\s*+[{{<]"
_CONFIG = re.compile(
    _BLOCK.format("(model|train_config|train_input_reader|eval_config|eval_input_reader)"), re.M
)
_LABEL_MAP = re.compile(_BLOCK.format("item"), re.M)


def looks_like_config(text: str) -> bool:
    """Whether `text` has the blocks of a pipeline.config."""
    return _CONFIG.search(text) is not None


def looks_like_label_map(text: str) -> bool:
    """Whether `text` has the blocks of a label map, and none of a pipeline.config."""
    return _LABEL_MAP.search(text) is not None and not looks_like_config(text)
