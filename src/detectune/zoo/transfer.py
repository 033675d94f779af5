"""One file over HTTP: resumable, limited, retried.

    transfer ─► attempt ─► connection.py    asks, and hangs up on a server that drips
                   │         └─► receiving.py ─► part_file.py: what has arrived, of which version
                   └─► transfer_errors.py   what failed, and whether it is tried again

A second call goes on where the first one stopped, if the server can and still has the same version;
otherwise it starts again. The file appears only when complete.
"""

from __future__ import annotations

import contextlib
import http.client
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path

from detectune.errors import ZooError
from detectune.package_version import package_version
from detectune.zoo.connection import Patience, RefusedRedirect, open_request
from detectune.zoo.part_file import Part
from detectune.zoo.receiving import receive
from detectune.zoo.transfer_errors import (
    Broken,
    TooSlow,
    disk_error,
    judge_status,
    network_reason,
    not_fetched,
    refused_redirect,
    slow_reason,
)
from detectune.zoo.transfer_limits import Progress, TransferLimits


def transfer(url: str, target: Path, limits: TransferLimits, progress: Progress) -> None:
    """Fetch `url` into the file `target`.

    Raises:
        NotFoundError: the server has no such file.
        ZooError: no connection, no space, too large, not a gzip archive, or the connection broke
            off too often. What has arrived stays, and the next call goes on from there.
    """
    part = Part.found(target.with_name(f"{target.name}.part"), url)
    failures, most, reason = 0, part.size, ""
    while failures < limits.attempts:
        if failures:
            time.sleep(limits.pause_seconds * 2 ** (failures - 1))
        try:
            _attempt(part, limits, progress)
            part.finish(target)
            return
        except Broken as error:
            reason = str(error)
            # Only more than ever counts as progress: a server may start again each time.
            failures = 1 if part.size > most else failures + 1
            most = max(most, part.size)
        except TooSlow as error:
            raise not_fetched(part, str(error)) from error
        except OSError as error:
            if isinstance(error, ZooError):
                raise
            raise disk_error(part.path, error) from error
    raise not_fetched(part, reason)


def _attempt(part: Part, limits: TransferLimits, progress: Progress) -> None:
    """One request; returns when the part is complete."""
    request = urllib.request.Request(part.url)
    request.add_header("User-Agent", f"detectune/{package_version()}")
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
    except Broken:
        if patience.lost:
            raise TooSlow(slow_reason(limits)) from None
        raise
    if patience.lost and part.size != part.total:
        raise TooSlow(slow_reason(limits))
    if part.total is not None and part.size < part.total:
        raise Broken(f"the connection ended after {part.size:,} of {part.total:,} bytes")


def _ask(
    request: urllib.request.Request,
    part: Part,
    limits: TransferLimits,
    progress: Progress,
    patience: Patience,
) -> None:
    try:
        with open_request(request, patience, limits.timeout_seconds) as response:
            receive(response, part, limits, progress, patience)
    except urllib.error.HTTPError as error:
        with contextlib.closing(error):
            judge_status(error, part)
    except RefusedRedirect as error:
        raise refused_redirect(part, str(error)) from error
    except urllib.error.URLError as error:
        raise Broken(network_reason(error.reason)) from error
    except (TimeoutError, ConnectionError, ssl.SSLError, http.client.HTTPException) as error:
        raise Broken(network_reason(error)) from error
    except (ValueError, OverflowError) as error:  # a redirect or a proxy whose address is none
        raise Broken(network_reason(error)) from error
