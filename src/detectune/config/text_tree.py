"""Protobuf text → a tree that knows the line and column of every field.

protobuf's own parser stops at the first error and forgets where a field stood. This tree keeps the
places, so that `config check` can report all problems at once, each where it is. The message itself
is still made by protobuf (`config.load`); nothing here decides what a config means.

    file   = field*
    field  = name ":"? value ("," | ";")?
    value  = "{" field* "}" | "<" field* ">" | "[" (value ("," value)*)? "]" | scalar
    scalar = string+ | "-"? (number | word)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple


class Place(NamedTuple):
    """A position in a text; lines and columns count from 1, a tab is one column."""

    line: int
    column: int


class Token(NamedTuple):
    kind: str
    """`word`, `number`, `string`, `mark` or `end`."""
    text: str
    place: Place


@dataclass(frozen=True)
class Scalar:
    """A number, a word such as `true` or `RELU_6`, or a string with its quotes."""

    kind: str
    text: str
    place: Place


@dataclass(frozen=True)
class Block:
    """Fields between braces."""

    fields: tuple[Field, ...]
    place: Place


@dataclass(frozen=True)
class Field:
    """A name with its values: one, or several if they were written as `[a, b]`."""

    name: str
    values: tuple[Scalar | Block, ...]
    place: Place
    is_list: bool = False


class TextSyntaxError(ValueError):
    """The text breaks the grammar at `place`."""

    def __init__(self, place: Place, found: str, expected: str) -> None:
        super().__init__(f"{place.line}:{place.column}: {found}, but {expected} was expected")
        self.place, self.found, self.expected = place, found, expected


_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n\f\v]+ | \#[^\n]*)
      | (?P<string>"(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*')
      | (?P<number>-?\s*(?:0[xX][0-9a-fA-F]+ | (?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[fF]?(?![\w.]))
      | (?P<word>-?\s*[A-Za-z_][\w]*)
      | (?P<mark>[{}<>\[\]:,;./])""",
    re.VERBOSE,
)


def tokens(text: str) -> Iterator[Token]:
    """All tokens of `text`, without spaces and comments, and an `end` token.

    Raises:
        TextSyntaxError: a character that no token starts with, or a string that does not end.
    """
    line, line_start, offset = 1, 0, 0
    while offset < len(text):
        place = Place(line, offset - line_start + 1)
        match = _TOKEN.match(text, offset)
        if match is None:
            raise _no_token(text, offset, place)
        if match.lastgroup != "space":
            yield Token(match.lastgroup or "", match.group(), place)
        newlines = match.group().count("\n")
        if newlines:
            line += newlines
            line_start = match.start() + match.group().rindex("\n") + 1
        offset = match.end()
    yield Token("end", "", Place(line, offset - line_start + 1))


def _no_token(text: str, offset: int, place: Place) -> TextSyntaxError:
    character = text[offset]
    if character in "\"'":
        return TextSyntaxError(
            place, "a string that does not end on its line", f"a closing {character}"
        )
    rest = re.match(r"[^\s{}<>\[\]:,;]+", text[offset:])
    shown = rest.group() if rest else character
    return TextSyntaxError(place, f"found {shown!r}", "a field name, a value or a bracket")


def parse(text: str) -> Block:
    """The fields of `text` as a tree.

    Raises:
        TextSyntaxError: the text is not protobuf text.
    """
    return _Parser(text).file()


class _Parser:
    """Recursive descent with one token of look-ahead."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._next = next(self._tokens)
        self._depth = 0

    def file(self) -> Block:
        fields: list[Field] = []
        while self._next.kind != "end":
            fields.append(self._field())
        return Block(tuple(fields), Place(1, 1))

    def _take(self) -> Token:
        token = self._next
        if token.kind != "end":
            self._next = next(self._tokens)
        return token

    def _take_mark(self, marks: str) -> Token | None:
        if self._next.kind == "mark" and self._next.text in marks:
            return self._take()
        return None

    def _expected(self, what: str) -> TextSyntaxError:
        shown = "the end of the file" if self._next.kind == "end" else f'"{self._next.text}"'
        return TextSyntaxError(self._next.place, f"found {shown}", what)

    def _field(self) -> Field:
        place = self._next.place
        name = self._name()
        colon = self._take_mark(":")
        if opening := self._take_mark("["):
            values = self._list(opening)
        elif self._next.kind == "mark" and self._next.text in "{<":
            values = (self._block(),)
        elif colon is None:
            raise self._expected(f'":" or "{{" after {name}')
        else:
            values = (self._scalar(),)
        self._take_mark(",;")
        return Field(name, values, place, is_list=opening is not None)

    def _name(self) -> str:
        if self._take_mark("["):  # an extension or an Any: [package.name]
            parts: list[str] = []
            while not self._take_mark("]"):
                if self._next.kind not in ("word", "mark", "number"):
                    raise self._expected('"]"')
                parts.append(self._take().text)
            return f"[{''.join(parts)}]"
        if self._next.kind != "word" or self._next.text.startswith("-"):
            raise self._expected("a field name")
        return self._take().text

    def _list(self, opening: Token) -> tuple[Scalar | Block, ...]:
        values: list[Scalar | Block] = []
        while not self._take_mark("]"):
            if values and not self._take_mark(","):
                raise self._expected(f'"," or "]" for the list of line {opening.place.line}')
            values.append(self._value())
        return tuple(values)

    def _value(self) -> Scalar | Block:
        if self._next.kind == "mark" and self._next.text in "{<":
            return self._block()
        return self._scalar()

    def _block(self) -> Block:
        opening = self._take()
        closing = "}" if opening.text == "{" else ">"
        self._depth += 1
        if self._depth > 100:  # as protobuf's own limit; Python's stack stays out of danger
            raise TextSyntaxError(opening.place, "more than 100 nested blocks", "fewer")
        fields: list[Field] = []
        while not self._take_mark(closing):
            if self._next.kind == "end" or self._next.text in ("}", ">"):
                raise self._expected(f'"{closing}" for the block opened at {_shown(opening.place)}')
            fields.append(self._field())
        self._depth -= 1
        return Block(tuple(fields), opening.place)

    def _scalar(self) -> Scalar:
        if self._next.kind not in ("string", "number", "word"):
            raise self._expected("a value")
        first = self._take()
        texts = [first.text]
        while first.kind == "string" and self._next.kind == "string":
            texts.append(self._take().text)
        return Scalar(first.kind, re.sub(r"^-\s+", "-", " ".join(texts)), first.place)


def _shown(place: Place) -> str:
    return f"{place.line}:{place.column}"
