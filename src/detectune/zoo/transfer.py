"""One file over HTTP: resumable, limited, retried.

What has arrived stands in `FILE.part`, and in `FILE.part.json` where it came from and which version
of it (ETag, date, length). A second call goes on where the first one stopped, if the server can
and still has the same version; otherwise it starts again. `FILE` appears only when complete.
"""

from __future__ import annotations

import errno
import http.client
import json
import os
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

import detectune
from detectune.errors import ZooError, three_part

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there and the bytes there will be (None: the server is silent)."""

_CHUNK = 1 << 18


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


class NotFoundError(ZooError):
    """The server has no such file (404 or 410)."""


class _Broken(Exception):
    """The connection failed in a way that another attempt may mend."""


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
        try:
            notes = json.loads(part._notes.read_text("utf-8"))
            if notes["url"] == url:
                return cls(path, url, str(notes["validator"]), notes["total"], ours=True)
        except (OSError, ValueError, KeyError, TypeError):
            pass  # no notes, or damaged ones: what is there cannot be trusted
        return part

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
        except OSError as error:
            if isinstance(error, ZooError):
                raise
            raise disk_error(part.path, error) from error
    raise ZooError(
        three_part(
            f"{url}: could not be fetched: {reason}.",
            f"{part.size:,} bytes have arrived and are kept in {part.path}.",
            "Check the network (and the proxy: HTTPS_PROXY) and run the same command again: it "
            "goes on from there. --mirror takes another server or a folder.",
        )
    )


def _attempt(part: _Part, limits: TransferLimits, progress: Progress) -> None:
    """One request; returns when the part is complete."""
    request = urllib.request.Request(part.url)
    request.add_header("User-Agent", f"detectune/{detectune.__version__}")
    request.add_header("Accept-Encoding", "identity")
    offset = part.size
    if offset and offset == part.total:
        return
    if offset and (part.validator or part.total):
        request.add_header("Range", f"bytes={offset}-")
        if part.validator:
            request.add_header("If-Range", part.validator)
    try:
        with urllib.request.urlopen(request, timeout=limits.timeout_seconds) as response:
            _receive(response, part, limits, progress)
    except urllib.error.HTTPError as error:
        with error:
            _judge_status(error, part)
    except urllib.error.URLError as error:
        raise _Broken(_network_reason(error.reason)) from error
    except (TimeoutError, ConnectionError, ssl.SSLError, http.client.HTTPException) as error:
        raise _Broken(_network_reason(error)) from error
    if part.total is not None and part.size < part.total:
        raise _Broken(f"the connection ended after {part.size:,} of {part.total:,} bytes")


def _receive(
    response: http.client.HTTPResponse, part: _Part, limits: TransferLimits, progress: Progress
) -> None:
    """Append the body of `response` to `part`, from the start if the server sends all of it."""
    if response.status == 206 and _continues(response.headers, part):
        pass
    elif response.status == 206:
        part.discard()
        raise _Broken("the file on the server has changed")
    else:
        part.begin(response.headers, _length(response.headers))
    _check_size(part, limits)
    with open(part.path, "ab") as file:
        while chunk := response.read(_CHUNK):
            if file.tell() == 0:
                _check_content(chunk, response, part)
            file.write(chunk)
            progress(file.tell(), part.total)
            if file.tell() > limits.max_bytes:
                raise _too_large(part, file.tell(), limits)


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
    tag = headers.get("ETag", "")
    # A weak tag says "about the same", which is not enough to join two halves.
    return tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", "")


def _length(headers: Message) -> int | None:
    text = headers.get("Content-Length", "")
    return int(text) if text.isdigit() else None


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
    if error.code in (408, 425, 429) or error.code >= 500:
        raise _Broken(f"the server answered HTTP {error.code} {error.reason}") from error
    raise ZooError(
        three_part(
            f"{part.url}: the server refused (HTTP {error.code} {error.reason}).",
            "It must give the file without logging in.",
            "Check the address and the proxy, or choose another --mirror.",
        )
    ) from error


def _network_reason(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return "the server did not answer in time"
    text = str(reason)
    if "Name or service" in text or "name resolution" in text or "getaddrinfo" in text:
        return f"the server's name could not be found; is there a network? ({text})"
    return text or type(reason).__name__


def _check_content(chunk: bytes, response: http.client.HTTPResponse, part: _Part) -> None:
    """Refuse at once what is no gzip archive, such as the page of a hotel's network."""
    if chunk[:2] == b"\x1f\x8b":
        return
    kind = response.headers.get("Content-Type", "unknown content")
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
