"""Odd things in folders and archives: links in circles, pipes, names that are hardly any."""

from __future__ import annotations

import os
import random
import re
import shutil
import socket
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

from mutations import mutated_bytes

Damage = Callable[[], object]

NAMES = (
    *(
        b"\xff.",
        b"caf\xe9.",
        b"a\nb.",
        b"\x1b[31m.",
        b"[red]x.",
        b".hidden.",
        b" a .",
        b"a..",
        b"-",
    ),
    *(b"x" * 240 + b".", "ж".encode() * 100 + b".", b"%s.", b"*?.", b"a;b,c.", b"'\".", b"."),
)

PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
# In an entry of the directory of a .zip, offset and bytes: APPNOTE.TXT of PKWARE, 4.3.12.
FIELDS = ((8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (38, 4), (42, 4))


def damaged_folder(rng: random.Random, folder: Path) -> Damage:
    """What does one thing to one of the files in `folder`; it is decided before it is done."""
    path = rng.choice(sorted(folder.iterdir()))
    name = os.fsdecode(rng.choice(NAMES)) + rng.choice((path.suffix[1:], path.suffix[1:].upper()))
    damages: tuple[Damage, ...] = (
        path.unlink,
        lambda: path.write_bytes(b""),
        lambda: path.write_bytes(path.read_bytes()[: rng.randrange(40)]),
        lambda: path.chmod(0),
        lambda: _instead(path, path.mkdir),
        lambda: _instead(path, lambda: os.mkfifo(path)),
        lambda: _instead(path, lambda: _socket(path)),
        lambda: _instead(path, lambda: path.symlink_to(path.name)),
        lambda: _instead(path, lambda: path.symlink_to("nothing")),
        lambda: _instead(path, lambda: path.symlink_to("/dev/null")),
        lambda: _instead(path, lambda: path.symlink_to(folder)),
        lambda: (folder / "again").symlink_to(folder),
        lambda: path.rename(folder / name),
        lambda: shutil.copy(path, folder / name),
        lambda: os.mkfifo(folder / name),
        lambda: (folder / name).mkdir(),
        lambda: _below(rng, folder, path),
    )
    return rng.choice(damages)


def _instead(path: Path, make: Callable[[], object]) -> None:
    path.unlink()
    make()


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        # Its address may have 107 bytes only; from inside the folder the name is enough.
        here = os.open(".", os.O_RDONLY)
        try:
            os.chdir(path.parent)
            one.bind(path.name)
        finally:
            os.fchdir(here)
            os.close(here)


def _below(rng: random.Random, folder: Path, path: Path) -> None:
    """Everything one or many folders down, or a single file."""
    place = folder.joinpath(*["d"] * rng.choice((1, 2, 11, 13, 40)))
    files = sorted(folder.iterdir()) if rng.random() < 0.5 else [path]
    place.mkdir(parents=True)
    for file in files:
        file.rename(place / file.name)


def odd_zip(rng: random.Random, folder: Path) -> Path:
    """An archive of what is in `folder`, with one odd thing in or about it, perhaps damaged."""
    file = folder / "packed.zip"
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    how = rng.choice(
        (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    )
    prefix = rng.choice(("", "", "set/", "a/b/", "__MACOSX/", "./"))
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, data in files.items():
            archive.writestr(prefix + name, data)
        for entry, data in _odd_entries(rng, prefix, files):
            archive.writestr(entry, data)
    data = file.read_bytes()
    if rng.random() < 0.5:
        data = rng.choice((mutated_bytes, _other_fields))(rng, data)
    for path in folder.iterdir():
        path.unlink()
    file.write_bytes(data)
    return file


def _odd_entries(
    rng: random.Random, prefix: str, files: dict[str, bytes]
) -> list[tuple[zipfile.ZipInfo | str, bytes]]:
    name = rng.choice(sorted(files))
    link = zipfile.ZipInfo(f"{prefix}link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    pipe = zipfile.ZipInfo(f"{prefix}pipe.png")
    pipe.external_attr = (stat.S_IFIFO | 0o666) << 16
    odd: list[list[tuple[zipfile.ZipInfo | str, bytes]]] = [
        [],
        [],
        [(link, b"/etc/passwd")],
        [(pipe, b"")],
        [(f"../{name}", b"x")],
        [("/tmp/x.png", b"x")],
        [(f"{prefix}folder\\{name}", files[name])],
        [(f"{prefix}{name.upper()}", files[name])],
        [(f"{prefix}{name}/inside", b"x")],
        [("x" * 300, b"x")],
        [(f"{prefix}caf\xe9\udc80.png".encode("utf-8", "replace").decode(), b"x")],
        [(f"{prefix}a\nb\x1b[31m.png", b"x")],
        [("inner.zip", b"PK\x05\x06" + bytes(18))],
        [(f"{prefix}big.bin", bytes(300_000))],
        [(f"d{number}/", b"") for number in range(300)],
    ]
    return rng.choice(odd)


def _other_fields(rng: random.Random, data: bytes) -> bytes:
    """Sizes, flags, ways of packing and offsets in the directory of a .zip changed."""
    head = rng.choice([match.start() for match in re.finditer(b"PK\x01\x02", data)])
    # Offsets in an entry of the central directory: APPNOTE.TXT of PKWARE, 4.3.12.
    place, size = rng.choice(
        ((8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (38, 4), (42, 4))
    )
    value = rng.choice((0, 1, 9, 99, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)) % (1 << 8 * size)
    field = value.to_bytes(size, "little")
    return data[: head + place] + field + data[head + place + size :]
