"""KITTI: one .txt per image with 15 columns, images in a folder beside.

    Car 0.00 0 1.85 387.63 181.54 423.81 203.12 1.67 1.87 3.69 -16.53 2.39 58.49 1.57
    type truncated occluded alpha left top right bottom …

Understood layouts: PATH/label_2 + PATH/image_2 (also below PATH/training), and PATH/labels +
PATH/images.
Regions called DontCare are counted and left out.

Source: https://www.cvlibs.net/datasets/kitti, readme of the object development kit
"""

from __future__ import annotations

from pathlib import Path

from detectune.config.label_map import LabelMap
from detectune.data.defects import Problems
from detectune.data.sources.collecting import Collector, Object
from detectune.data.sources.folder import FolderSource
from detectune.data.sources.formats import SourceFormat, formats
from detectune.data.sources.image_search import ImageSearch
from detectune.data.sources.text_files import read_text
from detectune.data.sources.tree import Tree
from detectune.data.sources.values import ValueProblem, number
from detectune.errors import DataError, three_part

_IGNORED = "DontCare"
_COLUMNS = (15, 16)  # detections have a score at the end


def open_kitti(
    spec: str, label_map: LabelMap | None, columns: frozenset[str] = frozenset()
) -> FolderSource:
    """The labels at, or below, the path `spec`."""
    path = Path(spec)
    tree = Tree(path)
    files = [file for file in tree.files(".txt") if _looks_like_kitti(file)]
    empty = [f for f in tree.files(".txt") if f not in files and f.stat().st_size == 0]
    folders = tree.image_folders() or Tree(path.parent).image_folders()
    collector = Collector(f"kitti:{path}", ImageSearch(folders))
    for file in sorted([*files, *empty]):
        with collector.problems.kept():
            found = collector.search.stem(file.stem, file.parent)
            image = collector.take(file.name, str(file), found)
            if image is not None:
                _add(collector, file, image)
    return collector.source(label_map, "image without annotation")


def _add(collector: Collector, file: Path, image: Path) -> None:
    problems = Problems()
    objects: list[Object] = []
    for place, text in enumerate(read_text(file).splitlines(), 1):
        if text.startswith(_IGNORED):
            collector.not_read(file.name, _IGNORED)
        elif text.strip():
            with problems.kept():
                objects.append(_object(file, place, text))
    collector.add(image, str(file), objects, errors=problems)


def _object(file: Path, place: int, text: str) -> Object:
    words = text.split()
    try:
        if len(words) not in _COLUMNS:
            raise ValueProblem(f"{len(words)} columns")
        left, top, right, bottom = (number(word) for word in words[4:8])
    except ValueProblem as problem:
        raise DataError(
            three_part(
                f"{file}:{place}: {problem}.",
                "A line has 15 columns; the fifth to eighth are left, top, right and bottom in "
                "pixels.",
                "Correct the line.",
            )
        ) from None
    return Object(words[0], [top, left, bottom, right])


def _looks_like_kitti(file: Path) -> bool:
    try:
        words = read_text(file).split("\n", 1)[0].split()
    except DataError:
        return False
    if len(words) not in _COLUMNS:
        return False
    numbers = 0
    for word in words[1:]:
        try:
            number(word)
            numbers += 1
        except ValueProblem:
            break
    return numbers == len(words) - 1 and not words[0][:1].isdigit()


def _is_kitti(path: Path) -> bool:
    return path.is_dir() and any(_looks_like_kitti(f) for f in Tree(path).files(".txt")[:10])


formats.register("kitti")(SourceFormat(open_kitti, _is_kitti, priority=35))
