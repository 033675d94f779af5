"""Broken configs and label maps: pure functions of a seed, so that every input can be made again.

    texts ─► mutated(texts, seed) ─► Input(kind, seed, data)

A kind of damage is a function from a random generator and the sound texts to bytes. `made(seed)`
makes the input of a seed; `inputs(first, count)` many.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

Mutation = Callable[[random.Random, Sequence[bytes]], bytes]

NUMBERS = (
    *("0", "-1", "1", "2", "255", "256", "65536", "2147483647", "-2147483648", "4294967295"),
    *("9223372036854775808", "1e38", "1e39", "1e400", "-1e400", "1e-45", "0.0", "-0.0", "nan"),
    *("-nan", "inf", "-inf", "0x7fffffff", "0777", "08", "1.", ".5", "1f", "1_000", "1e", "--1"),
    *("9" * 5000, f"0.{'0' * 5000}1", "true", '"8"', "{ }", "[1, 2]", "[ ]", "RELU_6"),
)
"""What may stand where a number is."""

CHARACTERS = (
    *("\0", "\x01", "\x1b[31m", "\x7f", "\x85", "\xa0", "\u200b", "\u2028", "\ufeff", "\u202e"),
    *("\u201c", "\u201d", "\u2018", "\uff5b", "\U0001f600", "\\", "\\x", "\\777", "\\U0010ffff"),
    *('"', "'", "`", "#", "//", "/*", ";", ",", ":", "{", "}", "<", ">", "[", "]", "\r", "\f"),
)

_NUMBER = re.compile(rb"(?<![\w.\"])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.\"])")
_WORD = re.compile(rb"[A-Za-z_]\w+")
_STRING = re.compile(rb'"[^"\n]*"')


class Input(NamedTuple):
    """One broken text."""

    kind: str
    seed: int
    data: bytes


def made(seed: int, texts: Sequence[bytes]) -> Input:
    """The input of `seed`: one of the kinds of damage, or several one after the other."""
    rng = random.Random(seed)
    name = rng.choice(sorted(MUTATIONS))
    data = MUTATIONS[name](rng, texts)
    for _ in range(rng.choice((0, 0, 0, 1, 3))):
        again = rng.choice(sorted(MUTATIONS))
        data, name = MUTATIONS[again](rng, [data, *texts]), f"{name}+{again}"
    return Input(name, seed, data)


def inputs(first: int, count: int, texts: Sequence[bytes]) -> Iterator[Input]:
    """The inputs of `count` seeds from `first` on."""
    return (made(seed, texts) for seed in range(first, first + count))


def overrides(first: int, count: int, paths: Sequence[str]) -> Iterator[str]:
    """Assignments such as `--set` takes: fields of `paths` with values of every kind, and noise."""
    for seed in range(first, first + count):
        rng = random.Random(seed)
        path = rng.choice(list(paths))
        if rng.random() < 0.3:
            path = _damaged_text(rng, path)
        value = rng.choice((*NUMBERS, *CHARACTERS, "text", "{x: 1}", "[a, b]", "null", ""))
        if rng.random() < 0.2:
            value = _damaged_text(rng, value)
        yield rng.choice((f"{path}={value}", f"{path}[{value}]={value}", f"{path}{value}", value))


# --- kinds of damage ------------------------------------------------------------------------------


def flipped_bytes(rng: random.Random, texts: Sequence[bytes]) -> bytes:
    """Some bytes replaced by others."""
    data = bytearray(rng.choice(texts))
    for _ in range(rng.randint(1, 8)):
        if data:
            data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def cut_off(rng: random.Random, texts: Sequence[bytes]) -> bytes:
    """The beginning alone, as of a download that broke off."""
    data = rng.choice(texts)
    return data[: rng.randint(0, len(data))]


def cut_out(rng: random.Random, texts: Sequence[bytes]) -> bytes:
    """A piece is missing."""
    data = rng.choice(texts)
    begin, end = sorted(rng.randint(0, len(data)) for _ in range(2))
    return data[:begin] + data[end:]


def repeated_piece(rng: random.Random, texts: Sequence[bytes]) -> bytes:
    """A piece stands there many times."""
    data = rng.choice(texts)
    begin = rng.randint(0, len(data))
    piece = data[begin : begin + rng.randint(1, 80)]
    times = min(rng.choice((2, 10, 1000, 20_000)), 500_000 // max(len(piece), 1))
    return data[:begin] + piece * times + data[begin:]


def spliced(rng: random.Random, texts: Sequence[bytes]) -> bytes:
    """The beginning of one text and the end of another."""
    one, other = rng.choice(texts), rng.choice(texts)
    return one[: rng.randint(0, len(one))] + other[rng.randint(0, len(other)) :]


def other_numbers(rng: random.Random, texts: Sequence[bytes]) -> bytes:
    """Numbers replaced by extreme ones, and by what is none."""
    return _replaced(rng, rng.choice(texts), _NUMBER, NUMBERS)


def other_words(rng: random.Random, texts: Sequence[bytes]) -> bytes:
    """Names exchanged for other names of the text."""
    data = rng.choice(texts)
    words = [word.decode("latin-1") for word in _WORD.findall(data)] or ["a"]
    return _replaced(rng, data, _WORD, words)


def other_strings(rng: random.Random, texts: Sequence[bytes]) -> bytes:
    """Texts in quotes replaced: paths that cannot be, names that are hard to show."""
    values = [f'"{character}"' for character in CHARACTERS]
    values += ['""', f'"{"x" * 300}"', f'"{"y/" * 3000}"', '"."', '"/"', '"/dev/zero"', "'a'"]
    return _replaced(rng, rng.choice(texts), _STRING, values)


def strange_characters(rng: random.Random, texts: Sequence[bytes]) -> bytes:
    """Characters that copying, other keyboards and terminals bring."""
    data = rng.choice(texts)
    for _ in range(rng.randint(1, 5)):
        place = rng.randint(0, len(data))
        data = data[:place] + rng.choice(CHARACTERS).encode() + data[place:]
    return data


def other_encoding(rng: random.Random, texts: Sequence[bytes]) -> bytes:
    """The text as another editor would save it, whole or cut off."""
    text = rng.choice(texts).decode("utf-8", "replace")
    encoding = rng.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "latin-1", "cp037"))
    data = text.encode(encoding, "replace")
    return data[: rng.choice((len(data), rng.randint(0, len(data))))]


def nested(rng: random.Random, texts: Sequence[bytes]) -> bytes:
    """Blocks inside blocks, thousands deep."""
    name, depth = rng.choice((b"model", b"item", b"a", b"[a.b]")), rng.choice((99, 101, 10_000))
    opening, closing = rng.choice(((b"{", b"}"), (b"<", b">"), (b": [", b"]"), (b"{", b"")))
    return (name + opening) * depth + closing * depth + rng.choice(texts)[:100]


def giant(rng: random.Random, texts: Sequence[bytes]) -> bytes:
    """One part of the text, hundreds of kilobytes of it."""
    size = rng.choice((100_000, 400_000))
    unit = rng.choice(
        (b" ", b"\n", b"#", b"\\", b'"', b"1 ", b"1, ", b"a", b"{", b"item { id: 1 name: 'a' }\n")
    )
    data = rng.choice(texts)
    place = rng.randint(0, len(data))
    return data[:place] + unit * (size // len(unit)) + data[place:]


def swapped_lines(rng: random.Random, texts: Sequence[bytes]) -> bytes:
    """Lines in another order, some left out, some twice."""
    lines = rng.choice(texts).split(b"\n")
    return b"\n".join(rng.choice(lines) for _ in range(rng.randint(1, len(lines))))


def noise(rng: random.Random, texts: Sequence[bytes]) -> bytes:
    """Bytes without any sense, perhaps with the beginning of another kind of file."""
    heads = (
        b"",
        b"\x89PNG\r\n",
        b"PK\x03\x04",
        b"\x1f\x8b",
        b"<html>",
        b"{",
        b"\xff\xfe",
        b"---\n",
    )
    return rng.choice(heads) + rng.randbytes(rng.choice((0, 1, 100, 10_000)))


MUTATIONS: dict[str, Mutation] = {
    function.__name__: function
    for function in (
        flipped_bytes,
        cut_off,
        cut_out,
        repeated_piece,
        spliced,
        other_numbers,
        other_words,
        other_strings,
        strange_characters,
        other_encoding,
        nested,
        giant,
        swapped_lines,
        noise,
    )
}


def _replaced(
    rng: random.Random, data: bytes, pattern: re.Pattern[bytes], values: Sequence[str]
) -> bytes:
    """`data` with some matches of `pattern` replaced by some of `values`."""
    found = list(pattern.finditer(data))
    chosen = sorted(rng.sample(range(len(found)), min(len(found), rng.randint(1, 4))), reverse=True)
    for index in chosen:
        begin, end = found[index].span()
        data = data[:begin] + rng.choice(list(values)).encode() + data[end:]
    return data


def _damaged_text(rng: random.Random, text: str) -> str:
    place = rng.randint(0, len(text))
    return text[:place] + rng.choice(CHARACTERS) + text[place:]
