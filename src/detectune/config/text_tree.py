"""Protobuf text → a tree that knows the line and column of every field.

protobuf's own parser stops at the first error and forgets where a field stood. This tree keeps the
places, so that `config check` can report all problems at once, each where it is. The message itself
is still made by protobuf (`config.load`); nothing here decides what a config means.

    file   = field*
    field  = name ":"? value ("," | ";")?
    value  = "{" field* "}" | "<" field* ">" | "[" (value ("," value)*)? "]" | scalar
    scalar = string+ | "-"? (number | word)

A text of 4 MB is read in seconds: tokens are plain lists, and lines are counted where a place is
asked for.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from typing import NamedTuple


class Place(NamedTuple):
    """A position in a text; lines and columns count from 1, a tab is one column."""

    line: int
    column: int


class Scalar(NamedTuple):
    """A number, a word such as `true` or `RELU_6`, or a string with its quotes."""

    kind: str
    text: str
    place: Place


class Block(NamedTuple):
    """Fields between braces."""

    fields: tuple[Field, ...]
    place: Place


class Field(NamedTuple):
    """A name with its values: one, or several if they were written as `[a, b]`."""

    name: str
    values: tuple[Scalar | Block, ...]
    place: Place
    is_list: bool = False


class TextSyntaxError(ValueError):
    """The text breaks the grammar at `place`.

    Args:
        advice: what to do about it; empty where only the place helps.
    """

    def __init__(self, place: Place, found: str, expected: str, advice: str = "") -> None:
        super().__init__(f"{place.line}:{place.column}: {found}, but {expected} was expected")
        self.place, self.found, self.expected, self.advice = place, found, expected, advice


# As protobuf's own parser has it: whatever Unicode calls a space.
_BLANK = "\\s\\x1c-\\x1f\\x85\\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_SKIPPED = rf"(?:[{_BLANK}]++|\#[^\n]*+)*+"
_TOKEN = re.compile(
    _SKIPPED
    + r"""(?: (?P<string>"(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*')
      | (?P<number>(?:-\s*)?(?:0[xX][0-9a-fA-F]+ | (?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
                   [fF]?(?![\w.]))
      | (?P<word>(?:-\s*)?[A-Za-z_]\w*)
      | (?P<mark>[{}<>\[\]:,;./])
      | (?P<end>\Z))""",
    re.VERBOSE | re.ASCII,
)
_SPACE = re.compile(_SKIPPED, re.ASCII)
_MOST_NESTED = 100
"""As protobuf's own limit; Python's stack stays out of danger."""
_QUOTES = "\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u00ab\u00bb\u2033\u00b4`"


def parse(text: str) -> Block:
    """The fields of `text` as a tree.

    Raises:
        TextSyntaxError: the text is not protobuf text.
    """
    return _Parser(text).file()


class _Parser:
    """Recursive descent over the tokens of a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._kinds: list[str] = []
        self._texts: list[str] = []
        self._starts: list[int] = []
        self._next = 0
        self._depth = 0
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self._broken: TextSyntaxError | None = None
        self._read_tokens()

    def _read_tokens(self) -> None:
        """All tokens without spaces and comments, up to the end or to what is none."""
        match_at, offset = _TOKEN.match, 0
        kinds, texts, starts = self._kinds, self._texts, self._starts
        while True:
            match = match_at(self._text, offset)
            if match is None:
                self._broken = self._no_token(offset)
                break
            kind = match.lastgroup or ""
            kinds.append(kind)
            texts.append(match[kind])
            starts.append(match.start(kind))
            offset = match.end()
            if kind == "end":
                return
        kinds.append("broken")
        texts.append("")
        starts.append(len(self._text))

    def _no_token(self, offset: int) -> TextSyntaxError:
        space = _SPACE.match(self._text, offset)
        offset = space.end() if space else offset
        place, character = self._place_of(offset), self._text[offset]
        if character in "\"'":
            return TextSyntaxError(
                place, "a string that does not end on its line", f"a closing {character}"
            )
        if character in _QUOTES:
            return TextSyntaxError(
                place,
                f"found the typographic quote {character}",
                "a straight one, \" or '",
                'Replace it, and others like it, by ": word processors and web pages change them.',
            )
        if not character.isascii() or not character.isprintable():
            name = unicodedata.name(character, "a control character")
            return TextSyntaxError(
                place,
                f"found the character U+{ord(character):04X} ({name})",
                "a field name, a value or a bracket",
                "Type this place again: such characters come with copying, and some are invisible.",
            )
        rest = re.compile(r"[^\s{}<>\[\]:,;]+").match(self._text, offset)
        shown = shortened(rest.group() if rest else character)
        return TextSyntaxError(place, f"found {shown!r}", "a field name, a value or a bracket")

    def _place_of(self, offset: int) -> Place:
        line = bisect_right(self._lines, offset)
        return Place(line, offset - self._lines[line - 1] + 1)

    @property
    def _place(self) -> Place:
        """Of the next token."""
        return self._place_of(self._starts[self._next])

    def _expected(self, what: str) -> TextSyntaxError:
        kind = self._kinds[self._next]
        if kind == "broken":
            assert self._broken is not None
            return self._broken
        shown = f'"{shortened(self._texts[self._next])}"'
        return TextSyntaxError(
            self._place, f"found {'the end of the file' if kind == 'end' else shown}", what
        )

    def _is_mark(self, marks: str) -> bool:
        return self._kinds[self._next] == "mark" and self._texts[self._next] in marks

    def file(self) -> Block:
        fields: list[Field] = []
        while self._kinds[self._next] != "end":
            fields.append(self._field())
        return Block(tuple(fields), Place(1, 1))

    def _field(self) -> Field:
        place = self._place
        name = self._name()
        colon = self._is_mark(":")
        self._next += colon
        is_list = self._is_mark("[")
        if is_list:
            values = self._list()
        elif self._is_mark("{<"):
            values = (self._block(),)
        elif not colon:
            raise self._expected(f'":" or "{{" after {name}')
        else:
            values = (self._scalar(),)
        self._next += self._is_mark(",;")
        return Field(name, values, place, is_list)

    def _name(self) -> str:
        if self._is_mark("["):  # an extension or an Any: [package.name]
            self._next += 1
            parts: list[str] = []
            while not self._is_mark("]"):
                if self._kinds[self._next] not in ("word", "mark", "number"):
                    raise self._expected('"]"')
                parts.append(self._texts[self._next])
                self._next += 1
            self._next += 1
            return f"[{''.join(parts)}]"
        name = self._texts[self._next]
        if self._kinds[self._next] != "word" or name[0] == "-":
            raise self._expected("a field name")
        self._next += 1
        return name

    def _list(self) -> tuple[Scalar | Block, ...]:
        line = self._place.line
        self._next += 1
        values: list[Scalar | Block] = []
        while not self._is_mark("]"):
            if values:
                if not self._is_mark(","):
                    raise self._expected(f'"," or "]" for the list of line {line}')
                self._next += 1
            values.append(self._block() if self._is_mark("{<") else self._scalar())
        self._next += 1
        return tuple(values)

    def _block(self) -> Block:
        opening = self._place
        closing = "}" if self._texts[self._next] == "{" else ">"
        self._next += 1
        self._depth += 1
        if self._depth > _MOST_NESTED:
            found = f"more than {_MOST_NESTED} nested blocks"
            raise TextSyntaxError(opening, found, "fewer")
        fields: list[Field] = []
        while not self._is_mark(closing):
            if self._kinds[self._next] == "end" or self._is_mark("}>"):
                shown = f"{opening.line}:{opening.column}"
                raise self._expected(f'"{closing}" for the block opened at {shown}')
            fields.append(self._field())
        self._next += 1
        self._depth -= 1
        return Block(tuple(fields), opening)

    def _scalar(self) -> Scalar:
        kind, place = self._kinds[self._next], self._place
        if kind not in ("string", "number", "word"):
            raise self._expected("a value")
        text = self._texts[self._next]
        self._next += 1
        if kind == "string" and self._kinds[self._next] == "string":
            texts = [text]
            while self._kinds[self._next] == "string":
                texts.append(self._texts[self._next])
                self._next += 1
            text = " ".join(texts)
        elif text[0] == "-":
            text = re.sub(r"^-\s+", "-", text)
        return Scalar(kind, text, place)


def shortened(text: str, most: int = 60) -> str:
    """`text`, or its beginning with `…` if it is longer than `most`."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
