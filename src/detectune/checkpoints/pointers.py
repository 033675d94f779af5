"""Which checkpoint of a folder counts: what its `checkpoint` file says, or the newest one.

    folder/checkpoint    model_checkpoint_path: "ckpt-8"
    folder/ckpt-8.index, ckpt-8.data-00000-of-00001

A pointer that cannot be read is repaired by taking the newest checkpoint, and said.
"""

from __future__ import annotations

import glob
import logging
import os
import re
from pathlib import Path

from detectune.files import read_regular

POINTER = "checkpoint"
SINGLE_FILE = ".ckpt"
"""In the names of the oldest checkpoints of TensorFlow 1, such as TF-Slim's `resnet_v1_50.ckpt`,
which are one file each."""

_MOST_BYTES = 1 << 20
_NAMED = re.compile(rb'^\s*model_checkpoint_path\s*:\s*"((?:[^"\\\n]|\\.)*)"', re.MULTILINE)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)")

_log = logging.getLogger("detectune")


def latest_in(folder: Path) -> str | None:
    """The prefix that the `checkpoint` file of `folder` points to, or the newest one there."""
    pointer = folder / POINTER
    if not os.path.lexists(pointer) or os.path.isdir(pointer):  # a zoo archive has such a folder
        return newest_in(folder)
    name, reason = named_by(pointer)
    if name and os.path.isfile(folder / f"{name}.index"):
        return os.fspath(folder / name)
    newest = newest_in(folder)
    if newest is not None:
        reason = reason or f"there is no {name}.index"
        _log.warning(
            "%s: %s; %s, the newest checkpoint beside it, is taken.",
            pointer, reason, Path(newest).name,
        )  # fmt: skip
    return newest


def named_by(pointer: Path) -> tuple[str, str]:
    """The name of the checkpoint in the file `pointer`, or why it says none."""
    try:
        text = read_regular(pointer, _MOST_BYTES)
    except OSError as error:
        return "", f"it cannot be read ({error.strerror or error})"
    found = _NAMED.search(text)
    if found is None:
        return "", "it is empty" if not text.strip() else "it names no checkpoint"
    path = _ESCAPE.sub(_plain, found[1]).decode("utf-8", "replace")
    # The path may be that of another machine: the file's name is what counts.
    name = Path(path.replace("\\", "/")).name
    return ("", "it names no checkpoint") if not name or "\0" in name else (name, "")


def _plain(escape: re.Match[bytes]) -> bytes:
    """What an escape of protobuf text stands for."""
    return bytes([int(escape[1], 8) & 255]) if escape[1][:1].isdigit() else escape[1]


def newest_in(folder: Path) -> str | None:
    """The prefix of the newest whole checkpoint of `folder`."""
    found = [file for file in folder.glob("*.index") if is_checkpoint(os.fspath(file)[:-6])]
    found.sort(key=lambda file: (file.stat().st_mtime, file.name))
    if found:
        return os.fspath(found[-1])[:-6]
    single = [file for file in folder.glob(f"*{SINGLE_FILE}") if os.path.isfile(file)]
    return os.fspath(max(single)) if single else None


def is_checkpoint(prefix: str) -> bool:
    """Whether the files of a checkpoint stand at `prefix`; a pipe is none, and would be waited
    for."""
    data = glob.glob(f"{glob.escape(prefix)}.data-*")
    return os.path.isfile(f"{prefix}.index") and bool(data) and all(map(os.path.isfile, data))
