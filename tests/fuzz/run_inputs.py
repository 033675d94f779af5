"""Damaged run directories, archives, servers and notes, made from sound ones; the same for the same
seed."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

NUMBERS = ["-1", "0", "1e400", "NaN", "-Infinity", "9" * 400, "1.5", "true", "null", "[]", '"x"']
TEXTS = [
    b"", b" ", b"\n", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"<!doctype html>", b"[" * 5000,
    b'{"a":' * 3000, b"model { }", b"item { }", b'model_checkpoint_path: ""', b"null", b"{}",
    bytes(range(256)), b"PK\x03\x04", b"\x1f\x8b\x08\x00", b"\x93NUMPY",
]  # fmt: skip


class Damage(NamedTuple):
    """What is done to a folder, and how it is called in a failure."""

    name: str
    apply: Callable[[Path], None]


def damaged_bytes(rng: random.Random, data: bytes) -> bytes:
    """`data` with one to three changes: flipped, cut, repeated, overwritten, filled with zeros."""
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(data) + 1)
        end = min(len(data), place + rng.choice((1, 4, 64, 4096)))
        kind = rng.randrange(6)
        if kind == 0:
            data = data[:place]
        elif kind == 1:
            data = flipped(rng, data)
        elif kind == 2:
            data = data[:place] + rng.randbytes(end - place) + data[end:]
        elif kind == 3:
            data = data[:place] + data[place:end] * 2 + data[end:]
        elif kind == 4:
            data = data[:place] + bytes(end - place) + data[end:]
        else:
            data = data[:place] + rng.choice(TEXTS) + data[end:]
    return data


def flipped(rng: random.Random, data: bytes) -> bytes:
    """`data`, as long as before, with one bit flipped; empty data as they are."""
    if not data:
        return data
    place = rng.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]


def _numbers(rng: random.Random, data: bytes) -> bytes:
    """A text with one of its numbers replaced."""
    text = data.decode("utf-8", "surrogateescape")
    places = [
        i for i, c in enumerate(text) if c.isdigit() and (i == 0 or not text[i - 1].isdigit())
    ]
    if not places:
        return data
    place = rng.choice(places)
    end = place
    while end < len(text) and text[end].isdigit():
        end += 1
    changed = text[:place] + rng.choice(NUMBERS) + text[end:]
    return changed.encode("utf-8", "surrogateescape")


def damages(seed: int, count: int, run: Path) -> Iterator[Damage]:
    """`count` ways to damage a copy of the run directory `run`, one file or folder each."""
    files = sorted(path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file())
    folders = sorted(path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_dir())
    for number in range(count):
        rng = random.Random(f"run {seed} {number}")
        if rng.random() < 0.05:
            name, kind = rng.choice(folders), rng.choice(("removed", "a file", "a pipe", "a loop"))
        else:
            name = rng.choice(files)
            kind = rng.choice(
                ("flipped",) * 6 + ("damaged",) * 6 + ("numbers",) * 3 + ("text",) * 2
                + ("removed", "a folder", "a pipe", "a loop", "a link to nothing", "another")
            )  # fmt: skip
        yield Damage(
            f"{number}: {name} is {kind}",
            lambda folder, rng=rng, name=name, kind=kind: _damage(rng, folder, name, kind),
        )


def _damage(rng: random.Random, folder: Path, name: str, kind: str) -> None:
    path = folder / name
    data = path.read_bytes() if path.is_file() else b""
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    if kind == "a folder":
        path.mkdir()
    elif kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a loop":
        path.symlink_to(path.name)
    elif kind == "a link to nothing":
        path.symlink_to("nothing")
    elif kind == "another":
        others = sorted(other for other in folder.rglob("*") if other.is_file())
        shutil.copy(rng.choice(others), path)
    elif kind != "removed":
        changes = {"flipped": flipped, "damaged": damaged_bytes, "numbers": _numbers}
        path.write_bytes(changes[kind](rng, data) if kind in changes else rng.choice(TEXTS))


def archives(seed: int, count: int) -> Iterator[bytes]:
    """`count` damaged .tar.gz files: some in the tar, with a sound checksum, some in the gzip."""
    for number in range(count):
        rng = random.Random(f"archive {seed} {number}")
        tar = _tar(rng)
        if rng.random() < 0.8:
            yield gzip.compress(damaged_bytes(rng, tar), 1)
        else:
            yield damaged_bytes(rng, gzip.compress(tar, 1))


def _tar(rng: random.Random) -> bytes:
    buffer = io.BytesIO()
    kind = rng.choice((tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT))
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as tar:
        for name in ("model/checkpoint/ckpt-0.index", "model/pipeline.config", "model/saved/x"):
            member = tarfile.TarInfo(name)
            if kind == tarfile.PAX_FORMAT and rng.random() < 0.7:
                member.pax_headers = {"path": name, "mtime": "1.5", "comment": "ä" * 40}
            if kind == tarfile.GNU_FORMAT and rng.random() < 0.5:
                member.name = "model/" + "d/" * 60 + name.rpartition("/")[2]
            content = rng.randbytes(rng.choice((0, 10, 700, 3000)))
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def answers_of(seed: int, count: int, body: bytes) -> Iterator[bytes]:
    """`count` answers of a server, status line and all, of which some are sound."""
    for number in range(count):
        rng = random.Random(f"answer {seed} {number}")
        status = rng.choice(("200 OK", "200 OK", "206 Partial", "302 Found", "416 No", "503 Busy"))
        headers = {
            "Content-Length": rng.choice((str(len(body)), "²", "-1", "9" * 50, "0", "12")),
            "Content-Range": rng.choice((f"bytes 0-{len(body) - 1}/{len(body)}", "bytes x", "*")),
            "ETag": rng.choice(('"v1"', "W/x", "ä\x01", "e" * 5000)),
            "Location": rng.choice(("ftp://x/", "/", "http://[", "//host:99999/", "\xff", "?" * 9)),
            "Transfer-Encoding": rng.choice(("chunked", "gzip", "identity")),
            "Content-Type": rng.choice(("application/gzip", "text/html", "\x1b[31m")),
        }
        chosen = rng.sample(sorted(headers), rng.randint(0, len(headers)))
        head = "".join(f"{name}: {headers[name]}\r\n" for name in chosen)
        text = f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1")
        sent = body if rng.random() < 0.6 else rng.choice((b"", body[:40], b"<html>", bytes(50)))
        whole = text + sent
        yield damaged_bytes(rng, whole) if rng.random() < 0.5 else whole


def notes(seed: int, count: int, sound: dict[str, object]) -> Iterator[bytes]:
    """`count` notes of an earlier download, changed by hand or by a disk."""
    odd = (None, -1, 0, 1.5, True, "", "x", "ä", "a\nb", [], {}, 10**30, "300000", "e" * 400)
    for number in range(count):
        rng = random.Random(f"notes {seed} {number}")
        changed = {**sound, rng.choice(sorted(sound)): rng.choice(odd)}
        if rng.random() < 0.2:
            changed.pop(rng.choice(sorted(changed)))
        text = json.dumps(changed).encode()
        yield damaged_bytes(rng, text) if rng.random() < 0.4 else text


def addresses(seed: int, count: int) -> Iterator[str]:
    """`count` mirrors as somebody may write them."""
    parts = (
        "http://", "https://", "HTTP://", "ftp://", "file://", "http:/", "://", "gs://", "host",
        "localhost", "127.0.0.1", "[::1]", "[", "]", ":", ":99999", ":0", ":80", ":²", "@", "a:b@",
        "/", "//", "\\", "..", " ", "\t", "\n", "\0", "?", "#", "%20", "%", "ä", "日本", "\ud800",
        "\x1b[2J", "x" * 300, ".", "-", "_", "tf2",
    )  # fmt: skip
    for number in range(count):
        rng = random.Random(f"address {seed} {number}")
        yield "".join(rng.choice(parts) for _ in range(rng.randint(1, 6)))
