"""One file over HTTP: resumable, limited, retried.

What has arrived stands in `FILE.part`, and in `FILE.part.json` where it came from and which version
of it (ETag, date, length). A second call goes on where the first one stopped, if the server can
and still has the same version; otherwise it starts again. `FILE` appears only when complete.
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import importlib.metadata
import json
import os
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

from detectune.errors import ZooError, three_part
from detectune.files import read_regular
from detectune.wording import one_line
from detectune.zoo.connection import Patience, RefusedRedirect, open_request

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there and the bytes there will be (None: the server is silent)."""

_CHUNK = 1 << 18
# Of a length in bytes that can be meant.
_MOST_DIGITS = 15


@dataclass(frozen=True)
class TransferLimits:
    """When to give up."""

    max_bytes: int = 4 * 2**30
    """No archive of the zoo has more than 1.5 GB."""
    timeout_seconds: float = 30.0
    """Longest silence of the server."""
    attempts: int = 5
    """Attempts in a row that bring nothing new."""
    pause_seconds: float = 1.0
    """Before the second attempt; doubled each time."""
    slow_seconds: float = 60.0
    """How often is looked whether enough arrives."""
    slow_bytes: int = 60 * 1024
    """What must have arrived meanwhile."""


class NotFoundError(ZooError):
    """The server has no such file (404 or 410)."""


class _Broken(Exception):
    """The connection failed in a way that another attempt may mend."""


class _TooSlow(Exception):
    """So little arrives that another attempt would be as slow."""


@dataclass
class _Part:
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
    def found(cls, path: Path, url: str) -> _Part:
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
        self.validator, self.total = _validator(headers), total
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


def transfer(url: str, target: Path, limits: TransferLimits, progress: Progress) -> None:
    """Fetch `url` into the file `target`.

    Raises:
        NotFoundError: the server has no such file.
        ZooError: no connection, no space, too large, not a gzip archive, or the connection broke
            off too often. What has arrived stays, and the next call goes on from there.
    """
    part = _Part.found(target.with_name(f"{target.name}.part"), url)
    failures, most, reason = 0, part.size, ""
    while failures < limits.attempts:
        if failures:
            time.sleep(limits.pause_seconds * 2 ** (failures - 1))
        try:
            _attempt(part, limits, progress)
            part.finish(target)
            return
        except _Broken as error:
            reason = str(error)
            # Only more than ever counts as progress: a server may start again each time.
            failures = 1 if part.size > most else failures + 1
            most = max(most, part.size)
        except _TooSlow as error:
            raise _not_fetched(part, str(error)) from error
        except OSError as error:
            if isinstance(error, ZooError):
                raise
            raise disk_error(part.path, error) from error
    raise _not_fetched(part, reason)


def _not_fetched(part: _Part, reason: str) -> ZooError:
    return ZooError(
        three_part(
            f"{part.url}: could not be fetched: {one_line(reason)[:400]}.",
            f"{part.size:,} bytes have arrived and are kept in {part.path}.",
            "Check the network (and the proxy: HTTPS_PROXY) and run the same command again: it "
            "goes on from there. --mirror takes another server or a folder.",
        )
    )


def _attempt(part: _Part, limits: TransferLimits, progress: Progress) -> None:
    """One request; returns when the part is complete."""
    request = urllib.request.Request(part.url)
    request.add_header("User-Agent", f"detectune/{_version()}")
    request.add_header("Accept-Encoding", "identity")
    offset = part.size
    if offset and offset == part.total:
        return
    if offset and (part.validator or part.total):
        request.add_header("Range", f"bytes={offset}-")
        if part.validator:
            request.add_header("If-Range", part.validator)
    patience = Patience(limits.slow_seconds, limits.slow_bytes)
    try:
        with patience.at_work():
            _ask(request, part, limits, progress, patience)
    except _Broken:
        if patience.lost:
            raise _TooSlow(_slow_reason(limits)) from None
        raise
    if patience.lost and part.size != part.total:
        raise _TooSlow(_slow_reason(limits))
    if part.total is not None and part.size < part.total:
        raise _Broken(f"the connection ended after {part.size:,} of {part.total:,} bytes")


def _ask(
    request: urllib.request.Request,
    part: _Part,
    limits: TransferLimits,
    progress: Progress,
    patience: Patience,
) -> None:
    try:
        with open_request(request, patience, limits.timeout_seconds) as response:
            _receive(response, part, limits, progress, patience)
    except urllib.error.HTTPError as error:
        with contextlib.closing(error):
            _judge_status(error, part)
    except RefusedRedirect as error:
        raise _refused_redirect(part, str(error)) from error
    except urllib.error.URLError as error:
        raise _Broken(_network_reason(error.reason)) from error
    except (TimeoutError, ConnectionError, ssl.SSLError, http.client.HTTPException) as error:
        raise _Broken(_network_reason(error)) from error
    except (ValueError, OverflowError) as error:  # a redirect or a proxy whose address is none
        raise _Broken(_network_reason(error)) from error


def _slow_reason(limits: TransferLimits) -> str:
    return (
        f"fewer than {limits.slow_bytes:,} bytes came in {limits.slow_seconds:g} seconds, which "
        "is too slow to wait for"
    )


def _version() -> str:
    try:
        return importlib.metadata.version("detectune")
    except importlib.metadata.PackageNotFoundError:
        return "0"  # run from a source tree


def _receive(
    response: http.client.HTTPResponse,
    part: _Part,
    limits: TransferLimits,
    progress: Progress,
    patience: Patience,
) -> None:
    """Append the body of `response` to `part`, from the start if the server sends all of it."""
    if response.status == 206 and part.size and _continues(response.headers, part):
        pass
    elif response.status == 206:
        part.discard()
        raise _Broken("the file on the server has changed")
    else:
        part.begin(response.headers, _length(response.headers))
    _check_size(part, limits)
    with open(part.path, "ab") as file:
        for chunk in _chunks(response, patience):
            if file.tell() == 0:
                _check_content(chunk, response, part)
            file.write(chunk)
            progress(file.tell(), part.total)
            if file.tell() > limits.max_bytes:
                raise _too_large(part, file.tell(), limits)


def _chunks(response: http.client.HTTPResponse, patience: Patience) -> Iterator[bytes]:
    """The body in chunks of one size but the last; what has arrived is not lost with an error."""
    waiting = bytearray()
    try:
        while piece := response.read1(_CHUNK - len(waiting)):
            patience.arrived(len(piece))
            waiting += piece
            if len(waiting) == _CHUNK:
                yield bytes(waiting)
                waiting.clear()
    except (OSError, http.client.HTTPException):
        if waiting:
            yield bytes(waiting)
        raise
    if waiting:
        yield bytes(waiting)


def _continues(headers: Message, part: _Part) -> bool:
    """Whether a partial answer begins where `part` ends and belongs to the same version."""
    span, _, total = headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    start = span.partition("-")[0]
    return (
        start == str(part.size)
        and (part.total is None or total in ("*", str(part.total)))
        and (not part.validator or _validator(headers) in ("", part.validator))
    )


def _validator(headers: Message) -> str:
    tag = _plain(headers.get("ETag", ""))
    # A weak tag says "about the same", which is not enough to join two halves.
    return tag if tag and not tag.startswith("W/") else _plain(headers.get("Last-Modified", ""))


def _length(headers: Message) -> int | None:
    text = headers.get("Content-Length", "")
    digits = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if digits else None


def _judge_status(error: urllib.error.HTTPError, part: _Part) -> None:
    """Raise what an HTTP error status means."""
    if error.code == 416:  # nothing behind the part: it belongs to another version
        part.discard()
        raise _Broken("the file on the server has changed") from error
    if error.code in (404, 410):
        raise NotFoundError(
            three_part(
                f"{part.url}: the server has no such file (HTTP {error.code}).",
                "The address must be that of the zoo or of a mirror with the same layout.",
                "Check --mirror and DETECTUNE_ZOO_MIRROR; without them the zoo itself is asked.",
            )
        ) from error
    reason = one_line(str(error.reason))[:200]
    if 300 <= error.code < 400:
        raise ZooError(
            three_part(
                f"{part.url}: the server sends us on and on, or nowhere (HTTP {error.code}).",
                "An address may lead to another a few times, which then has the archive.",
                "Choose another --mirror, or tell whoever runs this one.",
            )
        ) from error
    if error.code in (408, 425, 429) or error.code >= 500:
        raise _Broken(f"the server answered HTTP {error.code} {reason}") from error
    raise ZooError(
        three_part(
            f"{part.url}: the server refused (HTTP {error.code} {reason}).",
            "It must give the file without logging in.",
            "Check the address and the proxy, or choose another --mirror.",
        )
    ) from error


def _refused_redirect(part: _Part, there: str) -> ZooError:
    return ZooError(
        three_part(
            f"{part.url}: the server sends us to {one_line(there)[:200]}.",
            "Archives come by http or https, and by https only where the address begins so.",
            "Choose another --mirror, or tell whoever runs this one.",
        )
    )


def _network_reason(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return "the server did not answer in time"
    text = str(reason)
    if isinstance(reason, http.client.IncompleteRead):
        return "the connection ended early"
    if isinstance(reason, http.client.HTTPException) and not isinstance(reason, ConnectionError):
        return f"the answer is not one of a web server ({' '.join(text.split())[:60]})"
    if "Name or service" in text or "name resolution" in text or "getaddrinfo" in text:
        return f"the server's name could not be found; is there a network? ({text})"
    return " ".join(text.split()) or type(reason).__name__


def _check_content(chunk: bytes, response: http.client.HTTPResponse, part: _Part) -> None:
    """Refuse at once what is no gzip archive, such as the page of a hotel's network."""
    if chunk[:2] == b"\x1f\x8b":
        return
    kind = one_line(response.headers.get("Content-Type", "unknown content"))[:100]
    part.discard()
    page = chunk.lstrip()[:1] == b"<"
    raise ZooError(
        three_part(
            f"{part.url}: the server sent {'a web page' if page else kind} instead of an archive.",
            "An archive is a .tar.gz file.",
            "Does the network ask for a log-in, or is the mirror's address wrong?",
        )
    )


def _check_size(part: _Part, limits: TransferLimits) -> None:
    if part.total is None:
        return
    if part.total > limits.max_bytes:
        raise _too_large(part, part.total, limits)
    missing = part.total - part.size
    free = shutil.disk_usage(part.path.parent).free
    if missing > free:
        raise OSError(errno.ENOSPC, f"{missing:,} bytes are needed, {free:,} are free")


def _too_large(part: _Part, size: int, limits: TransferLimits) -> ZooError:
    part.discard()
    return ZooError(
        three_part(
            f"{part.url}: the file has {size:,} bytes or more.",
            f"At most {limits.max_bytes:,} bytes are fetched; no archive of the zoo is larger.",
            "Check the address of the mirror.",
        )
    )


def disk_error(path: Path, error: OSError) -> ZooError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    reason = "the disk is full" if full else (error.strerror or str(error))
    return ZooError(
        three_part(
            f"{path}: could not be written: {reason}.",
            "The folder must be writable and have space for the archive and what is in it.",
            "Free some space or choose another folder with --into, and run the command again.",
        )
    )
