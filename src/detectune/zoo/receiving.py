"""The body of an answer, appended to what has arrived."""

from __future__ import annotations

import errno
import http.client
import shutil
from collections.abc import Iterator
from email.message import Message

from detectune.errors import ZooError, three_part
from detectune.wording import one_line
from detectune.zoo.connection import Patience
from detectune.zoo.part_file import Part, length_of, validator_of
from detectune.zoo.transfer_errors import Broken
from detectune.zoo.transfer_limits import Content, Progress, TransferLimits

_CHUNK = 1 << 18


def receive(
    response: http.client.HTTPResponse,
    part: Part,
    limits: TransferLimits,
    progress: Progress,
    patience: Patience,
) -> None:
    """Append the body of `response` to `part`, from the start if the server sends all of it."""
    if response.status == 206 and part.size and _continues(response.headers, part):
        pass
    elif response.status == 206:
        part.discard()
        raise Broken("the file on the server has changed")
    else:
        part.begin(response.headers, length_of(response.headers))
    _check_size(part, limits)
    with open(part.path, "ab") as file:
        for chunk in _chunks(response, patience):
            if file.tell() == 0:
                _check_content(chunk, response, part, limits.content)
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


def _continues(headers: Message, part: Part) -> bool:
    """Whether a partial answer begins where `part` ends and belongs to the same version."""
    span, _, total = headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    start = span.partition("-")[0]
    return (
        start == str(part.size)
        and (part.total is None or total in ("*", str(part.total)))
        and (not part.validator or validator_of(headers) in ("", part.validator))
    )


def _check_content(
    chunk: bytes, response: http.client.HTTPResponse, part: Part, wanted: Content
) -> None:
    """Refuse at once what is nothing of the kind, such as the page of a hotel's network."""
    if chunk[: len(wanted.signature)] == wanted.signature[: len(chunk)]:
        return
    kind = one_line(response.headers.get("Content-Type", "unknown content"))[:100]
    part.discard()
    page = chunk.lstrip()[:1] == b"<"
    raise ZooError(
        three_part(
            f"{part.url}: the server sent {'a web page' if page else kind} instead of "
            f"{wanted.name}.",
            wanted.form,
            "Does the network ask for a log-in, or is the mirror's address wrong?",
        )
    )


def _check_size(part: Part, limits: TransferLimits) -> None:
    if part.total is None:
        return
    if part.total > limits.max_bytes:
        raise _too_large(part, part.total, limits)
    missing = part.total - part.size
    free = shutil.disk_usage(part.path.parent).free
    if missing > free:
        raise OSError(errno.ENOSPC, f"{missing:,} bytes are needed, {free:,} are free")


def _too_large(part: Part, size: int, limits: TransferLimits) -> ZooError:
    part.discard()
    return ZooError(
        three_part(
            f"{part.url}: the file has {size:,} bytes or more.",
            f"At most {limits.max_bytes:,} bytes are fetched; nothing of the zoo is larger.",
            "Check the address of the mirror.",
        )
    )
