"""A pipeline.config on disk → a protobuf message."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from google.protobuf import text_format
from google.protobuf.message import Message

from detectune.config import schema
from detectune.config.descriptors import Descriptor
from detectune.config.extensions import import_extensions
from detectune.config.overrides import apply_overrides
from detectune.config.problems import Problem
from detectune.config.text_problems import read_tree
from detectune.config.text_tree import TextSyntaxError, parse
from detectune.errors import ConfigError, three_part

AnyMessage = TypeVar("AnyMessage", bound=Message)

_MAX_BYTES = 16 * 2**20
"""A pipeline.config has kilobytes; whoever gives a checkpoint by mistake gets an answer at once."""


def load_config(
    path: str | os.PathLike[str], overrides: Iterable[str] = ()
) -> schema.TrainEvalPipelineConfig:
    """The `TrainEvalPipelineConfig` written in the file at `path`.

    Args:
        overrides: assignments such as `"train_config.batch_size=8"`, see `config.overrides`.

    Raises:
        ConfigError: the file cannot be read or does not hold a config; the message starts with
            `path:line:column`.
    """
    import_extensions()
    config = parse_message(read_config_text(path), schema.TrainEvalPipelineConfig(), str(path))
    if not config.ListFields():
        raise ConfigError(
            three_part(
                f"{path}:1:1: the config is empty.",
                "A pipeline.config has model, train_config, train_input_reader, eval_config and "
                "eval_input_reader.",
                "`detectune config new` writes one.",
            )
        )
    apply_overrides(config, overrides)
    return config


def parse_message(text: str, message: AnyMessage, name: str) -> AnyMessage:
    """`message` filled from protobuf text.

    Args:
        name: what the text is called in an error, usually its path.

    Raises:
        ConfigError: the text is not such a message; the first problem, with its place.
    """
    try:
        return text_format.Parse(text, message)
    except text_format.ParseError as error:
        problems = text_problems(text, message.DESCRIPTOR) or [_protobuf_problem(error)]
        raise _config_error(problems, name) from error


def text_problems(text: str, message: Descriptor) -> list[Problem]:
    """All places where `text` is not protobuf text, or not of this type of message."""
    try:
        problems, _ = read_tree(parse(text), message)
        return problems
    except TextSyntaxError as error:
        return [
            Problem(
                "error",
                "",
                f"{error.found}.",
                f"Expected here: {error.expected}.",
                error.advice
                or "Look at this line and the ones above it for a missing brace, colon or quote.",
                *error.place,
            )
        ]


def protobuf_problem(text: str, message: Message) -> Problem | None:
    """What protobuf itself finds wrong with `text`; None if it can be read."""
    try:
        text_format.Parse(text, message)
    except text_format.ParseError as error:
        return _protobuf_problem(error)
    return None


def _protobuf_problem(error: text_format.ParseError) -> Problem:
    """A problem that only protobuf's own parser knows: an escape or a number it cannot read."""
    reason = str(error).split("': ")[-1]
    escape = "codec" in str(error)
    return Problem(
        "error",
        "",
        "the text in quotes has an escape that cannot be read." if escape else f"{reason}.",
        "A backslash in quotes starts an escape." if escape else "protobuf cannot read this value.",
        "Write paths with /, also on Windows." if escape else "Change this line.",
        error.GetLine() or 1,
        error.GetColumn() or 1,
    )


def _config_error(problems: list[Problem], name: str) -> ConfigError:
    first = problems[0]
    field = f"{first.field}: " if first.field else ""
    more = f" `detectune config check {name}` shows all {len(problems)}."
    return ConfigError(
        three_part(
            f"{name}:{first.line}:{first.column}: {field}{first.found}",
            first.allowed,
            first.next_step + (more if len(problems) > 1 else ""),
        )
    )


def read_config_text(path: str | os.PathLike[str], kind: str = "pipeline.config") -> str:
    """The text of the file at `path`; a byte order mark is dropped, line ends become `\\n`.

    Args:
        kind: what the file should be, for the error.

    Raises:
        ConfigError: no such file, a folder, not text, or far too large.
    """
    file = Path(path)
    try:
        if file.is_dir():
            raise _unreadable(file, kind, "this is a folder.", _folder_advice(file, kind))
        with open(file, "rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            found = f"the file has more than {_MAX_BYTES // 2**20} MB."
            raise _unreadable(file, kind, found, _not_text_advice(file))
    except OSError as error:
        if isinstance(error, ConfigError):
            raise
        raise _unreadable(file, kind, _os_reason(error), "Check the path.") from error
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") and len(data) % 2 == 0:
        data = data.decode("utf-16").encode("utf-8")  # Windows' editors write this
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_utf8(file, kind, data, error) from error
    if "\0" in text:
        raise _unreadable(file, kind, "this is a binary file.", _not_text_advice(file))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _os_reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "there is no such file."
    if isinstance(error, PermissionError):
        return "the file may not be read: permission denied."
    return f"the file could not be read: {error.strerror or error}."


def _folder_advice(folder: Path, kind: str) -> str:
    inside = folder / kind
    if inside.is_file():
        return f"Give the file in it: {inside}."
    return "Give the path of a file."


def _not_utf8(file: Path, kind: str, data: bytes, error: UnicodeDecodeError) -> ConfigError:
    if _looks_binary(data):
        return _unreadable(file, kind, "this is a binary file.", _not_text_advice(file))
    before = data[: error.start]
    line = before.count(b"\n") + 1
    column = error.start - (before.rfind(b"\n") + 1) + 1
    return ConfigError(
        three_part(
            f"{file}:{line}:{column}: the byte 0x{data[error.start]:02x} is not UTF-8.",
            f"A {kind} is UTF-8 text.",
            "Save it as UTF-8, or remove accents and other special characters from this line.",
        )
    )


def _looks_binary(data: bytes) -> bool:
    start = data[:4096]
    return b"\0" in start


def _not_text_advice(file: Path) -> str:
    return (
        f"{file.name} may be a TFRecord or a checkpoint: a pipeline.config names those, as "
        "tf_record_input_reader.input_path and train_config.fine_tune_checkpoint."
    )


def _unreadable(file: Path, kind: str, found: str, next_step: str) -> ConfigError:
    return ConfigError(three_part(f"{file}:1:1: {found}", f"A {kind} is a text file.", next_step))
