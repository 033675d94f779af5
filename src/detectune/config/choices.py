"""Values that detectune supports, for honoured fields that the original gave more choices."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any, NamedTuple

from detectune.config import tf1_names
from detectune.config.feature_extractors import FEATURE_EXTRACTORS, REGION_FEATURE_EXTRACTORS
from detectune.errors import did_you_mean


class Choice(NamedTuple):
    """The values a field may have."""

    values: tuple[Any, ...]
    next_step: str
    """What to do about another value."""


BIFPN_METHODS = ("sum", "weighted_sum", "attention", "fast_attention")
METRICS = ("coco_detection_metrics", "coco_mask_metrics")
CHECKPOINT_TYPES = ("", "detection", "fine_tune", "classification", "full")

_BOX_CODES = Choice((3, 4), "Write 4, or 3 with square_box_coder, or remove the line.")

# Field → what its names begin with, and the names of today.
_EXTRACTORS = {
    "SsdFeatureExtractor.type": ("ssd_", FEATURE_EXTRACTORS),
    "FasterRcnnFeatureExtractor.type": ("faster_rcnn_", REGION_FEATURE_EXTRACTORS),
}

CHOICES = {
    "SsdFeatureExtractor.type": Choice(
        (*FEATURE_EXTRACTORS, *tf1_names.TF1_EXTRACTORS), "Choose one of these."
    ),
    "FasterRcnnFeatureExtractor.type": Choice(
        (*REGION_FEATURE_EXTRACTORS, *tf1_names.TF1_REGION_EXTRACTORS), "Choose one of these."
    ),
    "BidirectionalFeaturePyramidNetworks.combine_method": Choice(
        BIFPN_METHODS, 'Write "fast_attention", or remove the line.'
    ),
    "Hyperparams.op": Choice(("CONV", "FC"), "Write CONV, or FC in fc_hyperparams."),
    "ConvolutionalBoxPredictor.box_code_size": _BOX_CODES,
    "WeightSharedConvolutionalBoxPredictor.box_code_size": _BOX_CODES,
    "ConditionalShapeResizer.condition": Choice(("GREATER", "SMALLER"), "Choose one of these."),
    "TrainConfig.fine_tune_checkpoint_type": Choice(
        CHECKPOINT_TYPES, 'Write "detection" to fine-tune a detector of the zoo.'
    ),
    "EvalConfig.metrics_set": Choice(
        METRICS, "Write the first; its mAP@.50IOU is close to the PASCAL VOC metric."
    ),
}


def wrong_choice(row: str, value: Any) -> tuple[str, str, str] | None:
    """Found, allowed and next step if the field `row` (`Message.field`) may not be `value`."""
    choice = CHOICES.get(row)
    if choice is None or value in choice.values:
        return None
    if row in _EXTRACTORS and _is_plugin(str(value), _EXTRACTORS[row][0]):
        return None
    allowed = ", ".join(str(known) for known in choice.values if known != "")
    guess = did_you_mean(str(value), [str(known) for known in choice.values])
    if row == "EvalConfig.metrics_set":
        guess = ""  # another metric is a choice, not a slip of the pen
    if row in _EXTRACTORS:
        return _wrong_extractor(str(value), guess, *_EXTRACTORS[row])
    return (f"{value} is not supported.", f"Supported: {allowed}.", f"{guess}{choice.next_step}")


def is_extractor(row: str) -> bool:
    """Whether the field `row` (`Message.field`) names a feature extractor."""
    return row in _EXTRACTORS


def _wrong_extractor(
    value: str, guess: str, prefix: str, names: tuple[str, ...]
) -> tuple[str, str, str]:
    refused = tf1_names.refusal(value)
    if refused:
        return refused
    if not value.startswith(prefix) or _is_other_family(value, names):
        guess = ""
    return (
        f'the feature extractor "{value}" is not supported yet.',
        f"Supported: {', '.join(names)}.",
        f"{guess}`detectune config new` writes configs of the zoo's models.",
    )


def _is_plugin(value: str, prefix: str) -> bool:
    """Whether `value` names a backbone that another package registers."""
    names = (entry.name for entry in entry_points(group="detectune.backbones"))
    return any(value.startswith(f"{prefix}{name}_") for name in names)


def _is_other_family(value: str, names: tuple[str, ...]) -> bool:
    """Whether `value` names a real feature extractor of the original, so is no slip of the pen."""
    families = ("resnet_v2", "inception_resnet")
    return any(family in value and not any(family in name for name in names) for family in families)
