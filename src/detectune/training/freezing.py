"""Freezing variables by pattern, so that it really freezes, and says what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from detectune.checkpoints.keys import VariableKey, variable_keys
from detectune.detectors.base import Detector
from detectune.errors import ConfigError, three_part
from detectune.layers.batch_norm import FreezableBatchNormalization


@dataclass(frozen=True)
class Frozen:
    """What was frozen."""

    variables: int
    trainable: int
    """Variables that could train."""
    parameters: int
    all_parameters: int
    batch_norms: int
    """Batch norms whose statistics are kept as they are."""

    def summary(self) -> str:
        """One line for people."""
        return (
            f"frozen {self.variables}/{self.trainable} variables "
            f"({self.parameters / 1e6:.2f} M of {self.all_parameters / 1e6:.2f} M parameters), "
            f"and the statistics of {self.batch_norms} batch norms"
        )


def freeze(
    detector: Detector, *, freeze_patterns: Sequence[str], update_patterns: Sequence[str]
) -> Frozen | None:
    """Freeze the variables that a pattern of `freeze_patterns` matches, or none of
    `update_patterns` if there are any; None if there are no patterns at all.

    A pattern is a regular expression that is searched for in the checkpoint key of a variable, in
    its name in the original's TF2 form, in that name below `FeatureExtractor/`, `BoxPredictor/` or
    the scope of its stage, and in its name in TensorFlow 1. A batch norm of which all variables are
    frozen keeps its statistics too.

    Raises:
        ConfigError: a pattern is no regular expression, matches nothing, or nothing would train.
    """
    if not freeze_patterns and not update_patterns:
        return None
    rows = variable_keys(detector)
    frozen = _matching(rows, freeze_patterns, "freeze_variables")
    if update_patterns:
        updated = _matching(rows, update_patterns, "update_trainable_variables")
        frozen |= {row.key for row in rows} - updated
    trainable = [row for row in rows if row.variable.trainable]
    chosen = [row for row in trainable if row.key in frozen]
    if len(chosen) == len(trainable):
        raise ConfigError(
            three_part(
                "train_config: freeze_variables and update_trainable_variables freeze everything.",
                "At least one variable must train.",
                "Remove a pattern, or make it match less.",
            )
        )
    for row in chosen:
        row.variable.trainable = False
    return Frozen(
        len(chosen), len(trainable), _size(chosen), _size(trainable),
        _freeze_statistics(detector, frozen, rows),
    )  # fmt: skip


def names_of(row: VariableKey) -> tuple[str, ...]:
    """All names by which a pattern may mean a variable."""
    names = row.path, row.original_name, row.scoped_name, row.tf1_name
    return tuple(name for name in names if name)


def _matching(rows: Sequence[VariableKey], patterns: Sequence[str], field: str) -> set[str]:
    found: set[str] = set()
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
        matched = {row.key for row in rows if any(search(name) for name in names_of(row))}
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


def _freeze_statistics(detector: Detector, frozen: set[str], rows: Sequence[VariableKey]) -> int:
    by_variable = {id(row.variable): row.key for row in rows}
    count = 0
    for layer in detector._flatten_layers():
        if isinstance(layer, FreezableBatchNormalization) and layer.weights:
            own = [v for v in layer.weights if "moving" not in v.name] or layer.weights
            if all(by_variable.get(id(v)) in frozen for v in own):
                layer.frozen_statistics = True
                count += 1
    return count


def _size(rows: Sequence[VariableKey]) -> int:
    total = 0
    for row in rows:
        count = 1
        for side in row.variable.shape:
            count *= side
        total += count
    return total
