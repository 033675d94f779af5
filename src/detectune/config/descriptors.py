"""What a message type offers: questions about protobuf descriptors.

protobuf has descriptors in C and in Python with the same attributes, and its stubs mix the two, so
they are `Any` here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor as Kinds
from google.protobuf.message import Message

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


OWN_PACKAGE = "detectune.protos"
"""The package of our own messages; those of another come with a plug-in."""


def is_own(field: FieldDescriptor) -> bool:
    """Whether `field` is declared by detectune rather than by another package."""
    return field.file.package == OWN_PACKAGE


def message_name(message: Descriptor) -> str:
    """`Ssd.MaskHead`: the full name of `message`; our own without the package."""
    return message.full_name.removeprefix(f"{OWN_PACKAGE}.")


def field_name(field: FieldDescriptor) -> str:
    """`Ssd.MaskHead.mask_height`: the name of `field` with its message."""
    return f"{message_name(field.containing_type)}.{field.name}"


def text_name(field: FieldDescriptor) -> str:
    """`field` as it is written in text: `num_classes`, or `[toy_plugin.toy]` for an extension."""
    return f"[{field.full_name}]" if field.is_extension else field.name


def find_field(message: Descriptor, name: str) -> FieldDescriptor | None:
    """The field of `message` that `name` means in text; None if there is none."""
    if not name.startswith("["):
        return message.fields_by_name.get(name)
    try:
        field = message.file.pool.FindExtensionByName(name.strip("[] "))
    except KeyError:
        return None
    return field if field.containing_type.full_name == message.full_name else None


def extensions_of(message: Descriptor) -> list[FieldDescriptor]:
    """What other packages, as far as they are imported, add to `message`; by number."""
    return sorted(message.file.pool.FindAllExtensions(message), key=lambda field: field.number)


def value_of(message: Message, field: FieldDescriptor) -> Any:
    """The value of `field`, which may be an extension; writing to it writes to `message`."""
    return message.Extensions[field] if field.is_extension else getattr(message, field.name)


def clear(message: Message, field: FieldDescriptor) -> None:
    """Set `field`, which may be an extension, back to its default."""
    if field.is_extension:
        message.ClearExtension(field)
    else:
        message.ClearField(field.name)


def set_choices(message: Message) -> list[FieldDescriptor]:
    """What is chosen in `message`: the set fields of its one-ofs, and the set extensions."""
    return [
        field for field, _ in message.ListFields() if field.containing_oneof or field.is_extension
    ]


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
