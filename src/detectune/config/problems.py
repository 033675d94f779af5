"""What is wrong, questionable or worth knowing about a config."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal, NamedTuple

from detectune.errors import ConfigError, DetectuneError, three_part
from detectune.wording import one_line, plural

_TABLE = "What is supported stands in docs/reference/config-fields.md."

Severity = Literal["error", "warning", "note"]
_SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


class Problem(NamedTuple):
    """One thing to say about a config, with what to do about it."""

    severity: Severity
    field: str
    """Path of the field: `train_config.data_augmentation_options[1]`; empty for the whole file."""
    found: str
    """The place's value and what is wrong with it, one sentence."""
    allowed: str
    """What is allowed there, or why it is so."""
    next_step: str
    line: int = 0
    """From 1; 0 if the config did not come from a file."""
    column: int = 0

    @property
    def text(self) -> str:
        """The three sentences in one line."""
        parts = (self.found, self.allowed, self.next_step)
        return " ".join(" ".join(part.split("\n")) for part in parts if part)

    @property
    def message(self) -> str:
        """The text of an error that stops at this problem: three lines, the field in the first."""
        field = f"{self.field}: " if self.field else ""
        return three_part(f"{field}{self.found}", self.allowed or _TABLE, self.next_step)

    def shown(self, file: str = "") -> str:
        """`file:line:column: severity: text`, as compilers write it."""
        place = f"{file}:{self.line}:{self.column}: " if self.line else f"{file}: " if file else ""
        field = f"{self.field}: " if self.field else ""
        return one_line(f"{place}{self.severity}: {field}{self.text}")


def from_error(error: DetectuneError, field: str) -> Problem:
    """`error` as a problem of `field`; a list between its first line and the last two follows it.

    An error that has fewer than three lines says so much less.
    """
    lines = [line.strip() for line in str(error).split("\n")]
    if len(lines) < 3:
        return Problem("error", field, " ".join(lines), "", "")
    return Problem("error", field, " ".join(lines[:-2]), lines[-2], lines[-1])


def missing(path: str, found: str, example: str) -> Problem:
    """The error that something needed is not there: `no optimizer`, and what to write."""
    return Problem("error", path, f"the config has {found}.", "It is needed.", f"Write {example}.")


def refuse(problems: Iterable[Problem]) -> None:
    """Stop at the first of `problems`.

    Raises:
        ConfigError: there is one.
    """
    for problem in problems:
        raise ConfigError(problem.message)


def errors(problems: Iterable[Problem]) -> list[Problem]:
    """Those of `problems` that are errors."""
    return [problem for problem in problems if problem.severity == "error"]


def has_errors(problems: Iterable[Problem]) -> bool:
    """Whether one of `problems` is an error."""
    return any(problem.severity == "error" for problem in problems)


def summary(problems: Iterable[Problem]) -> str:
    """`2 errors, 1 warning, 4 notes`, or `no problems`."""
    counts = Counter(problem.severity for problem in problems)
    parts = [plural(n, kind) for kind in _SEVERITIES if (n := counts[kind])]
    return ", ".join(parts) or "no problems"
