"""What a message type offers: questions about protobuf descriptors.

protobuf has descriptors in C and in Python with the same attributes, and its stubs mix the two, so
they are `Any` here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor as Kinds

Descriptor = Any
EnumDescriptor = Any
FieldDescriptor = Any


def is_repeated(field: FieldDescriptor) -> bool:
    """Whether `field` holds a list."""
    if hasattr(field, "is_repeated"):
        return field.is_repeated
    return field.label == Kinds.LABEL_REPEATED  # protobuf before 6.31 has no is_repeated


def is_map(field: FieldDescriptor) -> bool:
    """Whether `field` is a `map<…>`."""
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def message_name(message: Descriptor) -> str:
    """`Ssd.MaskHead`: the full name of `message` without the package."""
    return message.full_name.removeprefix(f"{message.file.package}.")


def field_name(field: FieldDescriptor) -> str:
    """`Ssd.MaskHead.mask_height`: the name of `field` with its message."""
    return f"{message_name(field.containing_type)}.{field.name}"


def with_nested(message: Descriptor) -> Iterator[Descriptor]:
    """`message` and the messages declared inside it, without the entries of maps."""
    if not message.GetOptions().map_entry:
        yield message
        for nested in message.nested_types:
            yield from with_nested(nested)


def reachable_messages(root: Descriptor) -> list[Descriptor]:
    """`root` and all messages that can stand inside it, each once."""
    found: dict[str, Descriptor] = {}
    waiting = [root]
    while waiting:
        message = waiting.pop()
        if message.full_name not in found:
            found[message.full_name] = message
            waiting += [field.message_type for field in message.fields if field.message_type]
    return list(found.values())
