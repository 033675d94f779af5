"""Writing the rows of a benchmark."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def add_rows(path: Path | None, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print `rows`, and add them to the CSV at `path` if there is one to be written."""
    for row in rows:
        print(dict(row))
    if path is None:
        return
    known = path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        if not known:
            writer.writeheader()
        writer.writerows(rows)
