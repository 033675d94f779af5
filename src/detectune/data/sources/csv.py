"""CSV as the tutorials' xml_to_csv.py writes it: one line per box.

    filename,width,height,class,xmin,ymin,xmax,ymax        pixels; width and height may be absent

A line with a file name and nothing else is an image without objects. Images are looked for beside
the CSV, in `images/`, in `../images/`, and in a folder called as the CSV (`train_labels.csv` →
`train/`) inside these; if none is there, in all folders below the CSV.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from detectune.config.label_map import LabelMap
from detectune.data.image_files import IMAGE_SUFFIXES, find_image
from detectune.data.sources.folder import Annotated, FolderSource, missing_images
from detectune.data.sources.formats import SourceFormat, formats
from detectune.errors import DataError, three_part

# Column → other names it goes by.
_COLUMNS = {
    "filename": ("file_name", "image", "path", "image_path", "file"),
    "class": ("label", "class_name", "name", "category", "cell_type"),
    "xmin": ("x_min", "x1"),
    "ymin": ("y_min", "y1"),
    "xmax": ("x_max", "x2"),
    "ymax": ("y_max", "y2"),
}
_OPTIONAL = {"width": (), "height": (), "difficult": ()}
HEADER = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")


def open_csv(
    spec: str, label_map: LabelMap | None, columns: frozenset[str] = frozenset()
) -> FolderSource:
    """The data set of the CSV file at the path `spec`, or of the only one in the folder there."""
    path = Path(spec)
    file = _only_csv(path) if path.is_dir() else path
    lines = _read_lines(file)
    folders = _image_folders(file)
    if not any(find_image(name, folders) for name in lines):
        folders += [place for place in sorted(file.parent.rglob("*")) if place.is_dir()]
    rows: list[Annotated] = []
    missing: list[str] = []
    for name, group in lines.items():
        image = find_image(name, folders)
        if image is None:
            missing.append(name)
        else:
            rows.append(_annotated(file, image, name, group))
    if not rows:
        raise missing_images(str(file), missing, folders)
    strays = [(name, "annotation without image; it is not used") for name in missing]
    return FolderSource(f"csv:{file}", rows, label_map, strays + _unlisted_images(rows))


def _only_csv(folder: Path) -> Path:
    found = sorted(folder.glob("*.csv"))
    if len(found) == 1:
        return found[0]
    names = ", ".join(file.name for file in found) or "none"
    raise DataError(
        three_part(
            f"{folder}: {len(found)} .csv files are here: {names}.",
            "A CSV data set is one file.",
            f"Name the file, for example csv:{found[0] if found else folder / 'labels.csv'}.",
        )
    )


def _read_lines(file: Path) -> dict[str, list[tuple[int, dict[str, str]]]]:
    """File name → (line number, column → text) of its lines, in the order of the file."""
    try:
        with open(file, newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            columns = _columns(file, reader.fieldnames or [])
            lines: dict[str, list[tuple[int, dict[str, str]]]] = {}
            for row in reader:
                texts = {new: (row[old] or "").strip() for new, old in columns.items()}
                lines.setdefault(texts["filename"], []).append((reader.line_num, texts))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            three_part(
                f"{file}: cannot be read as CSV: {error}.",
                f"It must be UTF-8 text with the columns {','.join(HEADER)}.",
                "Save it again as CSV (UTF-8).",
            )
        ) from error
    if not lines:
        raise DataError(
            three_part(
                f"{file}: there is no line below the header.",
                "A CSV data set has one line per box.",
                "Check that this is the right file.",
            )
        )
    return lines


def _columns(file: Path, found: Sequence[str]) -> dict[str, str]:
    """Our name of a column → its name in the file."""
    by_lower = {name.strip().lower(): name for name in found if name}
    chosen: dict[str, str] = {}
    for column, others in {**_COLUMNS, **_OPTIONAL}.items():
        match = next((n for n in (column, *others) if n in by_lower), None)
        if match is not None:
            chosen[column] = by_lower[match]
    lacking = [column for column in _COLUMNS if column not in chosen]
    if lacking:
        raise DataError(
            three_part(
                f"{file}:1: there is no column {', '.join(lacking)}; found: {', '.join(found)}.",
                f"The columns are {','.join(HEADER)} (width and height may be absent).",
                "Rename or add the column in the first line of the file.",
            )
        )
    return chosen


def _annotated(
    file: Path, image: Path, name: str, group: list[tuple[int, dict[str, str]]]
) -> Annotated:
    """All lines of one image."""
    corners = ("ymin", "xmin", "ymax", "xmax")
    boxes = [
        (texts["class"], [_number(file, line, texts, corner) for corner in corners], texts)
        for line, texts in group
        if texts["class"] or any(texts[corner] for corner in corners)
    ]
    nameless = [line for line, texts in group if texts["xmin"] and not texts["class"]]
    if nameless:
        raise _wrong(file, nameless[0], "class", "", "the name of a class")
    line, first = group[0]
    return Annotated(
        path=image,
        place=f"{file}:{line} ({name})",
        height=int(_number(file, line, first, "height", 0)),
        width=int(_number(file, line, first, "width", 0)),
        names=tuple(name for name, _, _ in boxes),
        boxes=np.array([box for _, box, _ in boxes], np.float64).reshape(-1, 4),
        difficult=tuple(texts.get("difficult", "") in ("1", "true", "True") for *_, texts in boxes),
    )


def _number(
    file: Path, line: int, texts: dict[str, str], column: str, default: float | None = None
) -> float:
    text = texts.get(column, "")
    if not text and default is not None:
        return default
    try:
        return float(text)
    except ValueError:
        raise _wrong(file, line, column, text, "a number, in pixels") from None


def _wrong(file: Path, line: int, column: str, text: str, allowed: str) -> DataError:
    return DataError(
        three_part(
            f'{file}:{line}: {column} is "{text}".',
            f"{column} must be {allowed}.",
            "Correct the line.",
        )
    )


def _image_folders(file: Path) -> list[Path]:
    stem = file.stem.removesuffix("_labels").removesuffix("_annotations")
    roots = (file.parent, file.parent.parent)
    names = ("", "images", "Images", "JPEGImages", stem, f"images/{stem}")
    candidates = [root / name for root in roots for name in names]
    return [folder for folder in dict.fromkeys(candidates) if folder.is_dir()]


def _unlisted_images(rows: list[Annotated]) -> list[tuple[str, str]]:
    used = {row.path for row in rows}
    return [
        (file.name, "image without a line in the CSV; it is not used")
        for folder in dict.fromkeys(row.path.parent for row in rows)
        for file in sorted(folder.iterdir())
        if file.suffix.lower() in IMAGE_SUFFIXES and file not in used
    ]


def _is_csv(path: Path) -> bool:
    return path.suffix.lower() == ".csv" if path.is_file() else any(path.glob("*.csv"))


formats.register("csv")(SourceFormat(open_csv, _is_csv, priority=50))
