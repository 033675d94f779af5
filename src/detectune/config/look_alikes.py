"""Class names that a reader takes for one: they differ by case, spaces or invisible characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from detectune.config.problems import Problem

# Zero-width spaces and joiners, direction marks, the byte order mark, soft hyphens and the like.
_INVISIBLE = ("Cf", "Cc")


class LookAlikes(NamedTuple):
    """Names of different classes that look alike."""

    names: tuple[str, ...]
    """Two or more, in the order in which they were given."""
    difference: str
    """What they differ by, such as `upper and lower case`."""

    @property
    def text(self) -> str:
        """`"Raccoon" and "raccoon" differ by upper and lower case only`, without a full stop."""
        shown = [shown_name(name) for name in self.names]
        return f"{', '.join(shown[:-1])} and {shown[-1]} differ by {self.difference} only"

    def problem(self, field: str) -> Problem:
        """A warning about them at `field`."""
        return Problem(
            "warning",
            field,
            f"the classes {self.text}.",
            "They are learned and measured as different classes.",
            "If they mean one, give them one name in all annotations and one item in the label "
            "map.",
        )


def look_alikes(names: Iterable[str]) -> list[LookAlikes]:
    """Groups of different `names` that look alike, in the order of their first names."""
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        groups.setdefault(plain(name), []).append(name)
    return [LookAlikes(tuple(group), _difference(group)) for group in groups.values() if group[1:]]


def plain(name: str) -> str:
    """What is left of `name` without case, kind of spaces, invisible characters and width.

    Two names with the same plain form look alike; spaces, hyphens and underscores count as one.
    """
    return re.sub(r"[\s_\-]+", " ", _visible(_composed(name)).casefold()).strip()


def shown_name(name: str) -> str:
    """`name` in quotes, with what is invisible in it written as escapes: `"\\ufeffcat"`."""
    shown = "".join(
        character
        if character == " " or (character.isprintable() and not character.isspace())
        else character.encode("unicode_escape").decode()
        for character in name
    )
    return f'"{shown}"'


def _composed(name: str) -> str:
    return unicodedata.normalize("NFKC", name)


def _visible(name: str) -> str:
    return "".join(
        character
        for character in name
        if character.isspace() or unicodedata.category(character) not in _INVISIBLE
    )


def _difference(names: list[str]) -> str:
    """The first step towards the plain form after which all `names` are one."""
    steps = {
        "upper and lower case": str.casefold,
        "spaces at the ends": str.strip,
        "invisible characters": _visible,
        "the way in which Unicode writes them": _composed,
    }
    for difference, step in steps.items():
        if len({step(name) for name in names}) == 1:
            return difference
    spaced = {re.sub(r"[\s_\-]+", " ", name).strip() for name in names}
    return "spaces, hyphens and underscores" if len(spaced) == 1 else "case, spaces and the like"
