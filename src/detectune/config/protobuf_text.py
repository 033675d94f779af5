"""protobuf's own parser, which makes messages of texts."""

from __future__ import annotations

import warnings
from typing import TypeVar

from google.protobuf import text_format
from google.protobuf.message import Message

AnyMessage = TypeVar("AnyMessage", bound=Message)


def message_from(text: str, message: AnyMessage, *, with_unknown: bool = False) -> AnyMessage:
    """`message` filled from `text`.

    Args:
        with_unknown: skip fields that the message does not have.

    Raises:
        text_format.ParseError: the text is not such a message.
    """
    with warnings.catch_warnings():
        # Of escapes such as \\m, which protobuf leaves as they are: Python will not decode them so
        # for ever. Paths with backslashes are named where a file is missing.
        warnings.simplefilter("ignore", DeprecationWarning)
        return text_format.Parse(
            text,
            message,
            allow_unknown_field=with_unknown,
            allow_unknown_extension=with_unknown,
        )
