"""Pascal VOC: one .xml per image, as labelImg writes it.

Understood layouts (PATH is what follows `voc:`):

    PATH/Annotations/*.xml + PATH/JPEGImages/*   VOC; PATH may also be ImageSets/Main/train.txt
    PATH/annots/*.xml + PATH/pictures/*          two folders side by side, whatever their names
    PATH/*.xml + PATH/*.jpg                      images and annotations mixed, also in sub-folders

An image beside its annotation is taken before one of the same name elsewhere. Masks are
SegmentationObject/*.png beside Annotations: a pixel holds the number of the object, as the .xml
counts them from 1.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path, PureWindowsPath
from typing import TypeVar

from detectune.config.label_map import LabelMap
from detectune.data.defects import Problems
from detectune.data.masks import IndexMask
from detectune.data.sources.collecting import (
    Collector,
    Object,
    annotation_error,
    bounds,
)
from detectune.data.sources.folder import FolderSource
from detectune.data.sources.formats import SourceFormat, formats
from detectune.data.sources.image_search import Found, ImageSearch
from detectune.data.sources.text_files import read_bytes, read_text
from detectune.data.sources.tree import Tree
from detectune.data.sources.values import ValueProblem, flag, number, side
from detectune.errors import DataError, three_part

_XML_FOLDERS = ("Annotations", "annotations", "xml", "labels")
_IMAGE_FOLDERS = ("JPEGImages", "images", "Images", "imgs")
Value = TypeVar("Value")
_NEXT = "`detectune data inspect FOLDER` lists what is in a data set."


def open_voc(
    spec: str, label_map: LabelMap | None, columns: frozenset[str] = frozenset()
) -> FolderSource:
    """The data set of .xml files at the path `spec`: a folder, or a list file of ImageSets/Main.

    Args:
        columns: "masks" looks for the pictures of SegmentationObject, too.
    """
    path = Path(spec)
    xmls, folders = _find_annotations(path)
    collector = Collector(f"voc:{path}", ImageSearch(folders))
    for xml in xmls:
        with collector.problems.kept():
            root = _parsed(xml)
            image = collector.take(xml.name, str(xml), _image_of(xml, root, collector.search))
            if image is not None:
                _add(collector, xml, root, image, "masks" in columns)
    return collector.source(label_map, "image without annotation" if path.is_dir() else "")


def _find_annotations(path: Path) -> tuple[list[Path], list[Path]]:
    """The .xml files of the data set, sorted, and the folders in which its images may lie."""
    if path.is_file():
        return _listed_annotations(path)
    xml_folder = next((path / n for n in _XML_FOLDERS if _xmls_in(path / n)), path)
    xmls = _xmls_in(xml_folder)
    below = Tree(path)
    if not xmls:
        xmls = below.files(".xml")
    if not xmls:
        raise DataError(
            three_part(
                f"{path}: there is no .xml annotation here.",
                "A VOC data set has .xml files in the folder or in folders below it.",
                _NEXT,
            )
        )
    return xmls, [*_usual_folders(path, xml_folder), *below.image_folders()]


def _listed_annotations(path: Path) -> tuple[list[Path], list[Path]]:
    root = next((p for p in path.parents if (p / "Annotations").is_dir()), path.parent)
    xml_folder = next((root / n for n in _XML_FOLDERS if _xmls_in(root / n)), root)
    # A line is "name" or, in the per-class lists of the devkit, "name 1" / "name -1".
    wanted = [line.split()[0] for line in read_text(path).splitlines() if line.strip()]
    there = {xml.stem: xml for xml in _xmls_in(xml_folder)}
    missing = [name for name in wanted if name not in there]
    if missing or not wanted:
        found = f"{len(missing)} of {len(wanted)} listed annotations do not exist in {xml_folder}"
        raise DataError(
            three_part(
                f"{path}: {found}{f' (first: {missing[0]}.xml)' if missing else ''}.",
                "Every line names an .xml file without its suffix.",
                "Correct the list or add the files.",
            )
        )
    return [there[name] for name in dict.fromkeys(wanted)], _usual_folders(root, xml_folder)


def _usual_folders(root: Path, xml_folder: Path) -> list[Path]:
    parents = (root, xml_folder, root.parent)
    folders = [p / n for p in parents for n in _IMAGE_FOLDERS if (p / n).is_dir()]
    return [*folders, xml_folder, root]


def _xmls_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.suffix.lower() == ".xml")


def parse_xml(xml: Path, says: str) -> ElementTree.Element:
    """The root element of the file `xml`.

    Args:
        says: what such a file holds, for the error.

    Raises:
        DataError: it cannot be read, or is no XML.
    """
    data = read_bytes(xml)
    try:
        return ElementTree.fromstring(data)
    # LookupError and ValueError: an encoding that does not exist, or that expat cannot read.
    except (ElementTree.ParseError, LookupError, ValueError, RecursionError) as error:
        raise DataError(
            three_part(
                f"{xml}: not readable as XML: {error}.",
                says,
                "Save the annotation again in the labelling tool, or remove the file.",
            )
        ) from error


def _parsed(xml: Path) -> ElementTree.Element:
    root = parse_xml(xml, "A VOC annotation is an <annotation> with <object> elements.")
    if root.tag != "annotation":
        raise annotation_error(
            xml, f"its outermost element is <{root.tag[:60]}>", "It must be <annotation>."
        )
    return root


def _add(
    collector: Collector, xml: Path, root: ElementTree.Element, image: Path, with_masks: bool
) -> None:
    """What one .xml says."""
    problems = Problems()
    height = width = 0
    with problems.kept():
        height, width = (_value(xml, root, f"size/{name}", side) for name in ("height", "width"))
    objects: list[Object] = []
    for item in root.findall("object"):
        with problems.kept():
            name, (box, shape) = _name(xml, item), _box(xml, item)
            difficult = _value(xml, item, "difficult", flag)
            objects.append(Object(name, box, shape, difficult))
    picture = xml.parent.parent / "SegmentationObject" / f"{xml.stem}.png"
    # VOC has masks of a part of its images only.
    masked = with_masks and not problems.errors and picture.is_file()
    if masked:
        objects = [o._replace(mask=IndexMask(picture, n)) for n, o in enumerate(objects, 1)]
    collector.add(
        image,
        str(xml),
        objects,
        height=height,
        width=width,
        errors=problems,
        with_masks=masked,
    )


def _image_of(xml: Path, root: ElementTree.Element, search: ImageSearch) -> Found | None:
    """The image: called as the .xml is, or else as <filename> says."""
    # labelImg keeps the old <filename> when files are renamed, so the .xml's own name goes first.
    named, beside = root.findtext("filename") or "", xml.parent
    stem = PureWindowsPath(named).stem
    same = search.find(named, beside) if stem == xml.stem else None  # a.jpg and a.png: its suffix
    found = same or search.stem(xml.stem, beside) or search.find(named, beside)
    return found or search.stem(stem, beside)


def _name(xml: Path, item: ElementTree.Element) -> str:
    name = (item.findtext("name") or "").strip()
    if not name:
        raise annotation_error(xml, "an <object> has no <name>", "Every object names its class.")
    return name


def _box(xml: Path, item: ElementTree.Element) -> tuple[list[float], str]:
    """yxyx in pixels, and what shape it is the bounding box of; "" for a plain box."""
    if item.find("bndbox") is not None:
        corners = ("ymin", "xmin", "ymax", "xmax")
        return [_number(xml, item, f"bndbox/{corner}") for corner in corners], ""
    if item.find("robndbox") is not None:
        return _rotated(xml, item), "a rotated box"
    polygon = item.find("polygon")
    if polygon is not None and len(polygon):
        return _polygon(xml, polygon), "a polygon"
    raise annotation_error(xml, "an <object> has no <bndbox>", "Every object has a box in pixels.")


def _rotated(xml: Path, item: ElementTree.Element) -> list[float]:
    """The bounding box of roLabelImg's <robndbox>: centre, sides, angle in radians."""
    x, y, width, height, angle = (
        _number(xml, item, f"robndbox/{name}") for name in ("cx", "cy", "w", "h", "angle")
    )
    if not math.isfinite(angle):
        raise annotation_error(xml, f"<robndbox/angle> is {angle}", "It is an angle in radians.")
    across = abs(width * math.cos(angle)) + abs(height * math.sin(angle))
    down = abs(width * math.sin(angle)) + abs(height * math.cos(angle))
    return [y - down / 2, x - across / 2, y + down / 2, x + across / 2]


def _polygon(xml: Path, polygon: ElementTree.Element) -> list[float]:
    """The bounding box of <x1>, <y1>, <x2>, … or of <pt><x/><y/></pt>, …"""
    points = polygon.findall("pt")
    try:
        xs, ys = (
            [number(point.findtext(axis) or "") for point in points]
            or [number(e.text or "") for e in polygon if e.tag[:1] == axis and e.tag[1:].isdigit()]
            for axis in "xy"
        )
    except ValueProblem as problem:
        raise annotation_error(
            xml, f"a corner of <polygon>: {problem}", "Corners are pixels."
        ) from None
    if not xs or not ys:
        raise annotation_error(
            xml, "a <polygon> has no corners", "A polygon has at least three corners."
        )
    return bounds(xs, ys)


def _number(xml: Path, item: ElementTree.Element, path: str) -> float:
    return _value(xml, item, path, lambda text: number(text or ""))


def _value(
    xml: Path, item: ElementTree.Element, path: str, read: Callable[[str | None], Value]
) -> Value:
    """The text of the element at `path`, as `read` understands it."""
    text = item.findtext(path)
    try:
        return read(None if text is None else text.strip())
    except ValueProblem as problem:
        what = "It must be yes or no." if path == "difficult" else "It must be a number, in pixels."
        raise annotation_error(xml, f"<{path}>: {problem}", what) from None


def _is_voc(path: Path) -> bool:
    """A folder with .xml files of VOC below it, or a list of VOC images."""
    if path.is_file():
        is_list = path.suffix.lower() == ".txt"
        return is_list and any((p / "Annotations").is_dir() for p in path.parents)
    usual = [
        xml for folder in (path, *(path / f for f in _XML_FOLDERS)) for xml in _xmls_in(folder)
    ]
    return any(is_annotation(xml) for xml in (usual or Tree(path).files(".xml"))[:20])


def is_annotation(xml: Path) -> bool:
    """Whether the file begins as a VOC annotation does, or cannot be told from one."""
    head = _head(xml)
    return b"<annotation>" in head or b"<annotation " in head or b"<object>" in head


def _head(path: Path) -> bytes:
    try:
        return read_bytes(path)[:4096].replace(b"\0", b"")
    except DataError:
        return b""


formats.register("voc")(SourceFormat(open_voc, _is_voc, priority=20))
