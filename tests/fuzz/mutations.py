"""Wrong inputs of every kind, made from right ones; the same for the same seed."""

from __future__ import annotations

import json
import random
import re
from typing import Any

WEIRD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1,
    1e8,
    1e9,
    -1e300,
    10**400,
    0.5,
    1e-300,
    float("nan"),
    float("inf"),
    -float("inf"),
    "",
    " ",
    "1",
    "-5",
    "nan",
    "1_000",
    "٣",
    "a\nb",
    "a\u0000b",
    "\x1b[31mred",
    "cube [/5]",
    "[red]x",
    "\ud800",
    "x" * 300,
    "../../etc/passwd",
    [],
    [[]],
    {},
    {"a": []},
    [1, 2, 3],
    [1, 2, 3, 4, 5],
    ["1", "2", "3", "4"],
    [None] * 4,
    [0.5] * 20_000,
]
TOKENS = [
    b"",
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xe9",
    b"\xed\xa0\x80",
    b"-1",
    b"1e400",
    b"1e8",
    b"nan",
    b"Infinity",
    b"null",
    b"9" * 5000,
    b"[" * 3000,
    b"{" * 3000,
    b'"',
    b"'",
    b"<",
    b"&amp;",
    b"&x;",
    b"]]>",
    b",,,",
    b";",
    b"\t",
    b"\r\n",
    b"- " * 500,
    b"*a",
    b"&a",
    b"!!python/object:os.system ",
    b"encoding='utf-9'",
    b'"' + b"x" * 200_000,
    b"\x1b]0;x\x07",
    b"\x85\xe2\x80\xa8",
]


def mutated_bytes(rng: random.Random, data: bytes) -> bytes:
    """`data` with one to three changes of bytes."""
    for _ in range(rng.randint(1, 3)):
        data = _changed(rng, data)
    return data


def _changed(rng: random.Random, data: bytes) -> bytes:
    place = rng.randrange(len(data) + 1)
    end = min(len(data), place + rng.choice((1, 2, 8, 64, 1024)))
    match rng.randrange(7):
        case 0:
            return data[:place]
        case 1:
            return data[:place] + data[end:]
        case 2:
            return data[:place] + rng.choice(TOKENS) + data[place:]
        case 3:
            return data[:place] + rng.choice(TOKENS) + data[end:]
        case 4:
            flipped = bytes(byte ^ 1 << rng.randrange(8) for byte in data[place : place + 1])
            return data[:place] + flipped + data[place + 1 :]
        case 5:
            return data[:place] + data[place:end] * rng.choice((2, 50)) + data[end:]
        case _:
            return data[:place] + rng.randbytes(rng.choice((1, 4, 32))) + data[end:]


def mutated_json(rng: random.Random, value: Any) -> bytes:
    """A JSON value with one to three nodes replaced, removed or repeated; sometimes nested deep."""
    for _ in range(rng.randint(1, 3)):
        value = _replaced(rng, value)
    text = json.dumps(value)
    if rng.random() < 0.02:
        text = '{"a":' * 5000 + text + "}" * 5000
    if rng.random() < 0.05:
        numbers = list(re.finditer(r"\d+", text))
        if numbers:
            match = rng.choice(numbers)
            text = text[: match.start()] + "7" * 5000 + text[match.end() :]
    return text.encode("utf-8", "surrogatepass")


def _replaced(rng: random.Random, value: Any) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        kind = rng.random()
        if kind < 0.12:
            return {other: value[other] for other in value if other != key}
        return {**value, key: _replaced(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.9:
        place = rng.randrange(len(value))
        kind = rng.random()
        if kind < 0.1:
            return value[:place] + value[place + 1 :]
        if kind < 0.2:
            return [*value, value[place]]
        return [*value[:place], _replaced(rng, value[place]), *value[place + 1 :]]
    return rng.choice(WEIRD)


def mutated_words(rng: random.Random, text: str) -> bytes:
    """A text with one to three of its words or numbers replaced by weird ones."""
    for _ in range(rng.randint(1, 3)):
        words = list(re.finditer(r"[^\s<>,;/\"']+", text))
        if not words:
            break
        match = rng.choice(words)
        weird = rng.choice(WEIRD)
        spelled = weird if isinstance(weird, str) else json.dumps(weird)
        text = text[: match.start()] + spelled + text[match.end() :]
    return text.encode("utf-8", "surrogatepass")
