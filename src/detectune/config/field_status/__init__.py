"""What detectune does with every field of a pipeline.config: one table.

A field is *honoured* (it does what it says), *refused* (a config that uses it is an error, with the
next step) or *ignored* (accepted for the sake of old configs, without effect, with the reason).
Nothing is ignored silently: `config check` and `train` report every refused and ignored field that
a config sets to something else than its default. `docs/reference/config-fields.md` is made from
this table, and a test says when a field has no status or a row names no field.

A row is `Message.field` or `Message.*` for the fields of a message without a row of their own.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from detectune.config.descriptors import FieldDescriptor, field_name, is_own, message_name
from detectune.config.field_status.honoured import HONOURED_FIELDS
from detectune.config.field_status.ignored import IGNORED_FIELDS
from detectune.config.field_status.refused import REFUSED_FIELDS
from detectune.registry import architectures


class Status(NamedTuple):
    """What happens to a field."""

    kind: Literal["honoured", "refused", "ignored"]
    reason: str = ""
    next_step: str = ""


HONOURED = Status("honoured")


def field_status(field: FieldDescriptor) -> Status:
    """The status of `field`. One of a plug-in's message does what the plug-in says.

    Raises:
        KeyError: the table has no row for it.
    """
    if not is_own(field):
        return _plugin_status(field)
    name = field_name(field)
    status = STATUS.get(name) or STATUS.get(f"{message_name(field.containing_type)}.*")
    if status is None:
        raise KeyError(f"{name} has no row in config/field_status")
    return status


def _plugin_status(field: FieldDescriptor) -> Status:
    rows = (architectures[name].field_statuses for name in architectures)
    return next((row[field.full_name] for row in rows if field.full_name in row), HONOURED)


def _rows() -> dict[str, Status]:
    rows = {row: Status("ignored", reason) for row, reason in IGNORED_FIELDS.items()}
    rows |= {row: Status("refused", *texts) for row, texts in REFUSED_FIELDS.items()}
    for message, fields in HONOURED_FIELDS.items():
        for field in fields.split():
            if rows.setdefault(f"{message}.{field}", HONOURED) != HONOURED:
                raise ValueError(f"{message}.{field} stands twice in the table")
    return rows


STATUS = _rows()
