"""Which numbers a config may say: one table, beside the table of fields.

`config check`, `train`, `build_detector` and `data preview` refuse the others before anything is
built, and `docs/reference/config-fields.md` shows the ranges. A test says when an honoured number
has no range. Numbers of a plug-in's messages are the plug-in's own affair.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message

from detectune.config.descriptors import (
    FieldDescriptor,
    field_name,
    is_own,
    is_repeated,
    message_name,
)
from detectune.config.problems import Problem
from detectune.config.ranges.base import Range
from detectune.config.ranges.model import MODEL_RANGES, MOST_CLASSES
from detectune.config.ranges.pairs import pair_problems
from detectune.config.ranges.training import TRAINING_RANGES
from detectune.wording import plural

__all__ = ["MOST_CLASSES", "RANGES", "Range", "number_problems", "range_of", "wrong_number"]

RANGES: dict[str, Range] = {
    f"{message}.{field}": allowed
    for message, fields in {**MODEL_RANGES, **TRAINING_RANGES}.items()
    for field, allowed in fields.items()
}

# Numbers that have no default that can be built, and whose absence is said where they are read.
_MISSED_ELSEWHERE = {
    "Ssd.num_classes",
    "FasterRcnn.num_classes",
    "FasterRcnn.initial_crop_size",
    "FasterRcnn.maxpool_kernel_size",
    "FasterRcnn.maxpool_stride",
    "FastRcnn.num_classes",
    "FastRcnn.initial_crop_size",
    "FastRcnn.maxpool_kernel_size",
    "FastRcnn.maxpool_stride",
    "Rcnn.num_classes",
}


def range_of(field: FieldDescriptor) -> Range | None:
    """The numbers that `field` may have; None for what is no number, and for a plug-in's."""
    return RANGES.get(field_name(field)) if is_own(field) else None


def wrong_number(field: FieldDescriptor, value: Any) -> tuple[str, str, str] | None:
    """Found, allowed and next step if the number `value` of `field` is out of its range."""
    allowed = range_of(field)
    if allowed is None or value in allowed:
        return None
    return (f"it is {_number(value)}.", _allowed(allowed), _next_step(field, allowed))


def number_problems(message: Message, path: str) -> Iterator[Problem]:
    """An error for each list, absent number and pair of `message` that cannot be used.

    Args:
        path: where it stands; single numbers that are set are `wrong_number`'s.
    """
    for field in message.DESCRIPTOR.fields:
        allowed = range_of(field)
        if allowed is None:
            continue
        if is_repeated(field):
            yield from _list(message, field, allowed, f"{path}.{field.name}")
        else:
            yield from _absent(message, field, allowed, f"{path}.{field.name}")
    yield from pair_problems(message, path)


def _list(message: Message, field: FieldDescriptor, allowed: Range, path: str) -> Iterator[Problem]:
    count = len(getattr(message, field.name))
    if count > allowed.most:
        yield Problem(
            "error",
            path,
            f"{plural(count, 'number')} given.",
            f"Allowed: at most {allowed.most}.",
            "Keep those that are needed.",
        )


def _absent(
    message: Message, field: FieldDescriptor, allowed: Range, path: str
) -> Iterator[Problem]:
    name = field_name(field)
    if message.HasField(field.name) or field.default_value in allowed or name in _MISSED_ELSEWHERE:
        return
    yield Problem(
        "error",
        path,
        f"{message_name(field.containing_type)} has no {field.name}.",
        _allowed(allowed),
        f"Add {field.name}: {_number(_example(allowed))}, or what you need.",
    )


def _allowed(allowed: Range) -> str:
    return f"Allowed: {allowed.text}. {allowed.why}".rstrip()


def _next_step(field: FieldDescriptor, allowed: Range) -> str:
    if is_repeated(field):
        return "Correct the number."
    if field.default_value in allowed:
        return f"Write {field.name}: {_number(field.default_value)}, the default, or another one."
    return f"Write {field.name}: {_number(_example(allowed))}, for example."


def _example(allowed: Range) -> float:
    """A number in the range that may well be meant."""
    return 1 if 1 in allowed else allowed.high if allowed.high in allowed else allowed.low


def _number(value: float) -> str:
    return f"{value:.7g}" if isinstance(value, float) else str(value)
