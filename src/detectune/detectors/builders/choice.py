"""Choosing among the fields of a oneof."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.message import Message

from detectune.errors import ConfigError, three_part


def choice(message: Message, oneof: str, offered: Sequence[str]) -> str:
    """Which field of `oneof` is set in `message`.

    Raises:
        ConfigError: none is, or one that is not among `offered`.
    """
    chosen = message.WhichOneof(oneof)
    if chosen not in offered:
        found = f"{chosen} is not supported yet" if chosen else "nothing is chosen"
        raise ConfigError(
            three_part(
                f"{message.DESCRIPTOR.name}: {found}.",
                f"Offered: {', '.join(offered)}.",
                "Choose one of these in the pipeline.config.",
            )
        )
    return chosen
