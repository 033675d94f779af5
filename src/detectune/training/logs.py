"""What a run writes down: metrics.jsonl and TensorBoard files."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from detectune.errors import DataError, three_part
from detectune.files import write_error, write_text

# protobuf makes these classes at run time, so a type checker cannot know them.
_Event: Any = vars(event_pb2)["Event"]
_SessionLog: Any = vars(event_pb2)["SessionLog"]
_Summary: Any = vars(summary_pb2)["Summary"]


class RunLog:
    """Appends to `metrics.jsonl` and to TensorBoard files, under the original's names.

    Args:
        folder: the run directory.
        start_step: lines of later steps, written before an interruption, are removed.
    """

    def __init__(self, folder: Path, start_step: int = 0) -> None:
        self.path = folder / "metrics.jsonl"
        _cut(self.path, start_step)
        try:
            self._file = self.path.open("a", encoding="utf-8")
        except OSError as error:
            raise write_error(self.path, error) from error
        # The original kept training and evaluation apart in folders of these names.
        self._writers = {
            kind: EventFileWriter(str(folder / kind), filename_suffix=f".from{start_step}")
            for kind in ("train", "eval")
        }
        # TensorBoard then drops what earlier files say about later steps.
        restart = _SessionLog(status=_SessionLog.START)
        for writer in self._writers.values():
            writer.add_event(
                _Event(wall_time=time.time(), step=start_step + 1, session_log=restart)
            )

    def add(self, kind: str, step: int, values: Mapping[str, float], **more: Any) -> None:
        """One line, and one TensorBoard point per value.

        Args:
            kind: "train" or "eval".
            more: written to the line only.

        Raises:
            WriteError: the disk is full.
        """
        row = {"kind": kind, "step": step, "time": round(time.time(), 3), **values, **more}
        summary = _Summary(
            value=[_Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
        )
        try:
            self._file.write(json.dumps(row) + "\n")
            self._file.flush()
            self._writers[kind].add_event(_Event(wall_time=time.time(), step=step, summary=summary))
        except OSError as error:
            raise write_error(self.path, error) from error

    def flush(self) -> None:
        """See to it that a kill loses nothing of what was added."""
        try:
            for writer in self._writers.values():
                writer.flush()
        except OSError as error:
            raise write_error(self.path, error) from error

    def close(self) -> None:
        """Write out what is still held back."""
        try:
            self._file.close()
            for writer in self._writers.values():
                writer.close()
        except OSError as error:
            raise write_error(self.path, error) from error


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The rows of a metrics.jsonl; a last line that was cut off is left out.

    Raises:
        DataError: another line is no JSON.
    """
    if not path.exists():
        return []
    lines = path.read_text("utf-8").splitlines()
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError as error:
            if number < len(lines):
                raise DataError(
                    three_part(
                        f"{path}:{number}: this line is no JSON.",
                        "Each line is one JSON object.",
                        "Remove the line, or the file: it is only a record.",
                    )
                ) from error
    return rows


def _cut(path: Path, step: int) -> None:
    rows = read_metrics(path)
    kept = [row for row in rows if row["step"] <= step and step > 0]
    if rows or path.exists():
        write_text(path, "".join(json.dumps(row) + "\n" for row in kept))
