"""What a training holds still, and from which step on it trains after all.

    patterns of freeze_variables, update_trainable_variables, factor 0    to the end
    words of freeze                                                       until unfreeze_at_step

What is frozen is really frozen: it has no gradient, no penalty, no part in the norm that clips
gradients, no average; a batch norm of which all variables are frozen keeps its statistics, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from keras.layers import BatchNormalization

from detectune.checkpoints.keys import VariableKey, variable_keys
from detectune.config import schema
from detectune.config.freezing import PARTS, Part, lifts, part_trained, read_part
from detectune.detectors.base import Detector
from detectune.errors import ConfigError, three_part
from detectune.layers.batch_norm import FreezableBatchNormalization
from detectune.training.detector_parts import DetectorParts, batch_norms
from detectune.training.freeze_patterns import by_patterns
from detectune.wording import plural


@dataclass(frozen=True)
class Frozen:
    """What is frozen."""

    variables: int
    trainable: int
    """Variables that could train."""
    parameters: int
    all_parameters: int
    batch_norms: int
    """Batch norms whose statistics are kept as they are."""
    parts: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    """Part of the detector → variables that are frozen, and that could train."""

    def summary(self) -> str:
        """One line for people."""
        parts = ", ".join(f"{name} {frozen}/{of}" for name, (frozen, of) in self.parts.items())
        return (
            f"frozen {self.variables}/{self.trainable} variables "
            f"({self.parameters / 1e6:.2f} M of {self.all_parameters / 1e6:.2f} M parameters), "
            f"and the statistics of {self.batch_norms} batch norms"
            f"{f': {parts}' if parts else ''}"
        )


@dataclass(frozen=True)
class Unfrozen:
    """What trains from some step on."""

    step: int
    part: str
    variables: Sequence[Any]
    """Keras variables; none where it is statistics alone that move."""
    parameters: int
    batch_norms: int
    """Batch norms whose statistics move from then on."""

    def summary(self) -> str:
        """One line for people."""
        return (
            f"unfrozen at step {self.step}: {self.part}, {plural(len(self.variables), 'variable')} "
            f"({self.parameters / 1e6:.2f} M parameters), and the statistics of "
            f"{plural(self.batch_norms, 'batch norm')}"
        )


class Freezing:
    """What `settings` freeze in `detector`, step by step; `at` makes it so.

    Args:
        path: where the config says what is frozen, for errors.

    Raises:
        ConfigError: a pattern is no regular expression, a pattern or word means nothing in this
            detector, nothing would train, or nothing is there to be unfrozen.
    """

    def __init__(
        self, detector: Detector, settings: schema.TrainConfig, path: str = "train_config"
    ) -> None:
        self.parts = DetectorParts(detector)
        self._settings, self._path, rows = settings, path, variable_keys(detector)
        self._trainable = [row for row in rows if row.variable.trainable]
        self._norms = [(norm, _learns(norm)) for norm in batch_norms(detector)]
        patterns = settings.freeze_variables, settings.update_trainable_variables
        self._for_good = by_patterns(rows, *patterns) | self._without_rate()
        self._words = [self._to_freeze(index) for index in range(len(settings.freeze))]
        self._trained = [
            (entry.step, part_trained(entry.part), self._to_train(index))
            for index, entry in enumerate(settings.unfreeze_at_step)
        ]
        self._check_something_trains()
        self.unfrozen = list(self._unfreezings())

    @property
    def anything(self) -> bool:
        """Whether the config freezes something."""
        return bool(self._words or self._for_good)

    @property
    def steps(self) -> list[int]:
        """The steps at which something begins to train, in order."""
        return sorted({one.step for one in self.unfrozen})

    def at(self, step: int) -> Frozen:
        """Freeze what is frozen after `step` steps, let everything else train; what that is."""
        frozen = self._frozen(step)
        for norm, learns in self._norms:
            keeps = not learns or _is_frozen(norm, frozen)
            _keep_statistics(norm, keeps)
        for row in self._trainable:
            row.variable.trainable = id(row.variable) not in frozen
        return self._described(frozen)

    def begins(self) -> dict[int, int]:
        """`id` of each variable that begins to train later → its first step."""
        return {id(v): one.step for one in self.unfrozen for v in one.variables}

    def factors(self) -> dict[int, float]:
        """`id` of each variable that has a learning-rate factor → the factor."""
        given = self._settings.learning_rate_factors
        factors = {part: getattr(given, part) for part in PARTS}
        if all(factor == 1 for factor in factors.values()):
            return {}
        return {
            id(row.variable): factors[self.parts.name_of(row.variable)] for row in self._trainable
        }

    def _without_rate(self) -> set[int]:
        """Variables of the parts whose learning-rate factor is 0.

        Raises:
            ConfigError: a factor is given for a part that the detector does not have.
        """
        given, found = self._settings.learning_rate_factors, set[int]()
        path = "train_config.learning_rate_factors"
        for name in ("backbone", "neck"):
            if getattr(given, name) != 1:
                ids = self.parts.variables(Part(name), f"{path}.{name}")
                found |= ids if getattr(given, name) == 0 else set()
        if given.heads == 0:
            of_detector = {id(variable) for variable in self.parts.detector.weights}
            found |= of_detector - self.parts.backbone - self.parts.neck
        return found

    def _to_freeze(self, index: int) -> tuple[Part, set[int]]:
        """What word `index` of `freeze` freezes."""
        field = f"{self._path}.freeze[{index}]"
        part = read_part(self._settings.freeze[index], field)
        found = self.parts.variables(part, field)
        if not found:
            raise ConfigError(
                three_part(
                    f'{field}: "{part}" freezes nothing: there are no weights in it.',
                    "Input layers, paddings and activations are counted, and have none.",
                    "Write a larger number or another word, or remove it.",
                )
            )
        return part, found

    def _to_train(self, index: int) -> set[int]:
        """What entry `index` of `unfreeze_at_step` trains; of `backbone:100` all but these."""
        field = f"train_config.unfreeze_at_step[{index}].part"
        part = part_trained(self._settings.unfreeze_at_step[index].part)
        if not part.name:
            return {id(variable) for variable in self.parts.detector.weights}
        found = self.parts.variables(part, field)
        return self.parts.backbone - found if part.layers or part.last_layer else found

    def _frozen(self, step: int) -> set[int]:
        """`id`s of all variables that are frozen after `step` steps."""
        frozen = set(self._for_good)
        for part, ids in self._words:
            lifted = [
                trained
                for begins, named, trained in self._trained
                if begins <= step and lifts(named, part)
            ]
            frozen |= ids.difference(*lifted)
        return frozen

    def _check_something_trains(self) -> None:
        frozen = self._frozen(0)
        if not frozen or any(id(row.variable) not in frozen for row in self._trainable):
            return
        fields = ("freeze", "freeze_variables", "update_trainable_variables")
        given = [name for name in fields if getattr(self._settings, name)]
        given += ["learning_rate_factors"] if self._without_rate() else []
        verb = "freezes" if len(given) == 1 else "freeze"
        raise ConfigError(
            three_part(
                f"train_config: {' and '.join(given)} {verb} everything.",
                "At least one variable must train.",
                "Remove a word or a pattern, or make it match less.",
            )
        )

    def _unfreezings(self) -> Iterator[Unfrozen]:
        before = self._frozen(0)
        for index, (step, part, _) in enumerate(self._trained):
            after = set(self._for_good)
            for word, ids in self._words:
                named = self._trained[: index + 1]
                after |= ids.difference(*(ids_ for _, one, ids_ in named if lifts(one, word)))
            rows = [row for row in self._trainable if id(row.variable) in before - after]
            norms = sum(
                learns and _is_frozen(norm, before) and not _is_frozen(norm, after)
                for norm, learns in self._norms
            )
            if not rows and not norms:
                raise self._nothing_new(index, part)
            variables = [row.variable for row in rows]
            yield Unfrozen(step, _said(part), variables, _size(rows), norms)
            before = after

    def _nothing_new(self, index: int, part: Part) -> ConfigError:
        return ConfigError(
            three_part(
                f'train_config.unfreeze_at_step[{index}]: nothing of "{part}" is frozen by then.',
                "Only what `freeze` freezes can be trained later; patterns and a learning-rate "
                'factor of 0 hold to the end, and unfreezing "backbone:100" leaves the first 100 '
                "layers as they are.",
                "Correct the part, or remove the block.",
            )
        )

    def _described(self, frozen: set[int]) -> Frozen:
        chosen = [row for row in self._trainable if id(row.variable) in frozen]
        norms = sum(learns and _is_frozen(norm, frozen) for norm, learns in self._norms)
        parts: dict[str, tuple[int, int]] = {}
        if self.parts.known:
            held, all_ = (
                Counter(self.parts.name_of(row.variable) for row in rows)
                for rows in (chosen, self._trainable)
            )
            parts = {name: (held[name], all_[name]) for name in PARTS if all_[name]}
        return Frozen(
            len(chosen), len(self._trainable), _size(chosen), _size(self._trainable), norms, parts
        )


def freeze(
    detector: Detector,
    *,
    freeze_patterns: Sequence[str] = (),
    update_patterns: Sequence[str] = (),
    words: Sequence[str] = (),
) -> Frozen | None:
    """Freeze the variables that a pattern of `freeze_patterns` matches, none of `update_patterns`
    matches if there are any, or one of `words` means; None if there is nothing of these.

    A pattern is a regular expression that is searched for in the checkpoint key of a variable, in
    its name in the original's TF2 form, in that name below `FeatureExtractor/`, `BoxPredictor/` or
    the scope of its stage, and in its name in TensorFlow 1. Words: `config/freezing.py`.

    Raises:
        ConfigError: see `Freezing`.
    """
    settings = schema.TrainConfig(
        freeze_variables=freeze_patterns, update_trainable_variables=update_patterns, freeze=words
    )
    freezing = Freezing(detector, settings)
    return freezing.at(0) if freezing.anything else None


def _said(part: Part) -> str:
    """What an unfreezing of `part` trains, in words for people."""
    whole = {"": "everything", "all-but-heads": "all but the heads", "batch-norm": "batch norms"}
    name = whole.get(part.name, f"the {part.name}")
    if part.layers:
        return f"{name} after its first {plural(part.layers, 'layer')}"
    return f"{name} after {part.last_layer}" if part.last_layer else name


def _keep_statistics(norm: BatchNormalization, keeps: bool) -> None:
    """Let `norm` keep its statistics, or move them with every batch."""
    if isinstance(norm, FreezableBatchNormalization):
        norm.frozen_statistics = keeps
    elif norm.trainable is keeps:
        flags = [(variable, variable.trainable) for variable in norm.weights]
        norm.trainable = not keeps  # it changes the variables, too
        for variable, trainable in flags:
            variable.trainable = trainable


def _learns(norm: BatchNormalization) -> bool:
    """Whether training moves the statistics of `norm` as it was built."""
    return norm.trainable and not getattr(norm, "frozen_statistics", False)


def _is_frozen(norm: BatchNormalization, frozen: set[int]) -> bool:
    """Whether scale and offset of `norm` are frozen, or the statistics where it has no others."""
    own = [v for v in norm.weights if "moving" not in v.name] or norm.weights
    return all(id(variable) in frozen for variable in own)


def _size(rows: Sequence[VariableKey]) -> int:
    total = 0
    for row in rows:
        count = 1
        for side in row.variable.shape:
            count *= side
        total += count
    return total
