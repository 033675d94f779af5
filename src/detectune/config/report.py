"""Which fields of a config are refused or ignored: the field table applied to a message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message

from detectune.config.choices import extractors_of, wrong_choice
from detectune.config.descriptors import (
    FieldDescriptor,
    field_name,
    is_map,
    is_repeated,
    text_name,
)
from detectune.config.field_status import field_status
from detectune.config.problems import Problem


def report_fields(config: Message) -> list[Problem]:
    """An error for each refused field or value of `config`, and a note for each ignored field.

    Only fields that are set, and set to something else than their default, are reported: nobody
    needs to read that a switch that is off would not work.
    """
    return list(_report(config, ""))


def _report(message: Message, path: str) -> Iterator[Problem]:
    for field, value in message.ListFields():
        inner = f"{path}.{text_name(field)}" if path else text_name(field)
        status = field_status(field)
        if status.kind == "honoured":
            yield from _inside(field, value, inner)
        elif _says_something(field, value):
            yield _problem(field, inner, value)


def _problem(field: FieldDescriptor, path: str, value: Any) -> Problem:
    status = field_status(field)
    if status.kind == "refused":
        return Problem("error", path, status.reason, "", status.next_step)
    return Problem("note", path, f"This field is ignored. {status.reason}", "", "")


def _inside(field: FieldDescriptor, value: Any, path: str) -> Iterator[Problem]:
    if is_map(field):
        return
    elements = list(value) if is_repeated(field) else [value]
    for index, element in enumerate(elements):
        place = f"{path}[{index}]" if is_repeated(field) else path
        if isinstance(element, Message):
            yield from _report(element, place)
        else:
            yield from _value(field, element, place)


def _value(field: FieldDescriptor, value: Any, path: str) -> Iterator[Problem]:
    if field.enum_type is not None:
        value = field.enum_type.values_by_number[value].name
    row = field_name(field)
    wrong, extractors = wrong_choice(row, value), extractors_of(row)
    said = extractors.note(value) if extractors is not None else None
    if wrong:
        yield Problem("error", path, *wrong)
    elif said:
        yield Problem("note", path, *said, "")


def _says_something(field: FieldDescriptor, value: Any) -> bool:
    """Whether setting `field` to `value` differs from leaving it out."""
    if is_repeated(field) or field.message_type is not None:
        return True
    return value != field.default_value
