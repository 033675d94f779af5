"""A CSV file as a table whose columns are known by what they hold.

Separated by comma, semicolon, tab or |, with a header or without one, in UTF-8 or UTF-16.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from detectune.data.sources.text_files import read_text
from detectune.data.sources.values import ValueProblem, number
from detectune.errors import DataError, three_part

HEADER = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")
# What a column holds → the names it goes by, in small letters.
_NAMES = {
    "filename": (
        "filename",
        "file_name",
        "image",
        "path",
        "image_path",
        "file",
        "image_id",
        "img",
        "image_name",
    ),
    "class": ("class", "label", "class_name", "name", "category", "cell_type", "label_name"),
    "xmin": ("xmin", "x_min", "x1", "bbox_x1", "left"),
    "ymin": ("ymin", "y_min", "y1", "bbox_y1", "top"),
    "xmax": ("xmax", "x_max", "x2", "bbox_x2", "right"),
    "ymax": ("ymax", "y_max", "y2", "bbox_y2", "bottom"),
    "x": ("x", "bbox_x", "xmin", "x_min", "left", "x1"),
    "y": ("y", "bbox_y", "ymin", "y_min", "top", "y1"),
    "cx": ("x_center", "xcenter", "center_x", "cx", "xc"),
    "cy": ("y_center", "ycenter", "center_y", "cy", "yc"),
    "w": ("w", "bbox_width", "box_width", "bbox_w", "bw"),
    "h": ("h", "bbox_height", "box_height", "bbox_h", "bh"),
    "bbox": ("bbox", "box"),
    "width": ("width", "image_width", "img_width"),
    "height": ("height", "image_height", "img_height"),
    "difficult": ("difficult",),
}
CORNERS = ("xmin", "ymin", "xmax", "ymax")
# The ways to write a box, in the order in which they are looked for.
_BOXES = (CORNERS, ("x", "y", "w", "h"), ("cx", "cy", "w", "h"), ("bbox",))
# Number of columns → which hold numbers, and what the columns are, for files without a header.
_HEADERLESS = {
    8: (((1, 2, 4, 5, 6, 7), HEADER),),
    6: (
        ((1, 2, 3, 4), ("filename", *CORNERS, "class")),
        ((2, 3, 4, 5), ("filename", "class", *CORNERS)),
    ),
}
_SEPARATORS = ",;\t|"


class Line(NamedTuple):
    """One line: where it stands, and its texts by what they hold."""

    number: int
    texts: dict[str, str]


class Table(NamedTuple):
    """The lines of a file, and how they are to be understood."""

    lines: list[Line]
    box: tuple[str, ...]
    """The columns that make a box: corners; x, y, w, h; cx, cy, w, h; or bbox (x, y, w, h)."""
    assumed: str
    """The order of columns that was assumed, as there is no header; else ""."""
    errors: list[DataError]
    """Lines with more cells than there are columns."""


def read_table(file: Path) -> Table:
    """The table of the CSV file `file`.

    Raises:
        DataError: it is no text, has no line, or lacks a column.
    """
    text = read_text(file)
    marked = re.match(r"sep=(.)\r?\n", text)  # as Excel writes it
    if marked:
        text = text[marked.end() :]
    separator = marked[1] if marked else _separator(text)
    if "\0" in text:
        raise _no_csv(file, "it has a character of code 0")
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise _no_csv(file, str(error)) from error
    if not rows:
        raise _empty(file, "it is empty")
    first = [cell.strip() for cell in rows[0][1]]
    headless = _without_header(first)
    columns = dict(enumerate(headless)) if headless else _columns(file, first)
    box = next(names for names in _BOXES if set(names) <= set(columns.values()))
    body = rows if headless else rows[1:]
    if not body:
        raise _empty(file, "there is no line below the header")
    width = len(first)
    errors = [_long(file, n, len(row), width) for n, row in body if any(row[width:])]
    comma = separator == ";"
    lines = [Line(n, _texts(row, columns, comma)) for n, row in body if not any(row[width:])]
    return Table(lines, box, ",".join(headless or ()), errors)


def _separator(text: str) -> str:
    first = text.split("\n", 1)[0]
    return max(_SEPARATORS, key=first.count)


def _texts(row: Sequence[str], columns: dict[int, str], comma: bool) -> dict[str, str]:
    found: dict[str, str] = {}
    for place, name in columns.items():
        text = row[place].strip() if place < len(row) else ""
        # Where ; separates cells, a comma separates decimals.
        is_number = comma and name not in ("filename", "class", "bbox")
        found[name] = text.replace(",", ".") if is_number else text
    return found


def _without_header(first: list[str]) -> tuple[str, ...] | None:
    """What the columns of a file without a header are; None if the line `first` is a header."""
    for numeric, names in _HEADERLESS.get(len(first), ()):
        numbers = [_is_number(cell) for cell in first]
        coordinates = [numbers[place] for place in numeric]
        if all(coordinates) and not numbers[names.index("class")]:
            return names
    return None


def _is_number(text: str) -> bool:
    try:
        number(text)
    except ValueProblem:
        return False
    return True


def _columns(file: Path, found: Sequence[str]) -> dict[int, str]:
    """Place of a column → what it holds."""
    places = {name.lower(): place for place, name in reversed(list(enumerate(found)))}
    known = {
        column: next((places[name] for name in names if name in places), None)
        for column, names in _NAMES.items()
    }
    chosen = {column: place for column, place in known.items() if place is not None}
    corners = set(CORNERS) <= set(chosen)
    if not corners and {"xmax", "ymax"} & set(chosen):
        chosen.pop("x", None)  # a corner is missing: no box of another kind
    if not corners and {"x", "y", "width", "height"} <= set(chosen):
        # Without a right and a lower side, width and height are those of the box.
        for side, name in (("w", "width"), ("h", "height")):
            if side not in chosen:
                own = [n for n in _NAMES[name][1:] if n in places]
                chosen[side] = places.get(name, chosen[name])
                chosen.pop(name)
                if own:
                    chosen[name] = places[own[0]]
    box = next((names for names in _BOXES if set(names) <= set(chosen)), None)
    lacking = [column for column in ("filename", "class") if column not in chosen]
    if box is None:
        lacking += [column for column in CORNERS if column not in chosen]
    if lacking or box is None:
        raise DataError(
            three_part(
                f"{file}:1: there is no column {', '.join(lacking)}; found: {', '.join(found)}.",
                f"The columns are {','.join(HEADER)} (width and height may be absent); a box may "
                "also be x,y,w,h.",
                "Rename or add the column in the first line of the file.",
            )
        )
    wanted = {"filename", "class", "width", "height", "difficult", *box}
    return {place: column for column, place in chosen.items() if column in wanted}


def _long(file: Path, line: int, cells: int, columns: int) -> DataError:
    return DataError(
        three_part(
            f"{file}:{line}: the line has {cells} cells, the first line {columns}.",
            "A text with the separator in it stands in quotes.",
            "Correct the line.",
        )
    )


def _no_csv(file: Path, reason: str) -> DataError:
    return DataError(
        three_part(
            f"{file}: cannot be read as CSV: {reason}.",
            f"It must be UTF-8 text with the columns {','.join(HEADER)}.",
            "Save it again as CSV (UTF-8).",
        )
    )


def _empty(file: Path, reason: str) -> DataError:
    return DataError(
        three_part(
            f"{file}: {reason}.",
            "A CSV data set has one line per box.",
            "Check that this is the right file.",
        )
    )
