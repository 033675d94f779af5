"""Values that detectune supports, for honoured fields that the original gave more choices."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any, NamedTuple

from detectune.config.extractor_names import ExtractorNames
from detectune.errors import did_you_mean
from detectune.registry import architectures


class Choice(NamedTuple):
    """The values a field may have."""

    values: tuple[Any, ...]
    next_step: str
    """What to do about another value."""


BIFPN_METHODS = ("sum", "weighted_sum", "attention", "fast_attention")
METRICS = ("coco_detection_metrics", "coco_mask_metrics")
CHECKPOINT_TYPES = ("", "detection", "fine_tune", "classification", "full")

_BOX_CODES = Choice((3, 4), "Write 4, or 3 with square_box_coder, or remove the line.")

CHOICES = {
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


def choice_of(row: str) -> Choice | None:
    """What the field `row` (`Message.field`) may be; None if that is not limited."""
    names = extractors_of(row)
    if names is not None:
        return Choice(names.known, "Choose one of these.")
    return CHOICES.get(row)


def extractors_of(row: str) -> ExtractorNames | None:
    """The feature extractors that the field `row` (`Message.field`) names; None if it does not."""
    known = (architectures[name].extractors for name in architectures)
    return next((names for names in known if names and names.field == row), None)


def wrong_choice(row: str, value: Any) -> tuple[str, str, str] | None:
    """Found, allowed and next step if the field `row` (`Message.field`) may not be `value`."""
    choice, extractors = choice_of(row), extractors_of(row)
    if choice is None or value in choice.values:
        return None
    allowed = ", ".join(str(known) for known in choice.values if known != "")
    guess = did_you_mean(str(value), [str(known) for known in choice.values])
    if extractors is not None:
        if _is_plugin(str(value), extractors.prefix):
            return None
        return _wrong_extractor(str(value), guess, extractors)
    if row == "EvalConfig.metrics_set":
        guess = ""  # another metric is a choice, not a slip of the pen
    return (f"{value} is not supported.", f"Supported: {allowed}.", f"{guess}{choice.next_step}")


def _wrong_extractor(value: str, guess: str, names: ExtractorNames) -> tuple[str, str, str]:
    refused = names.refusal(value)
    if refused:
        return refused
    if not value.startswith(names.prefix) or _is_other_family(value, names.today):
        guess = ""
    return (
        f'the feature extractor "{value}" is not supported yet.',
        names.offered().replace("Offered", "Supported"),
        f"{guess}`detectune config new --help` says how configs of the zoo's models are written.",
    )


def _is_plugin(value: str, prefix: str) -> bool:
    """Whether `value` names a backbone that another package registers."""
    names = (entry.name for entry in entry_points(group="detectune.backbones"))
    return any(value.startswith(f"{prefix}{name}_") for name in names)


def _is_other_family(value: str, names: tuple[str, ...]) -> bool:
    """Whether `value` names a real feature extractor of the original, so is no slip of the pen."""
    families = ("resnet_v2", "inception_resnet")
    return any(family in value and not any(family in name for name in names) for family in families)
