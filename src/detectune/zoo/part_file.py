"""What has arrived of a file, and the version it belongs to.

    FILE.part         the bytes so far
    FILE.part.json    where they came from, and of which version (ETag or date, length)

Two halves are joined only if they are of one version. Notes that somebody has changed by hand are
not believed: then the part counts as nothing.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

from detectune.errors import ZooError, three_part
from detectune.files import read_regular

# Of a length in bytes that can be meant.
_MOST_DIGITS = 15


@dataclass
class Part:
    """The file as far as it has arrived, and the version it belongs to."""

    path: Path
    url: str
    validator: str = ""
    """Strong ETag or date of the version, for If-Range; empty if the server gave none."""
    total: int | None = None
    ours: bool = False
    """Whether what stands at `path` came from `url`; if not, it counts as nothing."""

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.ours and self.path.exists() else 0

    @property
    def _notes(self) -> Path:
        return self.path.with_name(f"{self.path.name}.json")

    @classmethod
    def found(cls, path: Path, url: str) -> Part:
        """The part left by an earlier call, if it came from the same address."""
        part = cls(path, url)
        part._check_place()
        notes = _read_notes(part._notes)
        if notes is None or notes["url"] != url:
            return part
        found = cls(path, url, notes["validator"], notes["total"], ours=True)
        # More than there should be: it cannot be what the notes speak of.
        return part if found.total is not None and found.size > found.total else found

    def _check_place(self) -> None:
        """See that only files stand where the part and its notes belong."""
        for file in (self.path, self._notes):
            if os.path.lexists(file) and not file.is_file():
                raise ZooError(
                    three_part(
                        f"{file}: something that is no file stands here.",
                        "What has arrived of an archive is kept in a file of this name.",
                        "Remove it, or choose another folder with --into.",
                    )
                )

    def begin(self, headers: Message, total: int | None) -> None:
        """Start an empty part for the version that `headers` describe."""
        self.validator, self.total = validator_of(headers), total
        self.path.write_bytes(b"")
        self.ours = True
        notes = {"url": self.url, "validator": self.validator, "total": total}
        self._notes.write_text(json.dumps(notes), "utf-8")

    def discard(self) -> None:
        """Remove the part and its notes."""
        self.path.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)
        self.validator, self.total = "", None

    def finish(self, target: Path) -> None:
        os.replace(self.path, target)
        self._notes.unlink(missing_ok=True)


def _read_notes(file: Path) -> dict[str, Any] | None:
    """What `begin` wrote; None if there is nothing, or if it is damaged and cannot be trusted."""
    try:
        notes: Any = json.loads(read_regular(file))
        url, validator, total = notes["url"], notes["validator"], notes["total"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    sound = (
        isinstance(url, str)
        and isinstance(validator, str)
        and validator == _plain(validator)
        and (total is None or (type(total) is int and 0 < total < 10**_MOST_DIGITS))
    )
    return {"url": url, "validator": validator, "total": total} if sound else None


def _plain(text: str) -> str:
    """`text` of a header, if it can be sent back in one; else nothing."""
    return text if text.isascii() and text.isprintable() and len(text) <= 300 else ""


def validator_of(headers: Message) -> str:
    tag = _plain(headers.get("ETag", ""))
    # A weak tag says "about the same", which is not enough to join two halves.
    return tag if tag and not tag.startswith("W/") else _plain(headers.get("Last-Modified", ""))


def length_of(headers: Message) -> int | None:
    text = headers.get("Content-Length", "")
    digits = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if digits else None
