"""Variables by regular expressions: `freeze_variables` and `update_trainable_variables`.

A pattern is searched for in every name that a variable has, in checkpoints and in the original.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from detectune.checkpoints.keys import VariableKey
from detectune.errors import ConfigError, three_part


def names_of(row: VariableKey) -> tuple[str, ...]:
    """All names by which a pattern may mean a variable."""
    names = row.path, row.original_name, row.scoped_name, row.tf1_name
    return tuple(name for name in names if name)


def by_patterns(
    rows: Sequence[VariableKey], freezing: Sequence[str], updating: Sequence[str]
) -> set[int]:
    """`id`s of the variables that a pattern of `freezing` matches, and, if there are patterns of
    `updating`, of those that none of these matches.

    Raises:
        ConfigError: a pattern is no regular expression, or matches nothing.
    """
    frozen = _matching(rows, freezing, "freeze_variables")
    if updating:
        updated = _matching(rows, updating, "update_trainable_variables")
        frozen |= {id(row.variable) for row in rows} - updated
    return frozen


def _matching(rows: Sequence[VariableKey], patterns: Sequence[str], field: str) -> set[int]:
    found: set[int] = set()
    for pattern in patterns:
        try:
            search = re.compile(pattern).search
        except re.error as error:
            raise ConfigError(
                three_part(
                    f'train_config.{field}: "{pattern}" is no regular expression: {error}.',
                    "Patterns are Python regular expressions; a literal dot is written \\\\.",
                    "Correct the pattern.",
                )
            ) from error
        matched = {id(row.variable) for row in rows if any(map(search, names_of(row)))}
        if not matched:
            samples = ", ".join(names_of(row)[-1] for row in rows[:: max(len(rows) // 5, 1)][:5])
            raise ConfigError(
                three_part(
                    f'train_config.{field}: "{pattern}" matches no variable.',
                    f"Variables are called, for example: {samples}.",
                    "Correct the pattern, or remove it: a pattern that does nothing is a mistake.",
                )
            )
        found |= matched
    return found
