"""Pascal VOC: one .xml per image, as labelImg writes it.

Understood layouts (PATH is what follows `voc:`):

    PATH/Annotations/*.xml + PATH/JPEGImages/*   VOC; PATH may also be ImageSets/Main/train.txt
    PATH/annotations/*.xml + PATH/images/*       two folders side by side
    PATH/*.xml + PATH/*.jpg                      images and annotations mixed

Masks are SegmentationObject/*.png beside Annotations: a pixel holds the number of the object, as
the .xml counts them from 1.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np

from detectune.config.label_map import LabelMap
from detectune.data.image_files import IMAGE_SUFFIXES, find_image
from detectune.data.masks import IndexMask
from detectune.data.sources.folder import Annotated, FolderSource, missing_images
from detectune.data.sources.formats import SourceFormat, formats
from detectune.errors import DataError, three_part

_XML_FOLDERS = ("Annotations", "annotations", "xml", "labels")
_IMAGE_FOLDERS = ("JPEGImages", "images", "Images", "imgs")
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
    rows: list[Annotated] = []
    strays: list[tuple[str, str]] = []
    by_stem = _images_by_stem(folders)
    for xml in xmls:
        row = _read_xml(xml, folders, by_stem)
        if row is None:
            strays.append((xml.name, "annotation without image; it is not used"))
        else:
            rows.append(_with_masks(row, xml) if "masks" in columns else row)
    if not rows:
        raise missing_images(str(path), [reason for reason, _ in strays], folders)
    if path.is_dir():
        strays += _images_without_xml(rows, xmls, folders)
    return FolderSource(f"voc:{path}", rows, label_map, strays)


def _find_annotations(path: Path) -> tuple[list[Path], list[Path]]:
    """The .xml files of the data set, sorted, and the folders in which its images may lie."""
    root = path
    wanted: list[str] | None = None
    if path.is_file():
        root = next((p for p in path.parents if (p / "Annotations").is_dir()), path.parent)
        # A line is "name" or, in the per-class lists of the devkit, "name 1" / "name -1".
        wanted = [line.split()[0] for line in path.read_text("utf-8").splitlines() if line.strip()]
    xml_folder = next((root / n for n in _XML_FOLDERS if _has_xml(root / n)), root)
    xmls = sorted(xml_folder.glob("*.xml"))
    if wanted is not None:
        xmls = _listed(path, xml_folder, wanted)
    if not xmls:
        raise DataError(
            three_part(
                f"{path}: there is no .xml annotation here.",
                "A VOC data set has .xml files in the folder or in its Annotations folder.",
                _NEXT,
            )
        )
    parents = (root, xml_folder, root.parent)
    folders = [p / n for p in parents for n in _IMAGE_FOLDERS if (p / n).is_dir()]
    return xmls, [*folders, xml_folder, root]


def _listed(path: Path, folder: Path, wanted: list[str]) -> list[Path]:
    xmls = [folder / f"{name}.xml" for name in wanted]
    missing = [xml.name for xml in xmls if not xml.is_file()]
    if missing:
        raise DataError(
            three_part(
                f"{path}: {len(missing)} of {len(xmls)} listed annotations do not exist in "
                f"{folder} (first: {missing[0]}).",
                "Every line names an .xml file without its suffix.",
                "Correct the list or add the files.",
            )
        )
    return xmls


def _has_xml(folder: Path) -> bool:
    return folder.is_dir() and any(folder.glob("*.xml"))


def _read_xml(xml: Path, folders: list[Path], by_stem: dict[str, Path]) -> Annotated | None:
    """What one .xml says, or None if its image is nowhere to be found."""
    try:
        root = ElementTree.parse(xml).getroot()
    except (ElementTree.ParseError, OSError, UnicodeDecodeError) as error:
        raise DataError(
            three_part(
                f"{xml}: not readable as XML: {error}.",
                "A VOC annotation is an <annotation> with <object> elements.",
                "Save the annotation again in the labelling tool, or remove the file.",
            )
        ) from error
    if root.tag != "annotation":
        raise _wrong(xml, f"its outermost element is <{root.tag}>", "It must be <annotation>.")
    image = _image_of(xml, root, folders, by_stem)
    if image is None:
        return None
    objects = root.findall("object")
    return Annotated(
        path=image,
        place=str(xml),
        height=int(_number(xml, root, "size/height", 0)),
        width=int(_number(xml, root, "size/width", 0)),
        names=tuple(_name(xml, item) for item in objects),
        boxes=np.array([_box(xml, item) for item in objects], np.float64).reshape(-1, 4),
        difficult=tuple(bool(_number(xml, item, "difficult", 0)) for item in objects),
    )


def _with_masks(row: Annotated, xml: Path) -> Annotated:
    picture = xml.parent.parent / "SegmentationObject" / f"{xml.stem}.png"
    if not picture.is_file():
        return row  # VOC has masks of a part of its images only
    return row._replace(masks=tuple(IndexMask(picture, i + 1) for i in range(len(row.names))))


def _image_of(
    xml: Path, root: ElementTree.Element, folders: list[Path], by_stem: dict[str, Path]
) -> Path | None:
    """The image: called as the .xml is, or else as <filename> says."""
    # labelImg keeps the old <filename> when files are renamed, so the .xml's own name goes first.
    named = root.findtext("filename") or ""
    return by_stem.get(xml.stem) or find_image(named, folders) or by_stem.get(Path(named).stem)


def _images_by_stem(folders: list[Path]) -> dict[str, Path]:
    """Name without suffix → image; the first folder wins."""
    found: dict[str, Path] = {}
    for folder in dict.fromkeys(folders):
        for file in sorted(folder.iterdir()):
            if file.suffix.lower() in IMAGE_SUFFIXES:
                found.setdefault(file.stem, file)
    return found


def _name(xml: Path, item: ElementTree.Element) -> str:
    name = (item.findtext("name") or "").strip()
    if not name:
        raise _wrong(xml, "an <object> has no <name>", "Every object names its class.")
    return name


def _box(xml: Path, item: ElementTree.Element) -> list[float]:
    """yxyx in pixels."""
    corners = ("ymin", "xmin", "ymax", "xmax")
    return [_number(xml, item, f"bndbox/{corner}") for corner in corners]


def _number(xml: Path, item: ElementTree.Element, path: str, default: float | None = None) -> float:
    text = item.findtext(path)
    if text is None and default is not None:
        return default
    try:
        return float(text or "")
    except ValueError:
        raise _wrong(
            xml, f"<{path}> is {text!r}", f"It must be a number, in pixels ({path})."
        ) from None


def _wrong(xml: Path, found: str, allowed: str) -> DataError:
    return DataError(three_part(f"{xml}: {found}.", allowed, "Correct the annotation."))


def _images_without_xml(
    rows: list[Annotated], xmls: list[Path], folders: list[Path]
) -> list[tuple[str, str]]:
    used = {row.path for row in rows}
    places = dict.fromkeys(row.path.parent for row in rows)
    files = [file for folder in places for file in sorted(folder.iterdir())]
    return [
        (file.name, "image without annotation; it is not used")
        for file in files
        if file.suffix.lower() in IMAGE_SUFFIXES and file not in used
    ]


def _is_voc(path: Path) -> bool:
    """A folder with .xml files, in it or where annotations usually lie, or a list of VOC images."""
    if path.is_file():
        is_list = path.suffix.lower() == ".txt"
        return is_list and any((p / "Annotations").is_dir() for p in path.parents)
    return any(any(folder.glob("*.xml")) for folder in (path, *(path / f for f in _XML_FOLDERS)))


formats.register("voc")(SourceFormat(open_voc, _is_voc, priority=20))
