"""Checkpoint files: finding, reading and writing them. `pointers.py` says which one counts."""

from __future__ import annotations

import errno
import glob
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from detectune.checkpoints.keys import ROOT, SUFFIX
from detectune.checkpoints.pointers import SINGLE_FILE, is_checkpoint, latest_in
from detectune.config.checkpoint_paths import (
    SAVED_MODEL_ADVICE,
    download_command,
    is_saved_model,
)
from detectune.errors import CheckpointError, WriteError, three_part
from detectune.files import usable_path, write_error, write_text

# What files are called while they are written.
_WRITING = ".writing-"
# Folders below a run directory or an unpacked archive where a checkpoint may stand.
_FOLDERS = ("checkpoints/best", "checkpoints/last", "checkpoint")


def find_checkpoint(path: str | os.PathLike[str]) -> str:
    """The prefix (`…/ckpt-0`) that `path` stands for.

    Args:
        path: a prefix, one of its files, a folder with a `checkpoint` file, a run directory, or
            an unpacked zoo archive.

    Raises:
        CheckpointError: nothing of the kind is there.
        ConfigError: `path` can be no path.
    """
    place = usable_path(path, "checkpoint")
    if os.path.isdir(place):
        for folder in (place, *(place / name for name in _FOLDERS)):
            prefix = latest_in(folder)
            if prefix is not None:
                return prefix
        if is_saved_model(place):
            raise _is_saved_model(path)
        found = f"{path}: the folder holds no checkpoint."
    elif is_saved_model(place):
        raise _is_saved_model(path)
    else:
        prefix = _without_extension(os.fspath(path))
        if is_checkpoint(prefix):
            return prefix
        if os.path.isfile(f"{prefix}.index"):
            raise CheckpointError(
                three_part(
                    f"{prefix}: the .index file is there, but no .data file.",
                    "A checkpoint is an .index file and its .data files, side by side.",
                    "Copy the .data file too, or unpack the archive again.",
                )
            )
        if os.path.isfile(place) and SINGLE_FILE in place.name and prefix == os.fspath(path):
            return prefix
        found = f"{path}: there is no such checkpoint."
    raise CheckpointError(
        three_part(
            found,
            "A checkpoint is named by its prefix, such as checkpoint/ckpt-0, for which a file "
            "ckpt-0.index exists; or by the folder that holds it.",
            f"Check the path, or fetch a checkpoint with `{download_command(os.fspath(path))}`.",
        )
    )


def _is_saved_model(path: str | os.PathLike[str]) -> CheckpointError:
    return CheckpointError(
        three_part(f"{os.fspath(path)}: it is a SavedModel, no checkpoint.", *SAVED_MODEL_ADVICE)
    )


def _without_extension(path: str) -> str:
    for extension in (".index", ".data-00000-of-00001", ".meta"):
        path = path.removesuffix(extension)
    return path


def read_checkpoint(prefix: str, keys: set[str] | None = None) -> dict[str, np.ndarray]:
    """Key → array, for all numeric variables of a checkpoint or the `keys` among them.

    Raises:
        CheckpointError: a file is damaged, or not a checkpoint.
    """
    try:
        reader = tf.train.load_checkpoint(prefix)
        names = [
            name
            for name, kind in reader.get_variable_to_dtype_map().items()
            if kind != tf.string and (keys is None or name in keys)
        ]
        return {name: reader.get_tensor(name) for name in names}
    except (tf.errors.OpError, RuntimeError, ValueError, IndexError) as error:
        raise CheckpointError(
            three_part(
                f"{prefix}: the checkpoint cannot be read: {str(error).splitlines()[0]}",
                "An .index file and .data files of one and the same save are needed, whole.",
                "Copy or unpack it again; compare the sizes of the files.",
            )
        ) from error


def write_checkpoint(prefix: str | os.PathLike[str], values: Mapping[str, np.ndarray]) -> None:
    """Write `values` (key → array) in the object-based format that the original reads.

    The files appear under their names only when complete. `point_to` makes them the latest.

    Raises:
        WriteError: the disk is full, or may not be written to. Earlier checkpoints are untouched.
    """
    target = Path(prefix)
    temporary = target.parent / f"{_WRITING}{os.getpid()}-{target.name}"
    checkpoint = tf.train.Checkpoint(model=_tree(values))
    assert checkpoint.save_counter is not None  # made on first use; the zoo's checkpoints have it
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        checkpoint.write(os.fspath(temporary))
        # The index comes last: without it, the rest is not taken for a checkpoint.
        for extension in (".data-00000-of-00001", ".index"):
            os.replace(f"{temporary}{extension}", f"{target}{extension}")
    except (tf.errors.OpError, OSError) as error:
        raise _not_written(target, error) from error
    finally:
        remove_unfinished(target.parent, temporary.name)


def remove_unfinished(folder: Path, prefix: str = _WRITING) -> None:
    """Remove what `write_checkpoint` left in `folder` when it was killed."""
    for leftover in folder.glob(f"{glob.escape(prefix)}*"):
        if leftover.is_dir():  # TensorFlow collects the parts of a checkpoint in a folder
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def _not_written(target: Path, error: Exception) -> WriteError:
    if isinstance(error, OSError):
        return write_error(target, error)
    if isinstance(error, tf.errors.ResourceExhaustedError):
        return write_error(target, OSError(errno.ENOSPC, "no space"))
    return write_error(target, OSError(None, str(error).splitlines()[0]))


def point_to(prefix: str | os.PathLike[str]) -> None:
    """Make `prefix` the latest checkpoint of its folder."""
    name = Path(prefix).name
    write_text(
        Path(prefix).parent / "checkpoint",
        f'model_checkpoint_path: "{name}"\nall_model_checkpoint_paths: "{name}"\n',
    )


def _tree(values: Mapping[str, np.ndarray]) -> tf.Module:
    """Nested objects whose attribute names are the parts of the keys, variables as leaves."""
    root = tf.Module()
    for key, value in values.items():
        if not key.startswith(ROOT):
            continue  # counters, of which the new checkpoint has its own
        *path, leaf = key.removeprefix(ROOT).removesuffix(SUFFIX).split("/")
        node: Any = root
        for part in path:
            if not hasattr(node, part):
                setattr(node, part, tf.Module())
            node = getattr(node, part)
        setattr(node, leaf, tf.Variable(value, trainable=False))
    return root
