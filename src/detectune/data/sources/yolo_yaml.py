"""data.yaml of a YOLO data set: the classes, the splits, and the shape of keypoints.

path: ../data           where the splits begin; the folder of the file if it is absent
train: images/train     a folder, a .txt that lists images, or a list of these
val: images/val
names: {0: bolt, 1: nut}
kpt_shape: [17, 3]      17 keypoints of x, y and visibility follow each box
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from detectune.data.defects import MERGED, MISCOUNTED, Defect
from detectune.data.image_files import IMAGE_SUFFIXES
from detectune.data.sources.text_files import items, mapping, read_text, read_yaml
from detectune.data.sources.tree import Tree
from detectune.errors import DataError, did_you_mean, three_part

YAML_NAMES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
SPLITS = ("train", "val", "test")
# Names that other tools give to the splits.
_SPELLED = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}
_MOST_CLASSES = 100_000


@dataclass(frozen=True)
class DataYaml:
    """What a data.yaml says, or the list of names that stands in for it."""

    file: Path
    names: tuple[str, ...]
    """Class number → name; "" for a number between the others that is not used."""
    splits: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Of "train", "val" and "test" those that are there → paths as they are written."""
    root: str = ""
    keypoint_values: int = 0
    """How many numbers the keypoints of one object take."""
    defects: tuple[Defect, ...] = ()

    @property
    def listed(self) -> list[str]:
        """The names of the classes that there are, by rising number."""
        return [name for name in self.names if name]

    def images(self, path: Path) -> list[Path]:
        """The images of all splits; without splits all images below the folder of the file."""
        if not self.splits:
            return Tree(path.parent).images()
        found = [image for split in self.splits for image in self.split_images(split)]
        return list(dict.fromkeys(found))

    def split_images(self, split: str) -> list[Path]:
        """The images of one split, in the order of the files.

        Raises:
            DataError: there is no such split, or what it names is not there.
        """
        if split not in self.splits:
            raise DataError(
                three_part(
                    f'{self.file}: there is no split "{split}".',
                    f"It has {', '.join(self.splits) or 'none'}.",
                    f"{did_you_mean(split, self.splits)}Add {split}: to the file, or choose "
                    "another.",
                )
            )
        return [image for text in self.splits[split] for image in self._images_at(split, text)]

    def repeated(self, split: str) -> str:
        """Which other split names the same images, a clause; "" where there is none."""
        places = {
            name: [os.path.normpath(path) for path in paths] for name, paths in self.splits.items()
        }
        same = [name for name in places if name != split and places[name] == places[split]]
        return f"in {self.file}, {split}: is the same folder as {same[0]}:" if same else ""

    def _images_at(self, split: str, text: str) -> list[Path]:
        for place in self._candidates(text):
            if place.is_dir():
                return Tree(place).images()
            if place.is_file() and place.suffix.lower() in IMAGE_SUFFIXES:
                return [place]
            if place.is_file():
                return self._listed_images(place)
        tried = ", ".join(str(place) for place in self._candidates(text))
        raise DataError(
            three_part(
                f"{self.file}: {split}: {text} is not there.",
                f"Looked for: {tried}.",
                "Correct the path, or put the images there.",
            )
        )

    def _candidates(self, text: str) -> list[Path]:
        """Where `text` may mean: below `path:`, beside the file, and, as Roboflow writes
        `../train/images` for a folder beside the file, without the leading `..`."""
        here, written = self.file.parent, Path(text)
        roots = [here / self.root, here] if self.root else [here]
        plain = Path(*[part for part in written.parts if part != ".."])
        return list(dict.fromkeys([*(root / written for root in roots), here / plain]))

    def _listed_images(self, file: Path) -> list[Path]:
        lines = [line.strip() for line in read_text(file).splitlines() if line.strip()]
        found: list[Path] = []
        for line in lines:
            there = _there(line, (file.parent, self.file.parent))
            if there is None:
                raise DataError(
                    three_part(
                        f"{file}: the image {line[:120]} is not there.",
                        "Every line is the path of an image, from the folder of the list.",
                        "Correct the list or add the image.",
                    )
                )
            found.append(there)
        return list(dict.fromkeys(found))


def _there(line: str, folders: Sequence[Path]) -> Path | None:
    """The file that a line of a list means; CVAT puts folders in front that are not there."""
    parts = Path(line).parts
    tails = [Path(*parts[start:]) for start in range(len(parts))]
    places = (folder / tail for tail in tails for folder in folders)
    return next((place for place in places if place.is_file()), None)


def read_data_yaml(file: Path) -> DataYaml | None:
    """What `file` says; None if it has no `names`.

    Raises:
        DataError: it cannot be read, or is wrong.
    """
    content = mapping(read_yaml(file))
    if not content.get("names"):
        return None
    names = _names(file, content["names"])
    splits = {
        split: _paths(content[word])
        for split, words in _SPELLED.items()
        for word in words
        if _paths(content.get(word))
    }
    keypoints = _keypoint_values(file, content.get("kpt_shape"))
    root = content.get("path")
    root = root if isinstance(root, str) else ""
    defects = (*_equal_names(file, names), *_another_count(file, names, content.get("nc")))
    return DataYaml(file, names, splits, root, keypoints, defects)


def _names(file: Path, value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    if isinstance(value, dict):
        return _numbered(file, mapping(value))
    names = [name.strip() if isinstance(name, str) else "" for name in items(value)]
    if not all(names):
        number = names.index("")
        raise _wrong(file, f"names: the name of class {number} is no text", "Names are texts.")
    return tuple(names)


def _numbered(file: Path, value: dict[str, Any]) -> tuple[str, ...]:
    """Names by number; numbers that are missing stay empty."""
    named: dict[int, str] = {}
    for key, name in value.items():
        if not (str(key).isascii() and str(key).isdecimal() and len(key) < 10):
            raise _wrong(
                file, f'names: "{str(key)[:40]}" is no class number', "Numbers count from 0."
            )
        if not isinstance(name, str) or not name.strip():
            raise _wrong(file, f"names: the name of class {key} is no text", "Names are texts.")
        named[int(key)] = name.strip()
    if max(named) >= _MOST_CLASSES:
        raise _wrong(
            file, f"names: class {max(named)}", f"Class numbers are below {_MOST_CLASSES}."
        )
    return tuple(named.get(number, "") for number in range(max(named) + 1))


def _equal_names(file: Path, names: tuple[str, ...]) -> list[Defect]:
    counts = Counter(name for name in names if name)
    return [
        Defect(MERGED, file.name, f'{count} classes are called "{name}"')
        for name, count in counts.items()
        if count > 1
    ]


def _another_count(file: Path, names: tuple[str, ...], count: Any) -> list[Defect]:
    """A defect if `nc` is not the number of names."""
    listed = sum(1 for name in names if name)
    if count is None or (isinstance(count, str) and count in {str(listed), str(len(names))}):
        return []
    return [Defect(MISCOUNTED, file.name, f"nc is {str(count)[:40]}, and {listed} are named")]


def _paths(value: Any) -> tuple[str, ...]:
    found = [value] if isinstance(value, str) else items(value)
    return tuple(text.strip() for text in found if isinstance(text, str) and text.strip())


def _keypoint_values(file: Path, value: Any) -> int:
    if value is None:
        return 0
    parts = [part for part in items(value) if isinstance(part, str) and part.isdecimal()]
    if len(parts) != 2 or not 1 <= int(parts[0][:6]) < 10_000 or parts[1] not in ("2", "3"):
        raise _wrong(
            file, f"kpt_shape is {value}", "It is [number of keypoints, 2 or 3 numbers for each]."
        )
    return int(parts[0]) * int(parts[1])


def _wrong(file: Path, found: str, allowed: str) -> DataError:
    return DataError(three_part(f"{file}: {found}.", allowed, "Correct the file."))
