"""Label maps: which id and name a class has, as `item { id: 1 name: "raccoon" }` in a .pbtxt."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from google.protobuf import text_format

from detectune.config import schema
from detectune.errors import ConfigError, three_part
from detectune.files import write_text


@dataclass(frozen=True)
class LabelMapItem:
    """One class. Ids start at 1."""

    id: int
    name: str
    display_name: str = ""


@dataclass(frozen=True)
class LabelMap:
    """The classes of a data set, in the order of the file."""

    items: tuple[LabelMapItem, ...]

    @classmethod
    def from_names(cls, names: Iterable[str]) -> LabelMap:
        """Ids 1, 2, … in the order of `names`."""
        return cls(tuple(LabelMapItem(i, name) for i, name in enumerate(names, start=1)))

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.items)


def read_label_map(path: str | os.PathLike) -> LabelMap:
    """The label map written in the .pbtxt file at `path`."""
    try:
        text = Path(path).read_text("utf-8")
        message = text_format.Parse(text, schema.StringIntLabelMap())
    except (OSError, UnicodeDecodeError, text_format.ParseError) as error:
        raise ConfigError(
            three_part(
                f"{path}: not a readable label map: {error}.",
                'A label map holds lines like: item { id: 1 name: "raccoon" }.',
                "Check the path and the file.",
            )
        ) from error
    return LabelMap(tuple(LabelMapItem(i.id, i.name, i.display_name) for i in message.item))


def write_label_map(label_map: LabelMap, path: str | os.PathLike) -> None:
    """Write `label_map` to `path` as .pbtxt, atomically."""
    message = schema.StringIntLabelMap()
    for item in label_map.items:
        added = message.item.add(id=item.id, name=item.name)
        if item.display_name:
            added.display_name = item.display_name
    write_text(path, text_format.MessageToString(message))
