"""What a run writes down: metrics.jsonl and TensorBoard files."""

from __future__ import annotations

import errno
import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tensorboard.compat import tf as _compatible
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from detectune.errors import DataError, WriteError, three_part
from detectune.files import copy_file, read_regular, write_error, write_text
from detectune.wording import one_line

_tensorflow: Any = _compatible
# protobuf makes these classes at run time, so a type checker cannot know them.
_Event: Any = vars(event_pb2)["Event"]
_SessionLog: Any = vars(event_pb2)["SessionLog"]
_Summary: Any = vars(summary_pb2)["Summary"]

_MOST_BYTES, _MOST_STEPS = 1 << 30, 1 << 53
_NO_JSON = "this line is no JSON"

_log = logging.getLogger("detectune")


class RunLog:
    """Appends to `metrics.jsonl` and to TensorBoard files, under the original's names.

    Args:
        folder: the run directory.
        start_step: lines of later steps, written before an interruption, are removed.
    """

    def __init__(self, folder: Path, start_step: int = 0) -> None:
        self.path = folder / "metrics.jsonl"
        self._trained = [row for row in _cut(self.path, start_step) if row["kind"] == "train"]
        with _writing(self.path):
            self._file = self.path.open("a", encoding="utf-8")
        # The original kept training and evaluation apart in folders of these names.
        self._writers: dict[str, EventFileWriter] = {}
        try:
            for kind in ("train", "eval"):
                self._writers[kind] = _open_events(folder / kind, start_step)
        except WriteError:
            self.close()
            raise

    def add(self, kind: str, step: int, values: Mapping[str, float], **more: Any) -> None:
        """One line, and one TensorBoard point per value.

        Args:
            kind: "train" or "eval".
            more: written to the line only.

        Raises:
            WriteError: the disk is full.
        """
        row = {"kind": kind, "step": step, "time": round(time.time(), 3), **values, **more}
        if kind == "train":
            self._trained.append(row)
        summary = _Summary(
            value=[_Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
        )
        with _writing(self.path):
            self._file.write(json.dumps(row) + "\n")
            self._file.flush()
            self._writers[kind].add_event(_Event(wall_time=time.time(), step=step, summary=summary))

    def trained(self, name: str) -> list[float]:
        """The number `name` of every line about training so far, from before a pause, too."""
        return [row[name] for row in self._trained if isinstance(row.get(name), float)]

    def flush(self) -> None:
        """See to it that a kill loses nothing of what was added."""
        with _writing(self.path):
            for writer in self._writers.values():
                writer.flush()

    def close(self) -> None:
        """Write out what is still held back."""
        with _writing(self.path), ExitStack() as closing:  # one that fails keeps none open
            for file in (self._file, *self._writers.values()):
                closing.callback(file.close)


def _open_events(folder: Path, start_step: int) -> EventFileWriter:
    """A TensorBoard file; TensorBoard then drops what earlier ones say about later steps."""
    with _writing(folder):
        if os.path.lexists(folder) and not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "a file stands there")
        writer = EventFileWriter(str(folder), filename_suffix=f".from{start_step}")
    restart = _SessionLog(status=_SessionLog.START)
    writer.add_event(_Event(wall_time=time.time(), step=start_step + 1, session_log=restart))
    return writer


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """What cannot be written becomes a `WriteError` about `path`."""
    try:
        yield
    except OSError as error:
        raise write_error(path, error) from error
    except _tensorflow.errors.OpError as error:  # TensorBoard writes with TensorFlow's files
        reason = one_line(" ".join(str(error).split()))[:200]
        raise write_error(path, OSError(None, reason)) from error


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The rows of a metrics.jsonl; a last line that was cut off is left out.

    Raises:
        DataError: another line is no row, or the file cannot be read.
    """
    found = scan_metrics(path)
    if found.damages:
        raise DataError(
            three_part(
                f"{path}:{found.damages[0]}.",
                'Each line is one JSON object with "kind" and "step".',
                "Remove the line, or the file: it is only a record.",
            )
        )
    return found.rows


class Scanned(NamedTuple):
    """What a metrics.jsonl holds."""

    rows: list[dict[str, Any]]
    damages: list[str]
    """`7: this line is no JSON`, for each line that is no row."""


def scan_metrics(path: Path) -> Scanned:
    """The rows of a metrics.jsonl and what is damaged in it; a last line cut off is no damage.

    Raises:
        DataError: the file cannot be read.
    """
    if not os.path.lexists(path):
        return Scanned([], [])
    try:
        lines = read_regular(path, _MOST_BYTES).splitlines()
    except OSError as error:
        raise DataError(
            three_part(
                f"{path}: it cannot be read: {error.strerror or error}.",
                "Here a training writes its numbers, a line for each.",
                "Remove what stands there: it is only a record.",
            )
        ) from error
    rows, damages = [], []
    for number, line in enumerate(lines, 1):
        reason = _read_row(line, rows)
        if reason and (number < len(lines) or reason != _NO_JSON):
            damages.append(f"{number}: {reason}")
    return Scanned(rows, damages)


def _read_row(line: bytes, rows: list[dict[str, Any]]) -> str:
    """Append what `line` says to `rows`; why it says nothing, or an empty text."""
    try:
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return "this line is not UTF-8"
    except (ValueError, RecursionError):
        return _NO_JSON
    if not isinstance(row, dict) or not isinstance(row.get("kind"), str):
        return "this line is no row of numbers"
    step = row.get("step")
    if type(step) is not int or not 0 <= step < _MOST_STEPS:
        return "this line has no step"
    rows.append(row)
    return ""


def _cut(path: Path, step: int) -> list[dict[str, Any]]:
    """Remove the rows of later steps, and what is no row; then the file is kept as it was, too.

    The rows that stay are returned.
    """
    found = scan_metrics(path)
    if found.damages:
        earlier = path.with_name(f"{path.name}.earlier")
        copy_file(path, earlier)
        _log.warning(
            "%s:%s; %d such lines are left out, and the file as it was is kept as %s.",
            path, found.damages[0], len(found.damages), earlier.name,
        )  # fmt: skip
    kept = [row for row in found.rows if row["step"] <= step and step > 0]
    if path.exists():
        write_text(path, "".join(json.dumps(row) + "\n" for row in kept))
    return kept
