"""What goes wrong between here and a server, in words, and whether another attempt may mend it."""

from __future__ import annotations

import errno
import http.client
import urllib.error
from pathlib import Path

from detectune.errors import ZooError, three_part
from detectune.wording import one_line
from detectune.zoo.part_file import Part
from detectune.zoo.transfer_limits import TransferLimits


class NotFoundError(ZooError):
    """The server has no such file (404 or 410)."""


class Broken(Exception):
    """The connection failed in a way that another attempt may mend."""


class TooSlow(Exception):
    """So little arrives that another attempt would be as slow."""


def judge_status(error: urllib.error.HTTPError, part: Part) -> None:
    """Raise what an HTTP error status means."""
    if error.code == 416:  # nothing behind the part: it belongs to another version
        part.discard()
        raise Broken("the file on the server has changed") from error
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
        raise Broken(f"the server answered HTTP {error.code} {reason}") from error
    raise ZooError(
        three_part(
            f"{part.url}: the server refused (HTTP {error.code} {reason}).",
            "It must give the file without logging in.",
            "Check the address and the proxy, or choose another --mirror.",
        )
    ) from error


def refused_redirect(part: Part, there: str) -> ZooError:
    return ZooError(
        three_part(
            f"{part.url}: the server sends us to {one_line(there)[:200]}.",
            "Archives come by http or https, and by https only where the address begins so.",
            "Choose another --mirror, or tell whoever runs this one.",
        )
    )


def network_reason(reason: object) -> str:
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


def slow_reason(limits: TransferLimits) -> str:
    return (
        f"fewer than {limits.slow_bytes:,} bytes came in {limits.slow_seconds:g} seconds, which "
        "is too slow to wait for"
    )


def not_fetched(part: Part, reason: str) -> ZooError:
    return ZooError(
        three_part(
            f"{part.url}: could not be fetched: {one_line(reason)[:400]}.",
            f"{part.size:,} bytes have arrived and are kept in {part.path}.",
            "Check the network (and the proxy: HTTPS_PROXY) and run the same command again: it "
            "goes on from there. --mirror takes another server or a folder.",
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
