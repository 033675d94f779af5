"""Whole documents that were written, or grown, to hurt whoever reads them."""

from __future__ import annotations

import random
from collections.abc import Callable

Document = Callable[[random.Random, bytes], bytes]
"""Makes one, perhaps from a sound document."""


def _entities(rng: random.Random, data: bytes) -> bytes:
    """A billion laughs: entities of entities."""
    names = [f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 10)]
    head = "<!DOCTYPE annotation [<!ENTITY e0 'ha'>" + "".join(names) + "]>"
    return data.replace(b"?>", b"?>" + head.encode(), 1).replace(b"cat", b"&e9;")


def _outside(rng: random.Random, data: bytes) -> bytes:
    """An entity that is another file."""
    place = rng.choice(("file:///etc/passwd", "/dev/zero", "http://127.0.0.1:9/x", "a.png"))
    head = f"<!DOCTYPE annotation [<!ENTITY x SYSTEM '{place}'>]>"
    return data.replace(b"?>", b"?>" + head.encode(), 1).replace(b"cat", b"&x;")


def _deep_tags(rng: random.Random, data: bytes) -> bytes:
    depth = rng.choice((1000, 100_000))
    return data.replace(b"<object>", b"<object>" + b"<a>" * depth + b"</a>" * depth, 1)


def _many_objects(rng: random.Random, data: bytes) -> bytes:
    """One object, thousands of times."""
    for begin, end in ((b"<object>", b"</object>"), (b"<box ", b"/>"), (b"<polygon ", b"/>")):
        place = data.find(begin)
        if place >= 0:
            piece = data[place : data.index(end, place) + len(end)]
            return data[:place] + piece * 5000 + data[place:]
    return data * 2


def _another_encoding(rng: random.Random, data: bytes) -> bytes:
    encoding = rng.choice(("utf-16", "utf-32", "utf-7", "cp037", "utf-8-sig", "latin-1", "cp949"))
    return data.decode("utf-8", "replace").encode(encoding, "replace")


def _said_encoding(rng: random.Random, data: bytes) -> bytes:
    encoding = rng.choice((b"utf-16", b"utf-32", b"cp949", b"x-none", b"base64", b"rot13", b"\xff"))
    return data.replace(b'"utf-8"', b'"' + encoding + b'"', 1)


def _anchors(rng: random.Random, data: bytes) -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    return "\n".join([*lines, "names: *a9", ""]).encode() + data


def _yaml(rng: random.Random, data: bytes) -> bytes:
    texts = (
        b"names: &n [*n]",
        b"names: &n {0: *n}",
        b"base: &b {0: cat}\nnames: {<<: *b, 1: dog}",
        b"names: {<<: [1, 2]}",
        b"? [a, b]\n: c\nnames: {[0]: cat}",
        b"names: !!set {cat, dog}",
        b"names: !!binary Y2F0",
        b"names: !!timestamp 2001-99-99",
        b"names: {2001-12-14: cat, 1:30: dog, 0o7: x, .inf: y, 1_0: z}",
        b"names: [yes, no, null, ~, 1e3, 0x1F, 1:30]",
        b"--- a\n--- b\nnames: [cat]",
        b"%YAML 9.9\n---\nnames: [cat]",
        b"%TAG ! tag:x,2000:\n---\nnames: !x [cat]",
        b"names: [cat]\nnames: [dog, cat]\nnc: 1",
        b"names:\n\t- cat",
        b"names: " + b"[" * 20_000,
        b"names: " + b"{a: " * 20_000,
        b"names:\n" + b"".join(b" " * n + b"-\n" for n in range(1, 1500)),
        b"names: {" + b"9" * 5000 + b": cat}",
        b"names: [" + b"cat, " * 50_000 + b"]",
        b"nc: " + b"9" * 5000 + b"\nnames: [cat]",
        b"kpt_shape: [99999999, 3]\nnames: [cat]",
        b"kpt_shape: [[17]]\nnames: [cat]",
        b"train: [a, [b]]\nval: {x: y}\nnames: [cat]",
        b"train: '**/*'\nnames: [cat]",
        b"train: /dev/zero\nnames: [cat]",
        b"train: ../nothing/../..x\nnames: [cat]",
        b"path: [1]\ntrain: 3\nnames: cat",
    )
    return rng.choice(texts) + b"\n"


def _json(rng: random.Random, data: bytes) -> bytes:
    many = b"[" + b", ".join([b"0.5"] * 100_000) + b"]"
    texts = (
        b"[" * 100_000,
        b'{"images": ' * 20_000,
        b"null",
        b'"text"',
        b"12",
        b"[]",
        b"{}",
        data + data,
        data.replace(b"null", b"NaN").replace(b"0", b"Infinity"),
        data.replace(b'"categories"', b'"categories": [], "categories"', 1),
        data.replace(b"[[6, 4, 30, 4, 30, 20]]", b"[" + many + b"]"),
        data.replace(b"[244, 16, 2140]", many),
        data.replace(b"[244, 16, 2140]", b'"' + b"\\\\~" * 50_000 + b'"'),
        data.replace(b"[40, 60]", b"[99999999, 99999999]"),
        data.replace(b"[[6, 4], [30, 20]]", b"[" + b"[0.5, 1], " * 50_000 + b"[1, 2]]"),
        data.replace(b"60", b"1" * 400),
    )
    return rng.choice(texts)


def _table(rng: random.Random, data: bytes) -> bytes:
    header, *rows = data.splitlines(keepends=True)
    texts = (
        header,
        b"".join(rows),
        header + b'"' + b"x" * 200_000,
        header + b"x" * 300_000 + b"," + rows[0],
        b",".join([b"filename"] * 10_000) + b"\n" + rows[0],
        header.replace(b"\n", b",filename,class\n") + rows[0],
        data.replace(b"\n", b"\r"),
        data.replace(b"\n", b"\r\r\n"),
        data.replace(b",", b"\t"),
        data.replace(b",", b";").replace(b".", b","),
        data.replace(b",", b'","'),
        header + rows[0] * 2000,
        header + b"".join(b"%d.png,60,40,c%d,6,4,30,20,0\n" % (n, n) for n in range(3000)),
        header.upper() + b"".join(rows),
        header + rows[0].replace(b"6", b"6.5").replace(b"30", b"1e1"),
    )
    return rng.choice(texts)


def _lines(rng: random.Random, data: bytes) -> bytes:
    first = data.splitlines(keepends=True)[0]
    texts = (
        first * 2000,
        first.strip() + b" 0.5" * 100_000,
        b"9" * 5000 + b" " + data,
        data.replace(b" ", b"\t"),
        data.replace(b" ", b","),
        data.replace(b"\n", b"\r"),
        data.replace(b"\n", b"\x85"),
        data.replace(b"0", "٠".encode()),
        b"".join(b"class %d\n" % n for n in range(20_000)),
        b"\n" * 100_000,
        b"#" + data,
    )
    return rng.choice(texts)


_XML = (_entities, _outside, _deep_tags, _many_objects, _said_encoding, _another_encoding)
DOCUMENTS: dict[str, tuple[Document, ...]] = {
    ".xml": _XML,
    ".yaml": (_anchors, _yaml, _yaml, _yaml, _another_encoding),
    ".json": (_json, _json, _json, _another_encoding),
    ".csv": (_table, _table, _table, _another_encoding),
    ".txt": (_lines, _lines, _lines, _another_encoding),
}
"""Suffix of a file → what may be in it."""
