"""Formats of data sets: how each is recognised and opened.

A format is a file of this package that ends with `formats.register("foo")(SourceFormat(...))`.
Packages outside this repository use the entry-point group `detectune.data.sources`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from detectune.config.label_map import LabelMap
from detectune.data.sources.base import Source
from detectune.registry import Registry

formats: Registry[SourceFormat] = Registry("data format", "detectune.data.sources")

Open = Callable[[str, LabelMap | None, frozenset[str]], Source]
"""Path, label map (None to derive it from the data) and columns to read → source."""


@dataclass(frozen=True)
class SourceFormat:
    """One format of data sets.

    Args:
        open: see `Open`; the names of columns are those of `data.columns`. Columns that the format
            does not have are left out.
        recognises: whether the file or folder at an existing path is of this format.
        priority: of several formats that recognise a path the one with the lowest is taken.
        takes_patterns: whether a path may have wildcards or be a list, and need not exist.
        splits: which of "train", "val" and "test" the data set at a path is divided into; none of
            them if it is not.
        open_split: opens one of them: path, name, label map, columns.
    """

    open: Open
    recognises: Callable[[Path], bool]
    priority: int = 100
    takes_patterns: bool = False
    splits: Callable[[Path], Sequence[str]] | None = None
    open_split: Callable[[Path, str, LabelMap | None, frozenset[str]], Source] | None = None


def in_priority() -> list[str]:
    """Names of all formats, those first that are asked first."""
    return sorted(formats, key=lambda name: (formats[name].priority, name))
