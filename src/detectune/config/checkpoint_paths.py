"""Where a checkpoint is, by the names of its files: which prefix a path stands for.

A checkpoint is named by its prefix, `…/checkpoint/ckpt-0`, for which a file `ckpt-0.index` exists.
Nothing is read but the small file `checkpoint`, which names the newest one of a folder.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

IMAGENET = "imagenet"
"""What stands for the weights that Keras publishes for a network. A file of this name is
`./imagenet`."""
KERAS_ENDINGS = (".keras", ".h5", ".hdf5")
"""How files end in which Keras keeps weights."""

SAVED_MODEL = "saved_model.pb"
SAVED_MODEL_ADVICE = (
    "It gives answers and no feature maps, so no detector starts from it or stands on it.",
    "Take the checkpoint of the network, a .keras or .h5 file of it, or an archive of the zoo. For "
    "one vector of each image, detectune.features.vector_network reads it.",
)
"""What is said where a SavedModel is named as the start of a detector: what is allowed, and the
next step."""

# Folders below a run directory or an unpacked archive where a checkpoint may stand.
_FOLDERS = ("", "checkpoints/best", "checkpoints/last", "checkpoint")
_POINTER = re.compile(r'^\s*model_checkpoint_path:\s*"((?:[^"\\]|\\.)*)"', re.MULTILINE)
_ENDINGS = (r"\.index$", r"\.data-\d+-of-\d+$", r"\.meta$")
_MOST_BYTES = 2**16
# How the zoo names its detectors for TensorFlow 2.
_ARCHIVE = re.compile(r"[a-z0-9_-]+_coco17_(?:tpu|gpu)-\d+")


def checkpoint_prefix(path: str | os.PathLike[str]) -> str:
    """The prefix that `path` stands for: itself, one of its files, or a folder that holds it.

    Returns:
        Empty if there is no checkpoint.
    """
    name = os.fspath(path)
    if "\0" in name:
        return ""
    if os.path.isfile(f"{name}.index"):
        return name
    for ending in _ENDINGS:
        prefix = re.sub(ending, "", name)
        if prefix != name and os.path.isfile(f"{prefix}.index"):
            return prefix
    if not os.path.isdir(name):
        # The oldest checkpoints of TensorFlow 1 are one file.
        return name if os.path.isfile(name) and name.endswith(".ckpt") else ""
    found = (_newest(Path(name, folder)) for folder in _FOLDERS)
    return next((prefix for prefix in found if prefix), "")


def is_keras_file(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is named like a file in which Keras keeps weights."""
    return os.fspath(path).lower().endswith(KERAS_ENDINGS)


def is_keras_start(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is "imagenet" or named like a file of Keras, and no checkpoint."""
    return os.fspath(path) == IMAGENET or is_keras_file(path)


def is_saved_model(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is the folder of a SavedModel, or the file in it that makes it one."""
    name = os.fspath(path)
    inside = os.path.join(name, SAVED_MODEL) if os.path.isdir(name) else name
    return os.path.basename(inside) == SAVED_MODEL and os.path.isfile(inside)


def download_command(path: str) -> str:
    """How to fetch the checkpoint that is not there, as far as its path gives that away.

    `pre-trained/ssd_…_coco17_tpu-8/checkpoint/ckpt-0` lies where `zoo download` puts that archive.
    """
    for folder in (Path(path), *Path(path).parents):
        if _ARCHIVE.fullmatch(folder.name):
            place = os.fspath(folder.parent)
            usual = place == "pre-trained" or "PATH_TO_BE" in place
            into = "" if usual else f" --into {shlex.quote(place)}"
            return f"detectune zoo download {folder.name}{into}"
    return "detectune zoo download NAME"


def _newest(folder: Path) -> str:
    """The prefix that the file `checkpoint` of `folder` points to, or the newest one there."""
    try:
        indices = sorted(folder.glob("*.index"), key=lambda file: (file.stat().st_mtime, file.name))
    except OSError:
        return ""
    pointed = _pointed_to(folder / "checkpoint")
    if pointed and (folder / f"{pointed}.index").is_file():
        return os.fspath(folder / pointed)
    return os.fspath(indices[-1].with_suffix("")) if indices else ""


def _pointed_to(pointer: Path) -> str:
    """The name in a file `checkpoint`, without the folder, which may be that of another machine."""
    if not pointer.is_file():
        return ""
    with open(pointer, "rb") as stream:
        match = _POINTER.search(stream.read(_MOST_BYTES).decode("utf-8", "replace"))
    return match[1].replace("\\", "/").rpartition("/")[2] if match else ""
