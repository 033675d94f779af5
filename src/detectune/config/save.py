"""A config message → text, and onto the disk."""

from __future__ import annotations

import os

from google.protobuf import text_format
from google.protobuf.message import Message

from detectune.files import write_text


def config_text(config: Message) -> str:
    """`config` as protobuf text, in the order of the field numbers; only fields that are set."""
    return text_format.MessageToString(config, as_utf8=True)


def write_config(config: Message, path: str | os.PathLike[str]) -> None:
    """Write `config` to `path` so that `load_config` reads the same message; atomic."""
    write_text(path, config_text(config))
