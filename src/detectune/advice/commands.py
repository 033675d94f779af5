"""The commands that follow an advice, as they can be typed."""

from __future__ import annotations

import shlex

from detectune.advice.advice_parts import Settings
from detectune.advice.rules import FEATURES, RCNN
from detectune.data.sources.recognise import open_source
from detectune.errors import DataError


def next_commands(
    method: str, source: str, settings: Settings | None, advice_file: str, wishes: str = ""
) -> tuple[str, ...]:
    """What to type after an advice, line by line.

    Args:
        source: as the user named it.
        advice_file: where the advice is written; empty if it is not yet.
        wishes: options of `advise`, to ask for the same again.
    """
    if method == FEATURES:
        return _features(source)
    if method == RCNN:
        return _rcnn(source)
    assert settings is not None
    return _detector(source, settings, advice_file, wishes)


def is_divided(source: str) -> bool:
    """Whether `source` has a part to train on and another to measure with."""
    if "#" in source:
        return False
    try:
        train, val = (open_source(source, split=part) for part in ("train", "val"))
    except DataError:
        return False
    return train.name != val.name and not val.repeats


def _features(source: str) -> tuple[str, ...]:
    parted = is_divided(source)
    train, kept = (f"{source}#train" if parted else source), f"{source}#val"
    measure = (
        f"detectune features extract {shlex.quote(kept)} --network MobileNetV2 -o kept.npz",
        "detectune features evaluate classifier kept.npz",
    )
    return (
        'pip install "detectune[features]"',
        f"detectune features extract {shlex.quote(train)} --network MobileNetV2 -o features.npz",
        "detectune features fit features.npz --classifier svm -o classifier",
        *(measure if parted else ()),
        "detectune features predict classifier NEW_IMAGES",
    )


def _rcnn(source: str) -> tuple[str, ...]:
    lines, train, evaluation = _parts(source)
    # Parts of one data set have one file of proposals.
    searched = dict.fromkeys(one.partition("#")[0] for one in (train, evaluation))
    return (
        *lines,
        'pip install "detectune[proposals]"',
        *(f"detectune data proposals {shlex.quote(one)} --count 500" for one in searched),
        f"detectune config new --model rcnn_keras --train {shlex.quote(train)} "
        f"--eval {shlex.quote(evaluation)} -o training/rcnn.config",
        "detectune train training/rcnn.config --model-dir training/rcnn",
    )


def _parts(source: str) -> tuple[list[str], str, str]:
    """Commands that divide `source` if it is not; what to train on, and what to measure with."""
    if is_divided(source):
        return [], f"{source}#train", f"{source}#val"
    split = f"detectune data split {shlex.quote(source)} divided --ratios 0.8,0.2"
    return [split], "divided/train.record", "divided/val.record"


def _detector(source: str, settings: Settings, advice_file: str, wishes: str) -> tuple[str, ...]:
    lines: list[str] = []
    if not advice_file:
        lines.append(f"detectune advise {shlex.quote(source)}" + wishes + " -o advice.json")
    division, train, evaluation = _parts(source)
    return (
        *lines,
        *division,
        f"detectune zoo download {shlex.quote(settings.model)}",
        f"detectune config new --from-advice {shlex.quote(advice_file or 'advice.json')} "
        f"--train {shlex.quote(train)} --eval {shlex.quote(evaluation)} -o training/advised.config",
        "detectune config check training/advised.config",
        "detectune train training/advised.config --model-dir training/advised",
    )
