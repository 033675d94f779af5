"""Numbers and flags as annotations write them: text or JSON values, of which nothing is assumed."""

from __future__ import annotations

import math
import re
from typing import Any

# Python's own float() also takes "1_000", "١٢" and "infinity".
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(nan|inf|NaN|Inf)", re.ASCII)
_LONGEST = 40  # characters; no coordinate is longer
_LONGEST_SIDE = 1_000_000
_TRUE, _FALSE = ("1", "true", "yes", "y", "t"), ("", "0", "false", "no", "n", "f", "unspecified")


class ValueProblem(ValueError):
    """A value is not what its place asks for; whoever knows the place makes a `DataError` of it."""


def number(value: Any) -> float:
    """`value` as a number; NaN and infinity are numbers here.

    Raises:
        ValueProblem: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueProblem(f"{shown(value)} is no number")
    if isinstance(value, str):
        text = value.strip()
        if len(text) > _LONGEST or not _NUMBER.fullmatch(text):
            raise ValueProblem(f"{shown(value)} is no number")
        return float(text)
    try:
        return float(value)
    except OverflowError:
        raise ValueProblem(f"{shown(value)} is too large") from None


def finite(value: Any) -> float:
    """`value` as a number that is neither NaN nor infinite.

    Raises:
        ValueProblem: it is none.
    """
    result = number(value)
    if not math.isfinite(result):
        raise ValueProblem(f"{shown(value)} is no finite number")
    return result


def side(value: Any) -> int:
    """A height or width in pixels; 0, nothing or an empty text where the annotation is silent.

    Raises:
        ValueProblem: it is negative, no whole number, or larger than any image.
    """
    if value is None or value == "":
        return 0
    result = finite(value)
    if result < 0 or result > _LONGEST_SIDE or result != int(result):
        raise ValueProblem(f"{shown(value)} is no number of pixels from 0 to {_LONGEST_SIDE}")
    return int(result)


def flag(value: Any) -> bool:
    """Whether `value` says yes; nothing, an empty text and "Unspecified" say no.

    Raises:
        ValueProblem: it says neither.
    """
    if value is None or isinstance(value, bool):
        return bool(value)
    text = str(value).strip().lower() if isinstance(value, int | float | str) else "?"
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    try:
        return finite(value) != 0
    except ValueProblem:
        raise ValueProblem(f"{shown(value)} is neither yes nor no") from None


def shown(value: object) -> str:
    """`value` for a message: short, and without control characters."""
    if isinstance(value, int) and value.bit_length() > 200:
        return f"a number of {value.bit_length()} bits"
    text = repr(value) if isinstance(value, str | bytes | int | float) else _typed(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _typed(value: object) -> str:
    return "null" if value is None else f"a {type(value).__name__} of {_size(value)}"


def _size(value: object) -> str:
    try:
        return f"{len(value)} values"  # pyright: ignore[reportArgumentType]
    except TypeError:
        return "one value"
