"""Open Images: a .csv with one line per box, images called as their ImageID.

    ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,…

Coordinates are fractions of the image. Classes are codes such as /m/01yrx; the names that people
read come from class-descriptions*.csv beside the file or in the folder above.

Source: https://storage.googleapis.com/openimages/web/download_v7.html
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from detectune.config.label_map import LabelMap, LabelMapItem
from detectune.data.defects import Problems
from detectune.data.sources.collecting import Object, collector_at
from detectune.data.sources.folder import FolderSource
from detectune.data.sources.formats import SourceFormat, formats
from detectune.data.sources.text_files import read_text
from detectune.data.sources.tree import only_file
from detectune.data.sources.values import ValueProblem, flag, number
from detectune.errors import DataError, three_part

_COLUMNS = ("ImageID", "LabelName", "XMin", "XMax", "YMin", "YMax")


def open_open_images(
    spec: str, label_map: LabelMap | None, columns: frozenset[str] = frozenset()
) -> FolderSource:
    """The images of the .csv at the path `spec`, or of the only one in the folder there."""
    path = Path(spec)
    file = _file(path)
    lines = _lines(file)
    collector = collector_at("open_images", file)
    for identity, rows in lines.items():
        place = f"{file}:{rows[0][0]} ({identity})"
        found = collector.search.find(identity) or collector.search.stem(identity)
        image = collector.take(identity, place, found)
        if image is None:
            continue
        problems = Problems()
        objects: list[Object] = []
        for line, texts in rows:
            with problems.kept():
                objects.append(_object(file, line, texts))
        collector.add(image, place, objects, errors=problems, source_id=identity, in_fractions=True)
    named = label_map or _described(file, lines)
    return collector.source(named, "image without a line in the CSV")


def _file(path: Path) -> Path:
    if path.is_file():
        return path
    found = [file for file in sorted(path.iterdir()) if _has_boxes(file)]
    called = "files with boxes of Open Images"
    return only_file(found, path, called=called, example="open_images:train.csv")


def _lines(file: Path) -> dict[str, list[tuple[int, dict[str, str]]]]:
    """ImageID → (line, column → text), in the order of the file."""
    lines: dict[str, list[tuple[int, dict[str, str]]]] = {}
    try:
        reader = csv.DictReader(io.StringIO(read_text(file), newline=""))
        for row in reader:
            texts = {key: (row.get(key) or "").strip() for key in (*_COLUMNS, "IsGroupOf")}
            lines.setdefault(texts["ImageID"], []).append((reader.line_num, texts))
    except csv.Error as error:
        text = three_part(
            f"{file}: cannot be read as CSV: {error}.",
            f"It has the columns {', '.join(_COLUMNS)}.",
            "Download the file again.",
        )
        raise DataError(text) from error
    return lines


def _object(file: Path, line: int, texts: dict[str, str]) -> Object:
    try:
        x0, x1, y0, y1 = (number(texts[key]) for key in _COLUMNS[2:])
        group = flag(texts["IsGroupOf"] if texts["IsGroupOf"] != "-1" else "")
    except ValueProblem as problem:
        text = f"{file}:{line}: {problem}."
        allowed = "Coordinates are fractions of the image, IsGroupOf 0, 1 or -1."
        raise DataError(three_part(text, allowed, "Correct the line.")) from None
    if not texts["LabelName"]:
        text = f"{file}:{line}: LabelName is empty."
        raise DataError(three_part(text, "Every box names its class.", "Correct the line."))
    return Object(texts["LabelName"], [y0, x0, y1, x1], group_of=group)


def _described(file: Path, lines: dict[str, list[tuple[int, dict[str, str]]]]) -> LabelMap | None:
    """The classes of the data with the names that people read, if there is a file of them."""
    folders = (file.parent, file.parent.parent)
    found = next((f for d in folders for f in sorted(d.glob("*class-descriptions*.csv"))), None)
    if found is None:
        return None
    rows = csv.reader(io.StringIO(read_text(found).replace("\0", ""), newline=""))
    names = {row[0].strip(): row[1].strip() for row in rows if len(row) >= 2}
    codes = sorted({texts["LabelName"] for rows in lines.values() for _, texts in rows} - {""})
    items = (LabelMapItem(n, code, names.get(code, "")) for n, code in enumerate(codes, 1))
    return LabelMap(tuple(items))


def _has_boxes(file: Path) -> bool:
    if file.suffix.lower() != ".csv" or not file.is_file():
        return False
    try:
        head = read_text(file).split("\n", 1)[0].strip().split(",")
    except DataError:
        return False
    return set(_COLUMNS) <= set(head)


def _is_open_images(path: Path) -> bool:
    if path.is_file():
        return _has_boxes(path)
    return any(_has_boxes(file) for file in sorted(path.iterdir()))


formats.register("open_images")(SourceFormat(open_open_images, _is_open_images, priority=45))
