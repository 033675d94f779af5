"""Text, JSON and YAML files of annotations, read without trust in what they hold."""

from __future__ import annotations

import codecs
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from detectune.errors import DataError, three_part

_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_YAML_BYTES, _YAML_DEPTH = 4 << 20, 20


def read_bytes(path: Path) -> bytes:
    """The content of the regular file at `path`.

    Raises:
        DataError: it cannot be read, or is no regular file (a pipe would be waited for).
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise unreadable(path, "it is no regular file")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise unreadable(path, getattr(error, "strerror", None) or str(error)) from error


def read_text(path: Path) -> str:
    """The text of the file at `path`: UTF-8, or UTF-16 with a byte order mark.

    Raises:
        DataError: it cannot be read, or is in another encoding.
    """
    data = read_bytes(path)
    marked = (name for mark, name in _BYTE_ORDER_MARKS.items() if data.startswith(mark))
    encoding = next(marked, "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(
            three_part(
                f"{path}: not {error.encoding.upper()} text: byte {error.start} is "
                f"0x{data[error.start : error.start + 1].hex() or '00'}.",
                "Text is UTF-8, or UTF-16 with a byte order mark.",
                "Save the file as UTF-8.",
            )
        ) from error


def read_json(path: Path) -> Any:
    """The value of the JSON file at `path`.

    Raises:
        DataError: it cannot be read, or is no JSON.
    """
    text = read_text(path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        deep = isinstance(error, RecursionError)
        reason = "it is nested too deeply" if deep else str(error).split("; use sys")[0]
        raise DataError(
            three_part(
                f"{path}: cannot be read as JSON: {reason}.",
                _looks_like(text) or "The file must hold one JSON value.",
                "Export the annotations again.",
            )
        ) from error


def read_yaml(path: Path) -> Any:
    """The value of the YAML file at `path`, in which every scalar is a text as it is written:
    `no`, `1.0` and `2024-01-01` can be names of classes.

    Raises:
        DataError: it cannot be read, is no YAML, is larger than 4 MiB, nested more than 20 levels
            deep, or has aliases.
    """
    import yaml

    text = read_text(path)
    if len(text) > _YAML_BYTES:
        raise _no_yaml(path, f"it is larger than {_YAML_BYTES >> 20} MiB")
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        depth = 0
        events = cast(Iterator[yaml.Event], yaml.parse(text, loader))  # pyright: ignore[reportUnknownMemberType]
        for event in events:
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _YAML_DEPTH:
                raise _no_yaml(path, f"it is nested more than {_YAML_DEPTH} levels deep")
            if isinstance(event, yaml.AliasEvent):
                raise _no_yaml(path, f"it has the alias *{event.anchor}")
        return yaml.load(text, loader)
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        if isinstance(error, DataError):
            raise
        raise _no_yaml(path, " ".join(str(error).split())) from error


def _no_yaml(path: Path, reason: str) -> DataError:
    return DataError(
        three_part(
            f"{path}: cannot be read as YAML: {reason}.",
            "A data.yaml is a small file with names: and, if you like, path:, train:, val:, test:.",
            "Correct the file.",
        )
    )


def _looks_like(text: str) -> str:
    start = text.lstrip()[:200].lower()
    if start.startswith(("<!doctype html", "<html")):
        return "It is an HTML page: the download gave a page instead of the file."
    return "It is XML." if start.startswith("<?xml") else ""


def unreadable(path: Path, reason: str) -> DataError:
    """The error for a file that cannot be read."""
    return DataError(
        three_part(
            f"{path}: cannot be read: {reason}.",
            "Annotations and images are files that you may read.",
            "Check the path and its permissions.",
        )
    )


def mapping(value: Any) -> dict[str, Any]:
    """`value` if it is a JSON object, else an empty one."""
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """`value` if it is a JSON list, else an empty one."""
    return cast(list[Any], value) if isinstance(value, list) else []
