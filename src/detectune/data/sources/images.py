"""Images without annotations: a folder of them, or below it.

They can be looked at, converted and split; training refuses a data set without a single box.
"""

from __future__ import annotations

from pathlib import Path

from detectune.config.label_map import LabelMap
from detectune.data.sources.collecting import Collector
from detectune.data.sources.folder import FolderSource
from detectune.data.sources.formats import SourceFormat, formats
from detectune.data.sources.image_search import ImageSearch
from detectune.data.sources.tree import Tree

# Files that may lie beside images and say nothing about them.
_NOTES = (".md", ".pdf", ".html", ".log", ".ini", ".db")
_NOTE_NAMES = ("readme", "license", "licence", "copying", "thumbs", "source")


def open_images(
    spec: str, label_map: LabelMap | None, columns: frozenset[str] = frozenset()
) -> FolderSource:
    """The images at, or below, the path `spec`, each without an object."""
    path = Path(spec)
    tree = Tree(path)
    images = tree.images() if path.is_dir() else [path]
    collector = Collector(f"images:{path}", ImageSearch([path if path.is_dir() else path.parent]))
    for image in images:
        collector.add(image, str(image), ())
    return collector.source(label_map)


def only_images(path: Path) -> bool:
    """Whether there is nothing but images: annotations of an unknown format are not overlooked."""
    if path.is_file():
        return False
    tree = Tree(path)
    images = set(tree.images())
    others = [file for file in tree.all_files() if file not in images]
    return bool(images) and all(
        file.suffix.lower() in _NOTES or file.stem.lower() in _NOTE_NAMES for file in others
    )


formats.register("images")(SourceFormat(open_images, only_images, priority=90))
