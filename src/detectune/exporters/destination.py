"""Where an export goes: it appears under its name when it is complete, or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf

from detectune.errors import ConfigError, DetectuneError, three_part
from detectune.exporters.base import Exporter
from detectune.files import write_error


def free_target(path: Path, exporter: Exporter) -> Path:
    """`path`, if `exporter` may write there.

    Raises:
        ConfigError: something is there, or the name is not one of a file of the format.
    """
    what = "a new or empty folder" if exporter.produces == "folder" else "a new file"
    empty = exporter.produces == "folder" and path.is_dir() and not any(path.iterdir())
    if path.exists() and not empty:
        raise ConfigError(
            three_part(
                f"{path}: there is something here already.",
                f"An export is written to {what}; nothing is overwritten.",
                "Choose another path, or remove what is there.",
            )
        )
    if exporter.produces == "file" and path.suffix.lower() != exporter.suffix:
        raise ConfigError(
            three_part(
                f"{path}: {exporter.name} is written to one file.",
                f"Its name ends in {exporter.suffix}.",
                f"Write {path.with_name(path.name + exporter.suffix)}.",
            )
        )
    return path


@contextmanager
def new_target(target: Path) -> Generator[Path, None, None]:
    """A path beside `target`, of the same name; what stands there takes its place in the end.

    Raises:
        WriteError: the disk is full, may not be written to, or another export was faster.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as folder:
            work = Path(folder) / target.name
            yield work
            _put(work, target)
    except tf.errors.ResourceExhaustedError as error:
        raise write_error(target, OSError(errno.ENOSPC, "no space")) from error
    except OSError as error:
        if isinstance(error, DetectuneError):
            raise
        raise write_error(target, error) from error


def _put(work: Path, target: Path) -> None:
    """Rename `work` to `target`, where there is nothing or an empty folder."""
    if work.is_dir():
        if target.is_dir():
            target.rmdir()  # fails where another export was faster; so does the next line
        os.rename(work, target)
        return
    # Renamed at once, it would silently take the place of a file that has appeared there.
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL))
    except FileExistsError as error:
        raise OSError(errno.ENOTEMPTY, "another export was faster") from error
    os.replace(work, target)
