"""A pipeline.config on disk → a protobuf message."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable

from google.protobuf import text_format
from google.protobuf.message import Message

from detectune.config import schema
from detectune.config.descriptors import Descriptor
from detectune.config.extensions import import_extensions
from detectune.config.file_kinds import looks_like_label_map
from detectune.config.overrides import apply_overrides
from detectune.config.problems import Problem
from detectune.config.protobuf_text import AnyMessage, message_from
from detectune.config.text_file import read_config_text
from detectune.config.text_problems import read_tree
from detectune.config.text_tree import TextSyntaxError, parse
from detectune.errors import ConfigError, three_part


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
    text = read_config_text(path)
    if looks_like_label_map(text):
        raise ConfigError(
            three_part(
                f"{path}:1:1: this is a label map.",
                "A pipeline.config has model, train_config, train_input_reader, eval_config and "
                "eval_input_reader.",
                f'A pipeline.config names it: label_map_path: "{path}".',
            )
        )
    config = parse_message(text, schema.TrainEvalPipelineConfig(), str(path))
    if not config.ListFields():
        raise ConfigError(
            three_part(
                f"{path}:1:1: the config is empty.",
                "A pipeline.config has model, train_config, train_input_reader, eval_config and "
                "eval_input_reader.",
                "`detectune config new --help` says how one is written.",
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
        return message_from(text, message)
    except text_format.ParseError as error:
        problems = text_problems(text, message.DESCRIPTOR) or [_protobuf_problem(error)]
        raise _config_error(problems, name) from error


def text_problems(text: str, message: Descriptor) -> list[Problem]:
    """All places where `text` is not protobuf text, or not of this type of message."""
    try:
        problems, _ = read_tree(parse(text), message)
        return problems
    except TextSyntaxError as error:
        return [syntax_problem(error)]


def syntax_problem(error: TextSyntaxError) -> Problem:
    """`error` as a problem of the whole file."""
    return Problem(
        "error",
        "",
        f"{error.found}.",
        f"Expected here: {error.expected}.",
        error.advice
        or "Look at this line and the ones above it for a missing brace, colon or quote.",
        *error.place,
    )


def protobuf_problem(text: str, message: Message) -> Problem | None:
    """What protobuf itself finds wrong with `text`; None if it can be read."""
    try:
        message_from(text, message)
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
    more = f" `detectune config check {shlex.quote(name)}` shows all {len(problems)}."
    return ConfigError(
        three_part(
            f"{name}:{first.line}:{first.column}: {field}{first.found}",
            first.allowed,
            first.next_step + (more if len(problems) > 1 else ""),
        )
    )
