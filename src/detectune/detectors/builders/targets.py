"""`matcher { ... } similarity_calculator { ... }` → what every anchor should say."""

from __future__ import annotations

from detectune.boxes.coders import BoxCoder
from detectune.config import schema
from detectune.config.free_anchor import free_anchor_place
from detectune.detectors.builders.anchors import fixed_input_size
from detectune.detectors.builders.choice import choice
from detectune.targets.anchor_bags import BagAssigner
from detectune.targets.anchor_targets import AnchorAssigner, Assigner
from detectune.targets.matchers import ArgmaxMatcher, BipartiteMatcher, Matcher
from detectune.targets.similarities import (
    IoaSimilarity,
    IouSimilarity,
    NegSqDistSimilarity,
    Similarity,
    ThresholdedIouSimilarity,
)


def matcher(config: schema.Matcher) -> Matcher:
    """The rule by which anchors find ground-truth boxes."""
    if choice(config, "matcher_oneof", ["argmax_matcher", "bipartite_matcher"]) != "argmax_matcher":
        return BipartiteMatcher()
    settings = config.argmax_matcher
    return ArgmaxMatcher(
        matched_threshold=None if settings.ignore_thresholds else settings.matched_threshold,
        unmatched_threshold=settings.unmatched_threshold,
        negatives_lower_than_unmatched=settings.negatives_lower_than_unmatched,
        force_match=settings.force_match_for_each_row,
    )


def similarity(
    config: schema.RegionSimilarityCalculator, resizer: schema.ImageResizer
) -> Similarity:
    """What the matcher compares.

    Args:
        resizer: gives the size of the input, which distances are fractions of.
    """
    offered = [
        "iou_similarity",
        "ioa_similarity",
        "thresholded_iou_similarity",
        "neg_sq_dist_similarity",
    ]
    kind = choice(config, "region_similarity", offered)
    if kind == "ioa_similarity":
        return IoaSimilarity()
    if kind == "thresholded_iou_similarity":
        return ThresholdedIouSimilarity(config.thresholded_iou_similarity.iou_threshold)
    if kind == "neg_sq_dist_similarity":
        return NegSqDistSimilarity(fixed_input_size(resizer, kind))
    return IouSimilarity()


def free_anchor(config: schema.Ssd) -> schema.FreeAnchorMatcher | None:
    """The settings of learned matching; None if `config` does not ask for it."""
    place = free_anchor_place(config)
    if not place:
        return None
    if place == "matcher":
        return config.matcher.free_anchor_matcher
    return config.box_predictor.free_anchor_box_matcher


def anchor_assigner(config: schema.Ssd, coder: BoxCoder) -> Assigner | BagAssigner:
    """Ground truth → targets, as `ssd { matcher similarity_calculator … }` asks."""
    free = free_anchor(config)
    if free is not None:
        return BagAssigner(free.bag_size)
    has_background = config.add_background_class or config.explicit_background_class
    return AnchorAssigner(
        similarity=similarity(config.similarity_calculator, config.image_resizer),
        matcher=matcher(config.matcher),
        coder=coder,
        num_classes=config.num_classes,
        background_column=config.add_background_class,
        background_as_zeros=config.encode_background_as_zeros or not has_background,
        negative_weight=config.negative_class_weight,
    )
