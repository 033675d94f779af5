"""Addresses of mirrors: checked before anything is asked, so that no attempt is wasted on them."""

from __future__ import annotations

import re
import urllib.parse
from typing import NamedTuple

from detectune.errors import ZooError, three_part
from detectune.wording import one_line

MIRROR_VARIABLE = "DETECTUNE_ZOO_MIRROR"
KERAS_MIRROR_VARIABLE = "DETECTUNE_KERAS_MIRROR"


class MirrorSetting(NamedTuple):
    """Where a mirror is set, for errors about it."""

    name: str
    """What the user wrote it behind."""
    holds: str
    """What is on such a mirror."""
    correct: str
    """How to correct it."""


ZOO_MIRROR = MirrorSetting(
    "--mirror", "archives", f"Correct it, here or in the variable {MIRROR_VARIABLE}"
)
KERAS_MIRROR = MirrorSetting(
    KERAS_MIRROR_VARIABLE, "files of Keras", "Correct the variable, or remove it"
)

# What stands in an address as it is; everything else is written as %XX.
_PLAIN = "/%:@!$&'()*+,;=~-._"


def is_url(mirror: str, setting: MirrorSetting = ZOO_MIRROR) -> bool:
    """Whether `mirror` is an address; a folder may be written as file://.

    Raises:
        ZooError: it is an address of another kind.
    """
    scheme = re.match(r"([a-z][a-z0-9+.-]+)://", mirror.lower())
    if scheme is None or scheme[1] == "file":
        return False
    if scheme[1] in ("http", "https"):
        return True
    raise wrong_mirror(mirror, f"{scheme[1]}:// is not supported", setting)


def checked_url(mirror: str, setting: MirrorSetting = ZOO_MIRROR) -> str:
    """The address `mirror` in the letters that travel over a network, without a / at its end.

    Raises:
        ZooError: it is no address of a folder on a server.
    """
    try:
        parts = urllib.parse.urlsplit(mirror)
        host, port = parts.hostname or "", parts.port
        host = host if ":" in host else host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise wrong_mirror(mirror, "no server can have this name", setting) from error
    except ValueError as error:
        reason = " ".join(str(error).split()) or "it is no address"
        raise wrong_mirror(mirror, reason, setting) from error
    reason = _reason(mirror, parts, host)
    if reason:
        raise wrong_mirror(mirror, reason, setting)
    place = f"[{host}]" if ":" in host else host
    place = place if port is None else f"{place}:{port}"
    path = urllib.parse.quote(parts.path, safe=_PLAIN).rstrip("/")
    return f"{parts.scheme}://{place}{path}"


def _reason(mirror: str, parts: urllib.parse.SplitResult, host: str) -> str:
    """What is wrong with an address; empty if nothing is."""
    if any(not c.isprintable() or c.isspace() for c in mirror):
        return "it has a space or a control character; write a space as %20"
    if any(0xD800 <= ord(c) < 0xE000 for c in mirror):
        return "it has bytes that are not UTF-8"
    if not re.fullmatch(r"[a-z0-9_.-]+|[0-9a-f:.]+(%\w+)?", host):
        return "it names no server"
    if parts.port == 0:
        return "there is no port 0"
    if parts.username is not None or parts.password is not None:
        return "it has a user name, and nobody logs in here"
    if parts.query or parts.fragment:
        return "it has a ? or #, but names of files are put behind it"
    return ""


def wrong_mirror(mirror: str, reason: str, setting: MirrorSetting = ZOO_MIRROR) -> ZooError:
    """The error about a mirror that the user has to write in another way."""
    shown = one_line(mirror)
    shown = shown if len(shown) <= 200 else f"{shown[:200]}…"
    error = ZooError(
        three_part(
            f"{setting.name} {shown}: {reason}.",
            "A mirror is an address such as http://host:8080/zoo or https://host, or a folder "
            f"with {setting.holds}.",
            f"{setting.correct}; or copy the {setting.holds} to a folder and name that.",
        )
    )
    error.exit_code = 2
    return error
