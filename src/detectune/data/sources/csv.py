"""CSV as the tutorials' xml_to_csv.py writes it: one line per box.

    filename,width,height,class,xmin,ymin,xmax,ymax        pixels; width and height may be absent

Other spellings are in `csv_table`. A line with a file name and nothing else is an image without
objects. Images are looked for beside the CSV, in `images/`, in `../images/`, and in a folder called
as the CSV (`train_labels.csv` → `train/`) inside these; if none is there, in all folders below.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from detectune.config.label_map import LabelMap
from detectune.data.defects import ASSUMED, Defect, Problems
from detectune.data.sources.collecting import Collector, Object
from detectune.data.sources.coordinates import Layout
from detectune.data.sources.csv_table import HEADER, Line, Table, read_table
from detectune.data.sources.folder import FolderSource
from detectune.data.sources.formats import SourceFormat, formats
from detectune.data.sources.image_search import ImageSearch
from detectune.data.sources.tree import Tree, only_file
from detectune.data.sources.values import ValueProblem, flag, number, side
from detectune.errors import DataError, three_part

__all__ = ["HEADER", "open_csv"]

# Beside a CSV in the form of RetinaNet stand its classes in another.
_CLASS_LISTS = ("classes", "_classes", "class_mapping", "class_map", "labelmap")


def open_csv(
    spec: str, label_map: LabelMap | None, columns: frozenset[str] = frozenset()
) -> FolderSource:
    """The data set of the CSV file at the path `spec`, or of the only one in the folder there."""
    path = Path(spec)
    file = _only_csv(path) if path.is_dir() else path
    table, problems = read_table(file), Problems()
    groups = _by_image(file, table, problems)
    collector = Collector(f"csv:{file}", _search(file, groups), _layout(table.box))
    collector.problems.errors += [*table.errors, *problems.errors]
    if table.assumed:
        text = f"there is no header; read as {table.assumed}"
        collector.defects.append(Defect(ASSUMED, file.name, text))
    for name, lines in groups.items():
        place = f"{file}:{lines[0].number} ({name})"
        image = collector.find(name, place)
        if image is not None:
            _add(collector, file, image, place, lines, table.box)
    return collector.source(label_map, "image without a line in the CSV")


def _only_csv(folder: Path) -> Path:
    files = [file for file in sorted(folder.iterdir()) if file.suffix.lower() == ".csv"]
    found = [file for file in files if file.stem.lower() not in _CLASS_LISTS]
    return only_file(found, folder, called=".csv files", example="csv:labels.csv")


def _by_image(file: Path, table: Table, problems: Problems) -> dict[str, list[Line]]:
    """File name → its lines, in the order of the file."""
    groups: dict[str, list[Line]] = {}
    for line in table.lines:
        name = line.texts["filename"]
        if name:
            groups.setdefault(name, []).append(line)
        else:
            problems.errors.append(_wrong(file, line, "filename", "", "the name of an image"))
    return groups


def _search(file: Path, names: dict[str, list[Line]]) -> ImageSearch:
    search = ImageSearch(_image_folders(file))
    if any(search.find(name) for name in names):
        return search
    return ImageSearch([*search.folders, *Tree(file.parent).image_folders()])


def _image_folders(file: Path) -> list[Path]:
    stem = file.stem.removesuffix("_labels").removesuffix("_annotations")
    roots = (file.parent, file.parent.parent)
    names = ("", "images", "Images", "JPEGImages", stem, f"images/{stem}")
    candidates = [root / name for root in roots for name in names]
    return [folder for folder in dict.fromkeys(candidates) if folder.is_dir()]


def _add(
    collector: Collector,
    file: Path,
    image: Path,
    place: str,
    lines: list[Line],
    columns: Sequence[str],
) -> None:
    """All lines of one image."""
    problems = Problems()
    objects: list[Object] = []
    sizes: set[tuple[int, int]] = set()
    for line in lines:
        texts = line.texts
        with problems.kept():
            sizes.add((_size(file, line, "height"), _size(file, line, "width")))
            if not texts["class"] and not any(texts[column] for column in columns):
                continue  # an image without objects
            if not texts["class"]:
                raise _wrong(file, line, "class", "", "the name of a class")
            box, difficult = _box(file, line, columns), _difficult(file, line)
            objects.append(Object(texts["class"], box, difficult=difficult))
    if len(sizes) > 1:
        shown = " and ".join(f"{width} x {height}" for height, width in sorted(sizes)[:3])
        problems.errors.append(_sizes(file, lines[0], shown))
    height, width = min(sizes, default=(0, 0))
    collector.add(image, place, objects, height=height, width=width, errors=problems)


def _box(file: Path, line: Line, columns: Sequence[str]) -> list[float]:
    """yxyx in pixels."""
    texts, names = line.texts, columns
    if columns == ("bbox",):
        parts = texts["bbox"].strip("[]() ").replace(",", " ").split()
        if len(parts) != 4:
            allowed = "four numbers: x, y, width, height"
            raise _wrong(file, line, "bbox", texts["bbox"], allowed)
        names = ("x", "y", "w", "h")
        texts = dict[str, str](zip(names, parts, strict=True))
    a, b, c, d = (_number(file, line, texts, column) for column in names)
    if names[0] == "xmin":
        return [b, a, d, c]
    if names[0] == "cx":
        return [b - d / 2, a - c / 2, b + d / 2, a + c / 2]
    return [b, a, b + d, a + c]


def _layout(columns: Sequence[str]) -> Layout:
    if columns[0] == "xmin":
        return "two corners"
    return "centre and size" if columns[0] == "cx" else "corner and size"


def _number(file: Path, line: Line, texts: dict[str, str], column: str) -> float:
    try:
        return number(texts[column])
    except ValueProblem:
        raise _wrong(file, line, column, texts[column], "a number, in pixels") from None


def _size(file: Path, line: Line, column: str) -> int:
    try:
        return side(line.texts.get(column, ""))
    except ValueProblem:
        text = line.texts[column]
        raise _wrong(file, line, column, text, "a whole number of pixels, 0 or more") from None


def _difficult(file: Path, line: Line) -> bool:
    try:
        return flag(line.texts.get("difficult", ""))
    except ValueProblem:
        raise _wrong(file, line, "difficult", line.texts["difficult"], "0 or 1") from None


def _wrong(file: Path, line: Line, column: str, text: str, allowed: str) -> DataError:
    return DataError(
        three_part(
            f'{file}:{line.number}: {column} is "{text[:80]}".',
            f"{column} must be {allowed}.",
            "Correct the line.",
        )
    )


def _sizes(file: Path, line: Line, shown: str) -> DataError:
    return DataError(
        three_part(
            f"{file}:{line.number}: the lines of {line.texts['filename']} say that it is {shown} "
            "pixels.",
            "All lines of an image have the same width and height.",
            "Correct the lines, or remove the columns: the image is asked then.",
        )
    )


def _is_csv(path: Path) -> bool:
    if path.is_file():
        return path.suffix.lower() in (".csv", ".tsv")
    return any(file.suffix.lower() == ".csv" for file in path.iterdir())


formats.register("csv")(SourceFormat(open_csv, _is_csv, priority=50))
