"""Parts of a detector in words: what `freeze`, `unfreeze_at_step` and `learning_rate_factors` mean.

    freeze: "backbone"          the network that a classifier has, all of it
    freeze: "backbone:100"      its first 100 layers, as Keras numbers the layers of the classifier
    freeze: "backbone:LAYER"    its layers up to LAYER and with it, in the same order
    freeze: "neck"              what stands between backbone and heads: pyramids, added feature maps
    freeze: "all-but-heads"     both of them
    freeze: "batch-norm"        every batch norm of the detector: statistics, scale and offset

    unfreeze_at_step { step: 500 part: "backbone:100" }
                                from step 500 on the backbone trains, but for its first 100 layers
    learning_rate_factors { backbone: 0.1 }
                                its weights move a tenth as far

Which variables these are is known when the network is: `training/detector_parts.py`. Nothing here
needs Keras.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from detectune.config import schema
from detectune.config.problems import Problem
from detectune.errors import ConfigError, did_you_mean
from detectune.wording import one_line

WORDS = ("backbone", "neck", "all-but-heads", "batch-norm")
PARTS = ("backbone", "neck", "heads")
"""What has a learning-rate factor; every variable is in one of them."""
_MEANT = {"backbone": {"backbone"}, "neck": {"neck"}, "all-but-heads": {"backbone", "neck"}}
_ALLOWED = (
    'Allowed: "backbone", "backbone:100" (its first 100 layers), "backbone:LAYER" (up to this '
    'layer), "neck", "all-but-heads", "batch-norm".'
)
_FREEZE, _UNFREEZE = "train_config.freeze", "train_config.unfreeze_at_step"


@dataclass(frozen=True)
class Part:
    """A part of a detector, as a word names it."""

    name: str
    """One of `WORDS`; empty for everything."""
    layers: int = 0
    """How many layers of the backbone, from the image on; 0 for all."""
    last_layer: str = ""
    """The last layer of the backbone that is meant; empty for all."""

    def __str__(self) -> str:
        end = self.last_layer or (str(self.layers) if self.layers else "")
        return f"{self.name}:{end}" if end else self.name or "everything"


def read_part(word: str, field: str = _FREEZE) -> Part:
    """The part that `word` names.

    Raises:
        ConfigError: there is no such word.
    """
    found = _part_or_problem(word, field)
    if isinstance(found, Problem):
        raise ConfigError(found.message)
    return found


def part_trained(word: str, field: str = f"{_UNFREEZE}.part") -> Part:
    """The part that `unfreeze_at_step { part }` names; without a word it is everything.

    Raises:
        ConfigError: there is no such word.
    """
    return read_part(word, field) if word.strip() else Part("")


def word_conflicts(words: Sequence[str], field: str) -> Iterator[Problem]:
    """An error for each of `words`, which stand at `field`, that names no part of a detector."""
    for index, word in enumerate(words):
        found = _part_or_problem(word, f"{field}[{index}]")
        if isinstance(found, Problem):
            yield found


def freezing_conflicts(train: schema.TrainConfig) -> Iterator[Problem]:
    """An error for each word that means nothing, and each unfreezing that cannot be meant."""
    words = [(word, f"{_FREEZE}[{index}]") for index, word in enumerate(train.freeze)]
    words += [
        (entry.part, f"{_UNFREEZE}[{index}].part")
        for index, entry in enumerate(train.unfreeze_at_step)
        if entry.part.strip()
    ]
    wrong = [found for one in words if isinstance(found := _part_or_problem(*one), Problem)]
    yield from wrong
    yield from _steps([entry.step for entry in train.unfreeze_at_step])
    if not wrong:
        yield from _nothing_to_unfreeze(train)
    yield from _factors(train)


def freezing_warnings(train: schema.TrainConfig) -> Iterator[Problem]:
    """A warning for what never comes to pass."""
    steps = train.num_steps
    for index, entry in enumerate(train.unfreeze_at_step):
        if 0 < steps <= entry.step:
            yield Problem(
                "warning",
                f"{_UNFREEZE}[{index}].step",
                f"it is step {entry.step}, and the training ends after {steps} steps.",
                "What is frozen until then is never trained.",
                f"Write a step below {steps}, or remove the block.",
            )
    for_good = {str(part) for part in map(_valid, train.freeze) if part} - {"neck"}
    if train.unfreeze_at_step or not for_good & {"backbone", "all-but-heads"}:
        return
    if train.learning_rate_factors.backbone not in (0, 1):
        yield Problem(
            "warning",
            "train_config.learning_rate_factors.backbone",
            f"the factor is {train.learning_rate_factors.backbone:g}, and all of the backbone is "
            "frozen.",
            "What is frozen has no learning rate.",
            "Remove the factor, or freeze less.",
        )


def _valid(word: str) -> Part | None:
    found = _part_or_problem(word, _FREEZE)
    return found if isinstance(found, Part) else None


def _part_or_problem(word: str, field: str) -> Part | Problem:
    name, colon, end = (text.strip() for text in word.partition(":"))
    if name not in WORDS:
        return _unknown(word, name, field)
    if not colon:
        return Part(name)
    if name != "backbone":
        return Problem(
            "error",
            field,
            f'"{one_line(word)}": only the backbone is frozen up to a layer.',
            _ALLOWED,
            f'Write "{name}", or "backbone:{end or 100}".',
        )
    if re.fullmatch(r"[+-]?[\d.]+", end):
        if end.isdecimal() and end.isascii() and 0 < len(end) < 7 and int(end) > 0:
            return Part(name, layers=int(end))
        return Problem(
            "error",
            field,
            f'"{one_line(word)}": {end} is no number of layers.',
            "Allowed: 1 or more, counted from the image as Keras numbers the layers of the "
            "classification network.",
            'Write for example "backbone:100"; `detectune model summary FILE --layers` shows '
            "the numbers.",
        )
    if not end:
        return Problem(
            "error",
            field,
            f'"{one_line(word)}": nothing stands after the colon.',
            _ALLOWED,
            'Write "backbone" for all of it.',
        )
    return Part(name, last_layer=end)


def _unknown(word: str, name: str, field: str) -> Problem:
    guess = did_you_mean(name.lower().replace("_", "-").replace(" ", "-"), WORDS)
    advice = "Heads and single layers are frozen by patterns, with freeze_variables."
    return Problem(
        "error", field, f'"{one_line(word)}" names no part of a detector.', _ALLOWED,
        f"{guess}{advice}",
    )  # fmt: skip


def _steps(steps: Sequence[int]) -> Iterator[Problem]:
    for index, step in enumerate(steps):
        if step < 1:
            yield Problem(
                "error",
                f"{_UNFREEZE}[{index}].step",
                "the step is 0 or missing.",
                "Allowed: 1 or more, the first step that trains the part; what trains from the "
                "beginning is not frozen.",
                "Write for example step: 500.",
            )
    if any(after < before for before, after in pairwise(steps)):
        yield Problem(
            "error",
            _UNFREEZE,
            f"the steps are {', '.join(map(str, steps))}.",
            "No step may be smaller than the one before it.",
            "Put the blocks in order.",
        )


def _nothing_to_unfreeze(train: schema.TrainConfig) -> Iterator[Problem]:
    """Parts that are trained from some step on, and were never frozen."""
    frozen = [read_part(word) for word in train.freeze]
    for index, entry in enumerate(train.unfreeze_at_step):
        part = part_trained(entry.part)
        if any(may_lift(part, other) for other in frozen):
            continue
        words = ", ".join(f'freeze: "{other}"' for other in frozen) or "no `freeze`"
        yield Problem(
            "error",
            f"{_UNFREEZE}[{index}]",
            f'"{part}" is trained from step {entry.step} on, and there is {words}.',
            "Only what `freeze` freezes can be trained later; freeze_variables and "
            "update_trainable_variables hold to the end.",
            f'Add freeze: "{part.name or "backbone"}", or remove the block.',
        )


def lifts(trained: Part, frozen: Part) -> bool:
    """Whether unfreezing `trained` touches what the word `frozen` froze at all.

    Frozen batch norms stay so when the layers around them train, as is usual, until they are named.
    """
    return frozen.name != "batch-norm" or trained.name in ("batch-norm", "")


def may_lift(trained: Part, frozen: Part) -> bool:
    """Whether unfreezing `trained` can train something that `frozen` froze."""
    if not lifts(trained, frozen):
        return False
    if trained.name in ("batch-norm", "") or frozen.name == "batch-norm":
        return True
    if not _MEANT[trained.name] & _MEANT[frozen.name]:
        return False
    # Unfreezing backbone:100 leaves the first 100 layers frozen.
    return not (frozen.layers and trained.layers and trained.layers >= frozen.layers)


def _factors(train: schema.TrainConfig) -> Iterator[Problem]:
    factors = train.learning_rate_factors
    path = "train_config.learning_rate_factors"
    if all(getattr(factors, part) == 0 for part in PARTS):
        yield Problem(
            "error", path, "all factors are 0.", "At least one part must train.",
            "Write heads: 1.",
        )  # fmt: skip
    for index, entry in enumerate(train.unfreeze_at_step):
        part = _valid(entry.part) if entry.part.strip() else None
        stuck = sorted(
            name for name in _MEANT.get(part.name if part else "", ()) if not getattr(factors, name)
        )
        if part and stuck and len(stuck) == len(_MEANT[part.name]):
            yield Problem(
                "error",
                f"{_UNFREEZE}[{index}].part",
                f'"{part}" is to train, and its learning-rate factor is 0.',
                "A factor of 0 freezes a part to the end.",
                f"Write another factor for {' and '.join(stuck)}, or remove the block.",
            )
