"""A text tree against the messages it claims to be: unknown names, wrong kinds of values, places.

`read_tree` visits a tree once and gives all problems with their places, and the place of every
field by its path: `train_config.data_augmentation_options[1].random_crop_image.min_area`.
"""

from __future__ import annotations

import functools

from google.protobuf.descriptor import FieldDescriptor as Kinds

from detectune.config.descriptors import (
    Descriptor,
    EnumDescriptor,
    FieldDescriptor,
    extensions_of,
    find_field,
    is_repeated,
    reachable_messages,
    text_name,
)
from detectune.config.problems import Problem
from detectune.config.text_tree import Block, Field, Place, Scalar, shortened
from detectune.errors import did_you_mean
from detectune.registry import messages

_INTEGERS = {
    Kinds.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    Kinds.CPPTYPE_UINT32: (0, 2**32 - 1),
    Kinds.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    Kinds.CPPTYPE_UINT64: (0, 2**64 - 1),
}
_MOST_DIGITS = 100
"""Far more than any whole number of protobuf has; Python refuses thousands."""
_FLOATS = (Kinds.CPPTYPE_FLOAT, Kinds.CPPTYPE_DOUBLE)
_BOOLS = ("true", "True", "t", "1", "false", "False", "f", "0")


def read_tree(tree: Block, message: Descriptor) -> tuple[list[Problem], dict[str, Place]]:
    """All problems of `tree` as a `message`, in reading order, and the place of every field."""
    reader = _Reader()
    reader.block(tree, message, "")
    return reader.problems, reader.places


_MOST_PROBLEMS = 200
"""More are of no use to anybody, and looking for what was meant takes time."""


class _Reader:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.places: dict[str, Place] = {}
        self._around: list[Descriptor] = []

    def block(self, block: Block, message: Descriptor, path: str) -> None:
        counts: dict[str, int] = {}
        chosen: dict[str, str] = {}
        self._around.append(message)
        for field in block.fields:
            if len(self.problems) >= _MOST_PROBLEMS:
                break
            descriptor = find_field(message, field.name)
            if descriptor is None and field.name.startswith("["):
                self._unknown_extension(field, message, path)
                continue
            if descriptor is None:
                self._unknown_field(field, message, path)
                continue
            self._once(field, descriptor, path, counts, chosen)
            self._values(field, descriptor, _join(path, field.name), counts)
        self._around.pop()

    def _values(
        self, field: Field, descriptor: FieldDescriptor, path: str, counts: dict[str, int]
    ) -> None:
        """The values of one field, and their places; those of a list in brackets have its place."""
        repeated, index = is_repeated(descriptor), counts.get(field.name, 0)
        if repeated:
            self.places.setdefault(path, field.place)
        for value in field.values:
            inner = f"{path}[{index}]" if repeated else path
            if not field.is_list or isinstance(value, Block):
                self.places[inner] = field.place
            self._value(value, descriptor, inner)
            index += 1
        counts[field.name] = index

    def _once(
        self,
        field: Field,
        descriptor: FieldDescriptor,
        path: str,
        counts: dict[str, int],
        chosen: dict[str, str],
    ) -> None:
        """A field that is not repeated stands once, and one field of a oneof excludes the rest."""
        if not is_repeated(descriptor) and (counts.get(field.name) or field.is_list):
            self._add(
                field.place,
                _join(path, field.name),
                f"{field.name} stands here more than once.",
                "It takes one value.",
                "Keep one of them.",
            )
        group = descriptor.containing_oneof
        if group is None:
            return
        other = chosen.setdefault(group.name, field.name)
        if other != field.name:
            names = [member.name for member in group.fields]
            block = path.rpartition("[")[0].rpartition(".")[2] if path.endswith("]") else ""
            self._add(
                field.place,
                _join(path, field.name),
                f"{field.name} stands beside {other}.",
                f"A block of {block} takes one of its choices."
                if block
                else f"Only one of these may be chosen: {', '.join(names)}.",
                f"Give it a block of its own: {block} {{ {field.name} {{ ... }} }}."
                if block
                else "Remove the other.",
            )

    def _value(self, value: Scalar | Block, descriptor: FieldDescriptor, path: str) -> None:
        if descriptor.message_type is not None:
            if isinstance(value, Block):
                self.block(value, descriptor.message_type, path)
            else:
                self._wrong_value(value, path, f"a block: {descriptor.name} {{ ... }}")
        elif isinstance(value, Block):
            self._add(
                value.place,
                path,
                f"{descriptor.name} is followed by a block.",
                f"Allowed is {_allowed(descriptor)}.",
                f"Write {descriptor.name}: VALUE.",
            )
        else:
            self._scalar(value, descriptor, path)

    def _scalar(self, value: Scalar, descriptor: FieldDescriptor, path: str) -> None:
        if descriptor.enum_type is not None:
            self._enum(value, descriptor.enum_type, path)
        elif not _fits(value, descriptor):
            self._wrong_value(value, path, _allowed(descriptor))

    def _enum(self, value: Scalar, enum: EnumDescriptor, path: str) -> None:
        names = [item.name for item in enum.values]
        known = value.text in names and value.kind == "word"
        known = known or (value.kind == "number" and _integer(value.text) in enum.values_by_number)
        if not known:
            self._add(
                value.place,
                path,
                f"{shortened(value.text)} is not a value of this field.",
                f"Allowed: {', '.join(names)}.",
                f"{did_you_mean(shortened(value.text.strip(chr(34) + chr(39))), names)}"
                f"{'Write the name without quotes.' if value.kind == 'string' else 'Choose one.'}",
            )

    def _wrong_value(self, value: Scalar, path: str, allowed: str) -> None:
        self._add(
            value.place,
            path,
            f"the value is {shortened(value.text)}.",
            f"Allowed is {allowed}.",
            "Change the value.",
        )

    def _unknown_field(self, field: Field, message: Descriptor, path: str) -> None:
        if self._is_left_open(field, path):
            return
        names = [known.name for known in message.fields]
        offers = f"{message.name} has: {', '.join(names)}." if names else "It takes no fields."
        homes = [home for home in _homes().get(field.name, ()) if home != message.name]
        guess = did_you_mean(shortened(field.name), names)
        if homes and not guess:
            have = "has" if len(homes) == 1 else "have"
            guess = f"{' and '.join(homes[:3])} {have} a field of this name: is a brace misplaced? "
        self._add(
            field.place,
            _join(path, field.name),
            f"{message.name} has no field called {shortened(field.name)}.",
            offers,
            f"{guess}Rename or remove the line.",
        )

    def _is_left_open(self, field: Field, path: str) -> bool:
        """Whether `field` belongs to a block further out; then the missing brace is reported."""
        for depth, message in enumerate(reversed(self._around[:-1]), 1):
            if field.name in message.fields_by_name:
                inside = path.split(".")[-depth] if path else ""
                name = inside.partition("[")[0]
                self._add(
                    field.place,
                    _join(path, field.name),
                    f"{field.name} stands inside of {name}."
                    if field.name != name
                    else f"{name} stands inside of {name}: one is not closed before the next.",
                    f"It belongs to {message.name}, outside of that block.",
                    f'Close {name} with "}}" before this line, and remove the brace that is too '
                    "many at the end.",
                )
                return True
        return False

    def _unknown_extension(self, field: Field, message: Descriptor, path: str) -> None:
        package = field.name.strip("[]").partition(".")[0]
        known = ", ".join(text_name(extension) for extension in extensions_of(message))
        self._add(
            field.place,
            _join(path, field.name),
            f"no installed package adds {field.name} to {message.name}.",
            f"Such blocks come with packages; known: {known or 'none'}. {messages.lost}".rstrip(),
            f"Install the package {package} that brings it, or correct the name.",
        )

    def _add(self, place: Place, path: str, found: str, allowed: str, next_step: str) -> None:
        self.problems.append(Problem("error", path, found, allowed, next_step, *place))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _fits(value: Scalar, descriptor: FieldDescriptor) -> bool:
    kind = descriptor.cpp_type
    if kind == Kinds.CPPTYPE_STRING:
        return value.kind == "string"
    if value.kind == "string":
        return False
    if kind == Kinds.CPPTYPE_BOOL:
        return value.text in _BOOLS
    if kind in _FLOATS:
        return value.kind == "number" or value.text.lower().lstrip("-") in ("inf", "nan")
    low, high = _INTEGERS[kind]
    number = _integer(value.text)
    return number is not None and low <= number <= high


def _integer(text: str) -> int | None:
    if len(text) > _MOST_DIGITS:
        return None
    try:
        return int(text, 0) if "." not in text else None
    except ValueError:
        # protobuf reads a leading zero as octal; Python's int(text, 0) does not.
        return (
            int(text, 8) if text.lstrip("-").isdigit() and set(text) <= set("-01234567") else None
        )


def _allowed(descriptor: FieldDescriptor) -> str:
    kind = descriptor.cpp_type
    if kind == Kinds.CPPTYPE_STRING:
        return 'text in quotes: "..."'
    if kind == Kinds.CPPTYPE_BOOL:
        return "true or false"
    if kind in _FLOATS:
        return "a number"
    if kind == Kinds.CPPTYPE_ENUM:
        return ", ".join(item.name for item in descriptor.enum_type.values)
    return "a whole number" if _INTEGERS[kind][0] else "a whole number of 0 or more"


@functools.cache
def _homes() -> dict[str, list[str]]:
    """Field name → the messages that have such a field."""
    from detectune.config import schema

    homes: dict[str, list[str]] = {}
    for message in reachable_messages(schema.TrainEvalPipelineConfig.DESCRIPTOR):
        for field in message.fields:
            homes.setdefault(field.name, []).append(message.name)
    return homes
