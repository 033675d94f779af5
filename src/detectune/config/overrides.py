"""`--set train_config.batch_size=8`: one field of a config changed from outside.

a.b.c=VALUE          a scalar; an enum by name; text with or without quotes
a.list=[1, 2]        the whole list
a.list[0]=VALUE      one element; the index after the last one appends, and so does a.list[]
a.message={x: 1}     a message as protobuf text; what stood there is replaced
a.b= or a.b=null     back to the default
model.*.num_classes  `*` is whichever architecture (or optimizer, resizer …) is set there
model.[toy_plugin.toy].num_classes  a block of another package, by its name in the file
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from google.protobuf import text_format
from google.protobuf.descriptor import FieldDescriptor as Kinds
from google.protobuf.message import Message

from detectune.config.descriptors import (
    FieldDescriptor,
    clear,
    extensions_of,
    find_field,
    is_map,
    is_repeated,
    set_choices,
    text_name,
    value_of,
)
from detectune.config.look_alikes import shown_name
from detectune.config.protobuf_text import message_from
from detectune.config.text_problems import read_tree
from detectune.config.text_tree import TextSyntaxError, parse, shortened
from detectune.errors import ConfigError, did_you_mean, three_part
from detectune.wording import one_line, plural

_STEP = re.compile(r"(?P<name>\*|[A-Za-z_]\w*|\[[A-Za-z_][\w.]*\])(?P<index>\[\d*\])?")
# Dots that separate names, not those inside the brackets of an extension.
_DOT = re.compile(r"\.(?![^\[\]]*\])")
_EXAMPLE = "Write for example --set train_config.batch_size=8."


class _Step(NamedTuple):
    """One name of a dotted path, with what stands in its brackets."""

    name: str
    position: str | None
    """Digits; empty for `[]`; None without brackets."""


def apply_overrides(config: Message, overrides: Iterable[str]) -> None:
    """Change `config` by each of `overrides` in turn; all of them or, on an error, none.

    Raises:
        ConfigError: no such field, or a value that does not fit it; says what that message offers.
    """
    changed = type(config)()
    changed.CopyFrom(config)
    overrides = list(overrides)
    for override in overrides:
        if not override.isprintable() and _is_no_text(override):
            raise _error(
                shown_name(override).strip('"'),
                "it has bytes that are no text.",
                "A config is UTF-8 text.",
                "Rename files whose names are not UTF-8.",
            )
    for override in overrides:
        apply_override(changed, override)
    config.CopyFrom(changed)


def _is_no_text(override: str) -> bool:
    try:
        override.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return "\0" in override


def is_overridden(path: str, overrides: Iterable[str]) -> bool:
    """Whether one of `overrides` sets the field at `path`, `a.b[0].c`, or a message around it."""
    for override in overrides:
        steps = _steps(override.partition("=")[0].strip(), override)
        pattern = r"\.".join(_step_pattern(step) for step in steps)
        if re.match(rf"{pattern}(?![\w])", path):
            return True
    return False


def _step_pattern(step: _Step) -> str:
    name = r"(?:\w+|\[[\w.]+\])" if step.name == "*" else re.escape(step.name)
    index = re.escape(f"[{step.position}]") if step.position else r"(?:\[[^\]]*\])?"
    return name + index


def apply_override(config: Message, override: str) -> None:
    """Change one field of `config` by an assignment such as `train_config.batch_size=8`."""
    path, equals, value = override.partition("=")
    steps = _steps(path.strip(), override)
    if not equals:
        raise _error(override, "there is no = in it.", "An override is PATH=VALUE.", _EXAMPLE)
    message = config
    for step in steps[:-1]:
        message = _inner(message, step, override)
    _assign(message, steps[-1], value.strip(), override)


def _steps(path: str, override: str) -> list[_Step]:
    steps: list[_Step] = []
    for part in _DOT.split(path):
        match = _STEP.fullmatch(part.strip())
        if match is None:
            raise _error(
                override,
                f'"{part}" is not a field name.',
                "A path is names with dots between them, and [index] after a repeated field.",
                _EXAMPLE,
            )
        index = match["index"]
        steps.append(_Step(match["name"], None if index is None else index[1:-1]))
    return steps


def _inner(message: Message, step: _Step, override: str) -> Message:
    """The message that `step` leads to, made if it is not there yet."""
    field = _field(message, step, override)
    if field.message_type is None or is_map(field):
        raise _error(
            override,
            f"{field.name} is a value and has no fields.",
            f"It can be set itself: {field.name}=VALUE.",
            "End the path there.",
        )
    if not is_repeated(field):
        if step.position is not None:
            raise _not_repeated(override, field)
        _same_choice(message, field, override)
        inner = value_of(message, field)
        inner.SetInParent()
        return inner
    elements = value_of(message, field)
    if step.position is None and len(elements) > 1:
        raise _error(
            override,
            f"{field.name} stands {plural(len(elements), 'time')} in this config.",
            f"An index from 0 to {len(elements) - 1} says which is meant.",
            f"Write {field.name}[0] for the first.",
        )
    index = _index(step, field, len(elements), override, default=0)
    return elements[index] if index < len(elements) else elements.add()


def _assign(message: Message, step: _Step, value: str, override: str) -> None:
    field = _field(message, step, override)
    if not is_repeated(field) or step.position is None:
        if step.position is not None:
            raise _not_repeated(override, field)
        parsed = None if value in ("", "null") else _parsed(message, field, value, override)
        clear(message, field)
        if parsed is not None:
            for other in _excluded(message, field):
                clear(message, other)
            message.MergeFrom(parsed)
        return
    elements = value_of(message, field)
    index = _index(step, field, len(elements), override, default=len(elements))
    if value in ("", "null"):
        if index < len(elements):
            del elements[index]
        return
    parsed = value_of(_parsed(message, field, value, override), field)
    rest = list(elements)
    clear(message, field)
    value_of(message, field).extend([*rest[:index], *parsed, *rest[index + 1 :]])


def _field(message: Message, step: _Step, override: str) -> FieldDescriptor:
    descriptor = message.DESCRIPTOR
    if step.name == "*":
        return _chosen(message, override)
    field = find_field(descriptor, step.name)
    if field is None:
        names = [text_name(known) for known in (*descriptor.fields, *extensions_of(descriptor))]
        raise _error(
            override,
            f"{descriptor.name} has no field called {step.name}.",
            f"{descriptor.name} has: {', '.join(names) or 'no fields'}.",
            f"{did_you_mean(step.name, names)}Correct the path.",
        )
    return field


def _chosen(message: Message, override: str) -> FieldDescriptor:
    """The only field of `message` that is a choice among others and set."""
    descriptor, found = message.DESCRIPTOR, set_choices(message)
    if len(found) == 1:
        return found[0]
    offered = [field for group in descriptor.oneofs for field in group.fields]
    choices = ", ".join(text_name(field) for field in (*offered, *extensions_of(descriptor)))
    raise _error(
        override,
        f"* stands for what is chosen in {descriptor.name}, and nothing is.",
        f"Choices: {choices}." if choices else f"{descriptor.name} offers no choice.",
        "Write the name instead of *.",
    )


def _same_choice(message: Message, field: FieldDescriptor, override: str) -> None:
    """Refuse to reach into another choice than the one set: that would delete the one set."""
    for other in _excluded(message, field):
        chosen, wanted = text_name(other), text_name(field)
        raise _error(
            override,
            f"this config has {chosen}, not {wanted}.",
            f"Setting a field of {wanted} would drop all of {chosen}.",
            f"Write {chosen} (or *), or replace it whole: {wanted}={{...}}.",
        )


def _excluded(message: Message, field: FieldDescriptor) -> list[FieldDescriptor]:
    """What is set in `message` and cannot stay beside `field`: others of its one-of, extensions."""

    def excludes(other: FieldDescriptor) -> bool:
        if other.is_extension or field.is_extension:
            return other.full_name != field.full_name
        return other.name != field.name and other.name in members

    group = field.containing_oneof
    if group is None and not field.is_extension:
        return []
    members = () if group is None else {member.name for member in group.fields}
    return [other for other in set_choices(message) if excludes(other)]


def _index(step: _Step, field: FieldDescriptor, count: int, override: str, default: int) -> int:
    if step.position is None:
        return default
    far = len(step.position) > 9
    index = int(step.position) if step.position and not far else count + far
    if index > count:
        raise _error(
            override,
            f"{field.name}[{shortened(step.position)}] does not exist: there are {count}.",
            f"Allowed are 0 to {count}; {count} appends one.",
            "Choose another index.",
        )
    return index


def _parsed(message: Message, field: FieldDescriptor, value: str, override: str) -> Message:
    """A message like `message` in which only `field` is set, to `value`."""
    text = f"{text_name(field)}: {_as_text(field, value)}"
    try:
        tree = parse(text)
        if len(tree.fields) > 1:
            extra = tree.fields[1]
            raise TextSyntaxError(extra.place, f'found "{extra.name}"', "the end of the value")
        problems, _ = read_tree(tree, message.DESCRIPTOR)
        if problems:
            first = problems[0]
            raise _error(override, first.found, first.allowed, first.next_step)
        return message_from(text, type(message)())
    except (TextSyntaxError, text_format.ParseError) as error:
        example = f"{field.name}={{name: value}}" if field.message_type else f"{field.name}=VALUE"
        raise _error(
            override,
            f"{shortened(value)} cannot be read as {_kind(field)}: {error}.",
            f"{field.name} takes {_kind(field)}.",
            f"Write {example}, the whole in quotes for the shell.",
        ) from error


def _as_text(field: FieldDescriptor, value: str) -> str:
    """`value` as protobuf text: quotes around plain text, braces around a message's fields."""
    if field.cpp_type == Kinds.CPPTYPE_STRING:
        if is_repeated(field) and value.startswith("[") and value.endswith("]"):
            parts = [part.strip() for part in value[1:-1].split(",") if part.strip()]
            return f"[{', '.join(_quoted(part) for part in parts)}]"
        return _quoted(value)
    if field.message_type is not None and value[0] not in "{<[":
        return f"{{{value}}}"
    if field.enum_type is not None and value[0] in "\"'" and value[-1] == value[0]:
        return value[1:-1]
    return value


def _quoted(text: str) -> str:
    if len(text) >= 2 and text[0] in "\"'" and text[-1] == text[0]:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _kind(field: FieldDescriptor) -> str:
    one = {
        Kinds.CPPTYPE_STRING: "text",
        Kinds.CPPTYPE_BOOL: "true or false",
        Kinds.CPPTYPE_FLOAT: "a number",
        Kinds.CPPTYPE_ENUM: "a name",
    }.get(field.cpp_type, "a whole number")
    if field.message_type is not None:
        one = f"the fields of {field.message_type.name} in braces"
    return f"a list of {one}, in square brackets" if is_repeated(field) else one


def _not_repeated(override: str, field: FieldDescriptor) -> ConfigError:
    return _error(
        override,
        f"{field.name} is not repeated.",
        "Only repeated fields take an index.",
        f"Write {field.name} without brackets.",
    )


def _error(override: str, found: str, allowed: str, next_step: str) -> ConfigError:
    shown = override if len(override) <= 120 else override[:117] + "..."
    parts = (f"--set {shown}: {found}", allowed, next_step)
    return ConfigError(three_part(*(one_line(part) for part in parts)))
