"""Label maps: the names of the classes and their numbers.

A label map is a file of protobuf text, `item { id: 1 name: "raccoon" }` for each class. Its ids
count from 1 (0 is the background in the original's checkpoints); inside the program a class is a
0-based index, and `index = id - 1`. Ids may have gaps, as in COCO's map of 80 names up to id 90: a
model for it has 90 classes, of which 10 are never seen.
"""

from __future__ import annotations

import functools
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from google.protobuf import text_format

from detectune.config import schema
from detectune.config.file_kinds import looks_like_config
from detectune.config.load import parse_message, text_problems
from detectune.config.look_alikes import look_alikes, shown_name
from detectune.config.problems import Problem, from_error
from detectune.config.text_file import read_config_text
from detectune.config.text_problems import read_tree
from detectune.config.text_tree import parse
from detectune.errors import ConfigError, three_part
from detectune.files import write_text

_MAX_ID = 1_000_000
"""Nobody has more classes; a larger id is a slip that would ask for a giant class head."""


@dataclass(frozen=True)
class LabelMapItem:
    """One class."""

    id: int
    """From 1."""
    name: str
    """What annotations call the class; in Open Images and LVIS a code such as `/m/01g317`."""
    display_name: str = ""
    """What people read; empty if it is the name."""
    keypoints: tuple[tuple[int, str], ...] = ()
    """`(id, label)` of each keypoint; ids count from 0."""
    ancestor_ids: tuple[int, ...] = ()
    """Ids of more general classes (Open Images hierarchy)."""
    descendant_ids: tuple[int, ...] = ()
    """Ids of more special classes."""
    frequency: str = ""
    """LVIS: `FREQUENT`, `COMMON` or `RARE`; empty if unknown."""
    instance_count: int = 0
    """LVIS: boxes of this class in the training images; 0 if unknown."""

    @property
    def index(self) -> int:
        """The class index inside the program, from 0."""
        return self.id - 1

    @property
    def label(self) -> str:
        """What to show to people."""
        return self.display_name or self.name


@dataclass(frozen=True)
class LabelMap:
    """The classes of a data set or a model, by rising id."""

    items: tuple[LabelMapItem, ...]

    @classmethod
    def from_names(cls, names: Iterable[str]) -> LabelMap:
        """A map that gives `names` the ids 1, 2, 3, … in their order.

        Raises:
            ConfigError: no names, an empty one, or one that comes twice.
        """
        return cls.from_ids({name: number for number, name in _numbered(names)})

    @classmethod
    def from_ids(cls, ids: Mapping[str, int]) -> LabelMap:
        """A map from each name to its id.

        Raises:
            ConfigError: an id below 1 or given twice, an empty name, or no name at all.
        """
        items = [LabelMapItem(number, name) for name, number in ids.items()]
        return _checked(items, "label map", lambda index: "label map")

    def __len__(self) -> int:
        return len(self.items)

    @property
    def names(self) -> tuple[str, ...]:
        """The names by rising id, without gaps."""
        return tuple(item.name for item in self.items)

    @property
    def num_classes(self) -> int:
        """The least `num_classes` of a model for this map: the highest id."""
        return self.items[-1].id

    @property
    def has_gaps(self) -> bool:
        """Whether some id between 1 and the highest has no name."""
        return self.num_classes != len(self.items)

    def id_of(self, name: str) -> int:
        """The id of the class called `name`, by its name or else by its display name.

        Raises:
            KeyError: there is no such class.
        """
        return self._id_by_name[name]

    def index_of(self, name: str) -> int:
        """The 0-based class index of the class called `name`; KeyError if there is none."""
        return self.id_of(name) - 1

    def __contains__(self, name: object) -> bool:
        return name in self._id_by_name

    def name_of_id(self, class_id: int) -> str:
        """The label for people of the class with `class_id`; `class 7` if the map has a gap."""
        item = self._item_by_id.get(class_id)
        return item.label if item else f"class {class_id}"

    def name_of_index(self, index: int) -> str:
        """The label for people of the class with the 0-based `index`."""
        return self.name_of_id(index + 1)

    @functools.cached_property
    def _item_by_id(self) -> dict[int, LabelMapItem]:
        return {item.id: item for item in self.items}

    @functools.cached_property
    def _id_by_name(self) -> dict[str, int]:
        shown = {item.display_name: item.id for item in reversed(self.items) if item.display_name}
        return {**shown, **{item.name: item.id for item in self.items if item.name}}


def read_label_map(path: str | os.PathLike[str]) -> LabelMap:
    """The label map in the file at `path`.

    Raises:
        ConfigError: the file cannot be read, is not a label map, has no item, an id below 1 or
            twice, or an item without a name.
    """
    text = read_config_text(path, "label map")
    if looks_like_config(text):
        raise _error(
            f"{path}:1:1: this is a pipeline.config.",
            "Give the label map that it names as label_map_path.",
        )
    message = parse_message(text, schema.StringIntLabelMap(), str(path))
    if not message.item:
        raise _error(
            f"{path}:1:1: the label map has no item.",
            'Write for each class: item { id: 1 name: "..." }, ids from 1.',
        )
    # Parity: an item with id 0 is allowed if it is called background; it is no class.
    kept = [
        (number, _item(item))
        for number, item in enumerate(message.item)
        if item.id != 0 or "background" not in (item.name, item.display_name)
    ]

    def place(index: int) -> str:
        """`file:line:column` of an item; places take longer than the rest, and few need them."""
        _, places = read_tree(parse(text), schema.StringIntLabelMap.DESCRIPTOR)
        found = places[f"item[{kept[index][0]}]"]
        return f"{path}:{found.line}:{found.column}"

    return _checked([item for _, item in kept], str(path), place)


def check_label_map(path: str | os.PathLike[str]) -> list[Problem]:
    """Everything wrong or questionable in the label map at `path`, and a note that it is one.

    Raises:
        ConfigError: the file itself cannot be read.
    """
    text = read_config_text(path, "label map")
    wrong = text_problems(text, schema.StringIntLabelMap.DESCRIPTOR)
    if wrong:
        return wrong
    try:
        label_map = read_label_map(path)
    except ConfigError as error:
        return [_placed(from_error(error, ""), str(path))]
    count = len(label_map)
    classes = f"{count} class{'es' * (count != 1)} up to id {label_map.num_classes}"
    note = Problem(
        "note", "", f"this is a label map of {classes}.", "A config names it as label_map_path.", ""
    )
    return [note, *(names.problem("") for names in look_alikes(label_map.names))]


def _placed(problem: Problem, path: str) -> Problem:
    """`problem`, whose text begins with its place in the file `path`, with that place apart."""
    match = re.match(r":(\d+):(\d+): ", problem.found.removeprefix(path))
    if match is None:
        return problem
    found = problem.found.removeprefix(path)[match.end() :]
    return problem._replace(found=found, line=int(match[1]), column=int(match[2]))


def write_label_map(label_map: LabelMap, path: str | os.PathLike[str]) -> None:
    """Write `label_map` to `path` so that the original and `read_label_map` read it; atomic."""
    write_text(path, label_map_text(label_map))


def label_map_text(label_map: LabelMap) -> str:
    """`label_map` as protobuf text."""
    return text_format.MessageToString(_message(label_map), as_utf8=True)


def _message(label_map: LabelMap) -> schema.StringIntLabelMap:
    message = schema.StringIntLabelMap()
    for item in label_map.items:
        written = message.item.add(id=item.id, name=item.name)
        written.ancestor_ids.extend(item.ancestor_ids)
        written.descendant_ids.extend(item.descendant_ids)
        for number, label in item.keypoints:
            written.keypoints.add(id=number, label=label)
        if item.display_name:
            written.display_name = item.display_name
        if item.frequency:
            written.frequency = schema.LVISFrequency.Value(item.frequency)  # type: ignore[assignment]
        if item.instance_count:
            written.instance_count = item.instance_count
    return message


def _item(item: schema.StringIntLabelMapItem) -> LabelMapItem:
    return LabelMapItem(
        id=item.id,
        # A map may give display names only; then they are the names.
        name=item.name or item.display_name,
        display_name=item.display_name if item.name else "",
        keypoints=tuple((point.id, point.label) for point in item.keypoints),
        ancestor_ids=tuple(item.ancestor_ids),
        descendant_ids=tuple(item.descendant_ids),
        frequency=schema.LVISFrequency.Name(item.frequency) if item.frequency else "",
        instance_count=item.instance_count,
    )


def _checked(items: list[LabelMapItem], source: str, place: Callable[[int], str]) -> LabelMap:
    """The map of `items`.

    Args:
        place: where an item stands, by its index.
    """
    ids: dict[int, str] = {}
    names: dict[str, int] = {}
    if not items:
        raise _error(f"{source}: there is no class.", "Name at least one class.")
    for index, item in enumerate(items):
        found = _wrong(item, ids, names)
        if found:
            raise _error(f"{place(index)}: {found[0]}", found[1])
        ids[item.id], names[item.name] = item.name, item.id
    return LabelMap(tuple(sorted(items, key=lambda item: item.id)))


def _wrong(
    item: LabelMapItem, ids: Mapping[int, str], names: Mapping[str, int]
) -> tuple[str, str] | None:
    """What is wrong with `item`, and the next step; None if nothing is.

    Args:
        ids, names: of the items before it.
    """
    name = shown_name(item.name)
    if not item.name:
        return f"the item with id {item.id} has no name.", 'Add name: "...".'
    if item.id == 0:
        found = f"the id of {name} is 0."
        return found, "Number the classes from 1; 0 is the background and not listed."
    if not 1 <= item.id <= _MAX_ID:
        return f"the id of {name} is {item.id}.", f"Choose an id from 1 to {_MAX_ID}."
    if item.id in ids:
        both = f"{name} and {shown_name(ids[item.id])} both have the id {item.id}."
        return both, "Give one of them another id."
    if item.name in names:
        twice = f"the name {name} has the ids {names[item.name]} and {item.id}."
        return twice, "Remove one of the items or rename it."
    return None


def _numbered(names: Iterable[str]) -> list[tuple[int, str]]:
    listed = list(names)
    twice = sorted(name for name, count in Counter(listed).items() if count > 1)
    if twice:
        raise _error(
            f"label map: the name {shown_name(twice[0])} comes twice.", "Remove one of them."
        )
    return list(enumerate(listed, start=1))


def _error(found: str, next_step: str) -> ConfigError:
    return ConfigError(
        three_part(found, "A label map gives every class one id from 1 and one name.", next_step)
    )
