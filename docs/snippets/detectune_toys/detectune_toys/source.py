"""JSON lines: an image and its objects on each line.

{"file": "a.png", "objects": [{"class": "red", "box": [ymin, xmin, ymax, xmax], "certainty": 0.5}]}

Boxes are in pixels, files beside the list, and `certainty` is 1 where it is left out.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from detectune.config.label_map import LabelMap
from detectune.data.sources.folder import Annotated, FolderSource
from detectune.data.sources.formats import SourceFormat, formats
from detectune.errors import DataError, three_part


def open_jsonl(spec: str, label_map: LabelMap | None, columns: frozenset[str]) -> FolderSource:
    """The data set of the list at the path `spec`."""
    file = Path(spec)
    lines = file.read_text("utf-8").splitlines()
    rows = [_annotated(file, number, line) for number, line in enumerate(lines, 1)]
    return FolderSource(f"jsonl:{file}", rows, label_map)


def _annotated(file: Path, number: int, line: str) -> Annotated:
    try:
        row = json.loads(line)
        path, objects = file.parent / row["file"], row["objects"]
        return Annotated(
            path=path,
            place=f"{file}:{number}",
            height=0,  # read from the image
            width=0,
            names=tuple(one["class"] for one in objects),
            boxes=np.array([one["box"] for one in objects], float),
            columns={"certainty": np.array([one.get("certainty", 1) for one in objects], "f4")},
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            three_part(
                f"{file}:{number}: {type(error).__name__}: {error}.",
                'A line is {"file": …, "objects": [{"class": …, "box": [four numbers]}]}.',
                "Correct the line.",
            )
        ) from error


formats.register("jsonl")(
    SourceFormat(open_jsonl, recognises=lambda path: path.suffix == ".jsonl", priority=50)
)
