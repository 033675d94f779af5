"""`free_anchor_matcher { }`: where it stands, and what cannot stand beside it."""

from __future__ import annotations

from collections.abc import Iterator

from detectune.config import schema
from detectune.config.problems import Problem

_OF_LOSSES = ("random_example_sampler", "hard_example_miner")


def free_anchor_place(config: schema.Ssd) -> str:
    """The field that holds its block, "matcher" or "box_predictor"; empty if there is none."""
    if config.matcher.HasField("free_anchor_matcher"):
        return "matcher"
    return "box_predictor" if config.box_predictor.HasField("free_anchor_box_matcher") else ""


def free_anchor_conflicts(config: schema.Ssd, path: str) -> Iterator[Problem]:
    """An error for everything that FreeAnchor excludes.

    Args:
        path: where `config` stands.
    """
    if not free_anchor_place(config):
        return
    kind = config.matcher.WhichOneof("matcher_oneof")
    if config.box_predictor.HasField("free_anchor_box_matcher") and kind:
        yield Problem(
            "error",
            f"{path}.matcher.{kind}",
            "box_predictor has a free_anchor_box_matcher, too.",
            "One rule says which anchor is responsible for which box.",
            "Remove matcher { }, or free_anchor_box_matcher.",
        )
    for name in ("add_background_class", "explicit_background_class"):
        if getattr(config, name):
            default = " (true unless the config says otherwise)" if "add" in name else ""
            yield Problem(
                "error",
                f"{path}.{name}",
                f"it is true{default}, and FreeAnchor learns probabilities of classes, each alone.",
                "Without an object all of them are 0; there is no background to predict.",
                f"Write {name}: false.",
            )
    for name in _OF_LOSSES:
        if config.loss.HasField(name):
            yield _chooses(f"{path}.loss.{name}")
    if config.loss.expected_loss_weights != schema.Loss.NONE:
        yield _chooses(f"{path}.loss.expected_loss_weights")


def free_anchor_warnings(config: schema.Ssd, path: str) -> Iterator[Problem]:
    """A warning if the config sets losses that are not used."""
    if not free_anchor_place(config):
        return
    for name in ("classification_weight", "localization_weight"):
        if getattr(config.loss, name) != 1:
            yield Problem(
                "warning",
                f"{path}.loss.{name}",
                "FreeAnchor has a loss of its own, which takes no notice of it.",
                "alpha and box_weight of free_anchor_matcher weigh its parts.",
                "Remove the line.",
            )


def _chooses(field: str) -> Problem:
    return Problem(
        "error",
        field,
        "FreeAnchor has a loss of its own, which counts every anchor.",
        "Nothing is sampled or mined.",
        "Remove it.",
    )
