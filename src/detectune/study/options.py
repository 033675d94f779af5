"""What a study is asked for: numbers of images, seeds, starts and freezing, read from words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeVar, cast

from detectune.config.freezing import read_part
from detectune.errors import ConfigError, did_you_mean, three_part
from detectune.wording import one_line, plural

Start = Literal["scratch", "classification", "detection"]
STARTS: tuple[Start, ...] = ("scratch", "classification", "detection")
"""What the weights are before a training: random, those of a classifier, those of a detector."""
NONE = "none"
"""The word for a training that freezes nothing."""
ALL = 0
"""Among numbers of images: all of them."""
Value = TypeVar("Value", int, str)
_MOST_SEEDS, _HIGHEST_SEED = 1000, 2**31 - 1


@dataclass(frozen=True)
class StudyOptions:
    """What a study is asked for."""

    images: tuple[int, ...]
    """Numbers of training images; `ALL` for every one."""
    seeds: tuple[int, ...]
    starts: tuple[Start, ...]
    freezing: tuple[str, ...]
    """`NONE`, or a word of `config.freezing`."""
    checkpoints: dict[str, str]
    """Start → the checkpoint that an option names; of others the config says it."""
    steps: int | None = None
    """Of each training; None for those of the config."""
    minutes: float | None = None
    """Of each training, instead of steps."""


def read_options(
    images: str,
    seeds: str,
    starts: str,
    freezing: str,
    *,
    classification: str | None = None,
    detection: str | None = None,
    steps: int | None = None,
    minutes: float | None = None,
) -> StudyOptions:
    """Words with commas between them → options.

    Args:
        seeds: how many, which are 0, 1, …; or the seeds themselves, with commas.
        classification: the checkpoint of the start of this name; None for that of the config.
        detection: likewise.

    Raises:
        ConfigError: a word means nothing, stands there twice, or both steps and minutes are given.
    """
    if steps is not None and minutes is not None:
        raise _wrong(
            f"--steps {steps} and --minutes {minutes:g} are both given",
            "A training is as long as one of them says.",
            "Leave one of them out.",
        )
    chosen: tuple[Start, ...] = tuple(_start(word) for word in _words(starts, "--start"))
    given = {"classification": classification, "detection": detection}
    checkpoints = {start: path for start, path in given.items() if path is not None}
    for start, path in checkpoints.items():
        if start not in chosen:
            raise _wrong(
                f"--{start}-checkpoint {one_line(path)}: no training starts from it",
                f"--start says {', '.join(chosen)}.",
                f"Add {start} to --start, or leave the option out.",
            )
    return StudyOptions(
        images=_images(images),
        seeds=_seeds(seeds),
        starts=chosen,
        freezing=tuple(_frozen(word) for word in _words(freezing, "--freeze")),
        checkpoints=checkpoints,
        steps=steps,
        minutes=minutes,
    )


def _images(text: str) -> tuple[int, ...]:
    counts = [
        ALL if word == "all" else _number(word, "--images", 1, "Write 10,25,50,all, for example.")
        for word in _words(text, "--images")
    ]
    return tuple(sorted(_once(counts, "--images"), key=lambda count: (count == ALL, count)))


def _seeds(text: str) -> tuple[int, ...]:
    words = _words(text, "--seeds")
    example = "Write 3 for the seeds 0, 1 and 2, or the seeds with commas: 5,6,7."
    if len(words) > 1:
        return tuple(_once([_number(word, "--seeds", 0, example) for word in words], "--seeds"))
    count = _number(words[0], "--seeds", 1, example)
    if count > _MOST_SEEDS:
        raise _wrong(
            f"--seeds {count}: that is too many",
            f"A single number says how many seeds: 1 to {_MOST_SEEDS:,}.",
            example,
        )
    return tuple(range(count))


def _start(word: str) -> Start:
    if word in STARTS:
        return cast(Start, word)
    raise _wrong(
        f'--start: "{one_line(word)}" is no start',
        f"Allowed: {', '.join(STARTS)}.",
        f"{did_you_mean(word, STARTS)}Correct the word.",
    )


def _frozen(word: str) -> str:
    return NONE if word == NONE else str(read_part(word, "--freeze"))


def _words(text: str, option: str) -> list[str]:
    words = [word.strip() for word in text.split(",")]
    if not all(words):
        raise _wrong(
            f'{option} "{one_line(text)}": there is nothing between two commas'
            if any(words)
            else f'{option} "{one_line(text)}": it says nothing',
            "The option takes words with commas between them.",
            "Correct the option.",
        )
    return _once(words, option)


def _once(values: list[Value], option: str) -> list[Value]:
    twice = next((value for value, count in Counter(values).items() if count > 1), None)
    if twice is None:
        return values
    raise _wrong(
        f"{option}: {one_line(twice)} is there twice",
        "Two trainings that are the same in everything tell nothing about the spread.",
        "Name it once.",
    )


def _number(word: str, option: str, least: int, example: str) -> int:
    digits = word.isascii() and word.isdecimal() and len(word) < 11
    if digits and least <= int(word) <= _HIGHEST_SEED:
        return int(word)
    raise _wrong(
        f'{option}: "{one_line(word)}" is no number that can be meant',
        f"Allowed: whole numbers from {least} up{', and all' if option == '--images' else ''}.",
        example,
    )


def check_counts(counts: Iterable[int], total: int, name: str) -> list[int]:
    """`counts` with `total` in the place of `ALL`.

    Args:
        total: how many training images can be read.
        name: of the data, for errors.

    Raises:
        ConfigError: a number is larger than the data set, or is all of it beside `ALL`.
    """
    counts = list(counts)
    for count in counts:
        if count > total:
            raise _wrong(
                f"--images: {count:,} of {name}, which has {plural(total, 'image')} to train on",
                f"Allowed: 1 to {total:,}, and all.",
                "Leave the number out, or write all.",
            )
    if ALL in counts and total in counts:
        raise _wrong(
            f"--images: {total:,} and all are the same images of {name}",
            "Two trainings that are the same in everything tell nothing about the spread.",
            f"Leave out {total:,}.",
        )
    return [count or total for count in counts]


def _wrong(found: str, allowed: str, next_step: str) -> ConfigError:
    return ConfigError(three_part(f"{found}.", allowed, next_step))
