"""Options of `config new` that an advice takes the place of."""

from __future__ import annotations

import click

from detectune.errors import ConfigError, three_part
from detectune.wording import one_line


def needed(option: str, value: str | None) -> str:
    """`value`, or the usual message that `option` is missing.

    Raises:
        click.MissingParameter: it is.
    """
    if value is None:
        raise click.MissingParameter(param_hint=f"'{option}'", param_type="option")
    return value


def refuse_two_models(advice: str, model: str | None, backbone: str | None) -> None:
    """An advice names a model, so nothing else does.

    Raises:
        ConfigError: `model` or `backbone` is given, too.
    """
    given = {"--model": model, "--backbone": backbone}
    for option, value in given.items():
        if value is not None:
            raise ConfigError(
                three_part(
                    f"--from-advice {one_line(advice)} and {option} {one_line(value)}: there are "
                    "two models.",
                    "An advice names the model; --batch-size, --steps and --checkpoint may differ.",
                    f"Leave {option} or --from-advice out.",
                )
            )
