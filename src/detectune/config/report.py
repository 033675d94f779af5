"""Which fields of a config are refused or ignored, and which values: the tables applied to it."""

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
from detectune.config.ranges import number_problems, range_of, wrong_number


def report_fields(config: Message, path: str = "") -> list[Problem]:
    """An error for each refused field or value of `config`, and a note for each ignored field.

    Numbers outside of `config.ranges` are refused values.

    Only fields that are set, and set to something else than their default, are reported: nobody
    needs to read that a switch that is off would not work.

    Args:
        path: where `config` stands if it is a part of one.
    """
    return list(_report(config, path))


def _report(message: Message, path: str) -> Iterator[Problem]:
    for field, value in message.ListFields():
        inner = f"{path}.{text_name(field)}" if path else text_name(field)
        status = field_status(field)
        if status.kind == "honoured":
            yield from _inside(field, value, inner)
        elif _says_something(field, value):
            yield _problem(field, inner, value)
    yield from number_problems(message, path)


def _problem(field: FieldDescriptor, path: str, value: Any) -> Problem:
    status = field_status(field)
    if status.kind == "refused":
        return Problem("error", path, status.reason, "", status.next_step)
    return Problem("note", path, f"This field is ignored. {status.reason}", "", "")


def _inside(field: FieldDescriptor, value: Any, path: str) -> Iterator[Problem]:
    for index, element in _elements(field, value):
        place = path if index is None else f"{path}[{index}]"
        if isinstance(element, Message):
            yield from _report(element, place)
        else:
            yield from _value(field, element, place)


def _elements(field: FieldDescriptor, value: Any) -> list[tuple[Any, Any]]:
    """Each value of `field` with its index or key, which is None unless there are several."""
    if is_map(field):
        return sorted(value.items())
    if not is_repeated(field):
        return [(None, value)]
    allowed = range_of(field)
    if allowed is not None and len(value) > allowed.most:
        return []  # the list as a whole is an error
    elements: list[Any] = list(value)
    return list(enumerate(elements))


def _value(field: FieldDescriptor, value: Any, path: str) -> Iterator[Problem]:
    if field.enum_type is not None:
        value = field.enum_type.values_by_number[value].name
    row = field_name(field)
    wrong = wrong_choice(row, value) or wrong_number(field, value)
    extractors = extractors_of(row)
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
