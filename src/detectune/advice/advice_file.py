"""An advice as a file, and the config that is written from it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from google.protobuf import text_format

from detectune.advice.advice_parts import FREEZE, Advice, Settings
from detectune.config import schema
from detectune.config.architectures import architecture_of
from detectune.errors import ConfigError, three_part
from detectune.files import read_regular, write_text
from detectune.recipes.templates import models
from detectune.wording import one_line

VERSION = 1
"""Of the file; another one may mean other things by the same names."""
_MOST_BYTES = 64 << 20


def advice_json(advice: Advice) -> str:
    """`advice` as JSON."""
    content = asdict(advice)
    content["points"] = [point._asdict() for point in advice.points]
    return json.dumps({"detectune_advice": VERSION, **content}, indent=1)


def write_advice(advice: Advice, path: str) -> None:
    """Write `advice` to `path`, atomically."""
    write_text(path, advice_json(advice))


class StoredAdvice:
    """What `config new` reads of an advice file.

    Raises:
        ConfigError: the file cannot be read, is no advice, is damaged, or of another version.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        content = _content(path)
        self.source: str = _value(path, content, "source", str)
        self.digest: str = _value(path, content, "digest", str)
        self.method: str = _value(path, content, "method", str)
        self.classes = _texts(path, content, "classes")
        self.commands = _texts(path, content, "commands")
        settings = content.get("settings")
        self._settings = None if settings is None else _settings(path, settings)

    @property
    def settings(self) -> Settings:
        """What the config gets.

        Raises:
            ConfigError: the advice is no detector's.
        """
        if self._settings is not None:
            return self._settings
        raise ConfigError(
            three_part(
                f"--from-advice {one_line(self.path)}: it advises {one_line(self.method)}, for "
                "which `config new` writes no config.",
                "A config is written for the methods fine-tune heads and fine-tune all.",
                "Type instead:\n" + "\n".join(f"  {one_line(line)}" for line in self.commands),
            )
        )

    def apply(self, config: schema.TrainEvalPipelineConfig) -> list[str]:
        """Change `config`, which has the advised model, and say what was changed.

        Raises:
            ConfigError: the anchors are those of another kind of model.
        """
        settings, said = self.settings, list[str]()
        if settings.freeze:
            config.train_config.freeze.extend(settings.freeze)
            said.append(f"freeze {', '.join(settings.freeze)}: as advised.")
        if settings.anchors:
            message = architecture_of(config.model).message
            if settings.anchor_field not in message.DESCRIPTOR.fields_by_name:
                raise _damaged(self.path, f"{settings.model} has no {settings.anchor_field}")
            getattr(message, settings.anchor_field).CopyFrom(_anchors(self.path, settings))
            said.append("Anchors: as advised, fitted to the boxes.")
        return said


def _content(path: str) -> dict[str, Any]:
    shown = f"--from-advice {one_line(path)}"
    try:
        data = read_regular(path, _MOST_BYTES)
    except OSError as error:
        raise ConfigError(
            three_part(
                f"{shown}: it cannot be read: {error.strerror or error}.",
                "Needed is a file that `detectune advise SOURCE -o ADVICE.json` has written.",
                "Check the path, or write one: `detectune advise SOURCE -o ADVICE.json`.",
            )
        ) from None
    try:
        content = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or "detectune_advice" not in content:
        raise _damaged(path, "it is no advice of detectune")
    version = content["detectune_advice"]
    if version != VERSION:
        raise ConfigError(
            three_part(
                f"{shown}: it is of version {one_line(version)}.",
                f"This detectune reads version {VERSION}.",
                "Write it again: `detectune advise SOURCE -o ADVICE.json`.",
            )
        )
    return content


def _value(path: str, content: dict[str, Any], name: str, kind: type) -> Any:
    value = content.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _damaged(path, f"its {name} is {one_line(json.dumps(value))[:60]}")
    return value


def _texts(path: str, content: dict[str, Any], name: str) -> tuple[str, ...]:
    values = _value(path, content, name, list)
    if not all(isinstance(value, str) for value in values):
        raise _damaged(path, f"its {name} are not all texts")
    return tuple(values)


def _settings(path: str, content: Any) -> Settings:
    if not isinstance(content, dict):
        raise _damaged(path, "its settings are no object")
    settings = Settings(
        model=_value(path, content, "model", str),
        batch_size=_value(path, content, "batch_size", int),
        num_steps=_value(path, content, "num_steps", int),
        freeze=_texts(path, content, "freeze"),
        anchor_field=_value(path, content, "anchor_field", str),
        anchors=_value(path, content, "anchors", str),
    )
    if settings.model not in models():
        raise _damaged(path, f'there is no model "{one_line(settings.model)}"')
    if not (1 <= settings.batch_size <= 16_384 and 1 <= settings.num_steps <= 1_000_000_000):
        raise _damaged(path, "batch_size or num_steps is out of range")
    for word in settings.freeze:
        if word not in FREEZE:
            raise _damaged(path, f'it freezes "{one_line(word)}"')
    if settings.anchors:
        _anchors(path, settings)
    return settings


def _anchors(path: str, settings: Settings) -> schema.AnchorGenerator:
    if settings.anchor_field not in ("anchor_generator", "first_stage_anchor_generator"):
        raise _damaged(path, f'its anchor_field is "{one_line(settings.anchor_field)}"')
    try:
        return text_format.Parse(settings.anchors, schema.AnchorGenerator())
    except text_format.ParseError as error:
        raise _damaged(path, f"its anchors are no anchor_generator: {one_line(error)}") from None


def _damaged(path: str, reason: str) -> ConfigError:
    return ConfigError(
        three_part(
            f"--from-advice {one_line(path)}: {reason}.",
            "Needed is a file as `detectune advise SOURCE -o ADVICE.json` wrote it.",
            "Write it again: `detectune advise SOURCE -o ADVICE.json`.",
        )
    )
