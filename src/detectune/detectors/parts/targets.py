"""`matcher { ... } similarity_calculator { ... }` → what every anchor should say."""

from __future__ import annotations

from detectune.boxes.coders import BoxCoder
from detectune.config import schema
from detectune.detectors.parts.choice import choice
from detectune.targets.anchor_targets import AnchorAssigner
from detectune.targets.matchers import ArgmaxMatcher, Matcher


def matcher(config: schema.Matcher) -> Matcher:
    """The rule by which anchors find ground-truth boxes."""
    choice(config, "matcher_oneof", ["argmax_matcher"])
    settings = config.argmax_matcher
    return ArgmaxMatcher(
        matched_threshold=None if settings.ignore_thresholds else settings.matched_threshold,
        unmatched_threshold=settings.unmatched_threshold,
        negatives_lower_than_unmatched=settings.negatives_lower_than_unmatched,
        force_match=settings.force_match_for_each_row,
    )


def anchor_assigner(config: schema.Ssd, coder: BoxCoder) -> AnchorAssigner:
    """Ground truth → targets, as `ssd { matcher similarity_calculator … }` asks."""
    choice(config.similarity_calculator, "region_similarity", ["iou_similarity"])
    return AnchorAssigner(
        matcher=matcher(config.matcher),
        coder=coder,
        num_classes=config.num_classes,
        background_column=config.add_background_class,
        background_as_zeros=config.encode_background_as_zeros,
        negative_weight=config.negative_class_weight,
    )
