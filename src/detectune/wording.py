"""Names and numbers in sentences: what a file brings becomes text that is safe to show.

Names of classes and files come from outside. They may hold terminal escapes, line breaks, bytes
that are no UTF-8, or letters that turn the direction of writing. Whatever is shown to people goes
through `visible` or `one_line`; `detectune.terminal` does it for everything that is printed. Files
that programs read (JSON, CSV, label maps) hold the names as they are.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Sequence

# Controls, halves of surrogate pairs, separators of lines and paragraphs.
_SHOWN_AS_CODES = {"Cc", "Cs", "Zl", "Zp"}
# Letters nobody sees: zero width, and those that turn the direction of what follows.
_UNSEEN = frozenset("\u00ad\u200b\u200e\u200f\u2060\ufeff") | {
    chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xE0000, 0xE0080))
}
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
# Python reads a byte that is no UTF-8 as U+DC00 plus the byte (PEP 383).
_ESCAPED_BYTES = range(0xDC80, 0xDD00)


def visible(text: str) -> str:
    """`text` with every letter that is a command or cannot be seen written as its code.

    `"\\x1b[2J"` becomes `\\x1b[2J`; a byte that is no UTF-8 becomes `\\xff`. Line breaks are kept.
    """
    if text.replace("\n", "").isprintable():
        return text
    return "".join(letter if letter == "\n" else _shown(letter) for letter in text)


def one_line(name: object) -> str:
    """`name` as `visible` shows it, line breaks as `\\n`: for names in tables and sentences."""
    return visible(str(name)).replace("\n", r"\n")


def in_html(text: object, *, lines: bool = False) -> str:
    """`text` for the body or an attribute of an HTML page, with nothing that the page obeys.

    Args:
        lines: keep line breaks, as a `<pre>` shows them.
    """
    return html.escape(visible(str(text)) if lines else one_line(text))


def plural(count: int, noun: str, several: str = "") -> str:
    """`1 image`, `2 images`, `1,200 boxes`.

    Args:
        several: the noun for other counts than 1, where it is not the usual form of English.
    """
    return f"{count:,} {noun if count == 1 else several or _several(noun)}"


def first_lines(lines: Sequence[str], most: int) -> str:
    """The first of `lines`, each on a line of its own and set in, and how many more there are."""
    more = [f"… and {len(lines) - most:,} more"] if len(lines) > most else []
    return "\n".join(f"  {line}" for line in [*lines[:most], *more])


def first_names(names: Sequence[str], most: int) -> str:
    """`a, b, … and 3 more`: the first of `names`, and how many more there are."""
    more = [f"… and {len(names) - most:,} more"] if len(names) > most else []
    return ", ".join([*names[:most], *more])


def _several(noun: str) -> str:
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def _shown(letter: str) -> str:
    code = ord(letter)
    if letter not in _UNSEEN and unicodedata.category(letter) not in _SHOWN_AS_CODES:
        return letter
    if letter in _SHORT:
        return _SHORT[letter]
    if code in _ESCAPED_BYTES:
        return f"\\x{code - 0xDC00:02x}"
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
