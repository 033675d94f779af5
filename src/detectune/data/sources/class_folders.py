"""Images in folders that are called like their classes.

    PATH/cat/1.jpg, PATH/cat/more/2.jpg, PATH/dog/1.jpg

Such images have a class as a whole, and nobody said where in them anything is. Each has one box
around all of it, so that counts, splits, conversions and features work as with any other data; a
detector, which would learn that objects fill the image, is not trained on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from detectune.config.label_map import LabelMap
from detectune.data.defects import UNUSED, WHOLE, Defect
from detectune.data.sources.collecting import Collector, Object
from detectune.data.sources.folder import FolderSource
from detectune.data.sources.formats import SourceFormat, formats
from detectune.data.sources.image_search import ImageSearch
from detectune.data.sources.images import only_images
from detectune.data.sources.tree import Tree
from detectune.errors import DataError, three_part

# Folders of these names part a data set, and are no classes.
_PARTS = frozenset({"train", "training", "val", "valid", "validation", "test", "images", "labels"})
_WHOLE_IMAGE = (0.0, 0.0, 1.0, 1.0)


def open_class_folders(
    spec: str, label_map: LabelMap | None, columns: frozenset[str] = frozenset()
) -> FolderSource:
    """The images below the folders in `spec`, each with one box of the class of its folder.

    Raises:
        DataError: `spec` is no folder, or there is no image in a folder in it.
    """
    root = Path(spec)
    collector = Collector(f"folders:{root}", ImageSearch([root]))
    listed = list(_listed(root)) if root.is_dir() else []
    if not listed:
        raise _no_classes(root)
    for image, name in listed:
        place = image.relative_to(root).as_posix()
        collector.add(
            image, place, [Object(name, _WHOLE_IMAGE)], source_id=place, in_fractions=True
        )
    for file in sorted(ImageSearch([root]).all()):
        collector.defects.append(Defect(UNUSED, file.name, "it is in no folder of a class"))
    classes = len({name for _, name in listed})
    detail = f"{len(listed):,} images have the class of one of {classes} folders, and no boxes"
    collector.defects.append(Defect(WHOLE, str(root), detail))
    return collector.source(label_map)


def _listed(root: Path) -> Iterator[tuple[Path, str]]:
    """Each image that is not directly in `root`, and the name of its class."""
    for image in Tree(root).images():
        first, *rest = image.relative_to(root).parts
        if rest:
            yield image, first


def _has_class_folders(path: Path) -> bool:
    """Whether all images are in two folders or more, none of which is called like a part."""
    if not path.is_dir() or not only_images(path):
        return False
    names = {image.relative_to(path).parts[:-1][:1] for image in Tree(path).images()}
    first = {name[0].lower() for name in names if name}
    return () not in names and len(first) > 1 and not first & _PARTS


def _recognises(path: Path) -> bool:
    """Whether `path` has a folder for each class, or two parts that have."""
    if not path.is_dir():
        return False
    parts = [part for part in path.iterdir() if part.is_dir() and part.name.lower() in _PARTS]
    return _has_class_folders(path) or (
        len(parts) > 1 and only_images(path) and all(map(_has_class_folders, parts))
    )


def _no_classes(root: Path) -> DataError:
    return DataError(
        three_part(
            f"folders:{root}: there is no image in a folder in it.",
            "Images of a class lie in a folder that is called like it: PATH/cat/1.jpg.",
            "Name the folder above those of the classes.",
        )
    )


formats.register("folders")(SourceFormat(open_class_folders, _recognises, priority=85))
