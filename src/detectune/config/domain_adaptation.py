"""`train_config { domain_adaptation { … } }`: what it asks for, and what cannot go together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from detectune.config import schema
from detectune.config.architectures import chosen, stage_names
from detectune.config.problems import Problem

_PATH = "train_config.domain_adaptation"
TARGET_READER = f"{_PATH}.target_input_reader"
TARGET_EVAL_READER = f"{_PATH}.target_eval_input_reader"
_HAS_REGIONS = ("faster_rcnn", "fast_rcnn")


def adaptation_of(train: schema.TrainConfig) -> schema.DomainAdaptation | None:
    """What `train` says about another domain; None if it says nothing.

    An image-level discriminator is there if no other one is.
    """
    if not train.HasField("domain_adaptation"):
        return None
    found = schema.DomainAdaptation()
    found.CopyFrom(train.domain_adaptation)
    if not found.HasField("instance_level"):
        found.image_level.SetInParent()
    return found


def target_readers(config: schema.TrainEvalPipelineConfig) -> list[tuple[str, schema.InputReader]]:
    """Path in the config and reader of the images of the target domain; those that are set."""
    adaptation = config.train_config.domain_adaptation
    return [
        (path, getattr(adaptation, name))
        for path in (TARGET_READER, TARGET_EVAL_READER)
        if adaptation.HasField(name := path.rpartition(".")[2])
    ]


def adaptation_conflicts(config: schema.TrainEvalPipelineConfig) -> Iterator[Problem]:
    """An error for each part of `domain_adaptation` that cannot work with the rest of `config`."""
    adaptation = adaptation_of(config.train_config)
    if adaptation is None:
        return
    if "gradient_descent" not in stage_names(config):
        yield Problem(
            "error",
            _PATH,
            "nothing is trained by gradient descent.",
            "Features are adapted step by step; those of an R-CNN stay as they are.",
            "Remove the block, or choose another detector.",
        )
        return
    reader = adaptation.target_input_reader
    if not reader.source and not reader.tf_record_input_reader.input_path:
        yield Problem(
            "error",
            TARGET_READER,
            "there are no images of the target domain.",
            "The block adapts to images of which nobody has to say what is in them.",
            'Write target_input_reader { source: "images:new_camera" }, or another data set.',
        )
    if config.train_config.HasField("feature_cache"):
        yield Problem(
            "error",
            "train_config.feature_cache",
            "feature_cache and domain_adaptation are set together.",
            "Kept are the feature maps of the annotated images; those of the target domain would "
            "be made in another way.",
            "Remove one of the two blocks.",
        )
    yield from _frozen(config.train_config)
    yield from _consistency(adaptation)
    yield from _two_stages(config.model, adaptation)


def _frozen(train: schema.TrainConfig) -> Iterator[Problem]:
    """Something that makes the feature maps trains."""
    frozen = set(train.freeze)
    if train.unfreeze_at_step or not ("all-but-heads" in frozen or frozen >= {"backbone", "neck"}):
        return
    yield Problem(
        "error",
        "train_config.freeze",
        "backbone and neck are frozen to the end, beside domain_adaptation.",
        "Adapting to another domain changes the feature maps, so some of what makes them has to "
        "train.",
        'Write freeze: "backbone" if there is a neck, or freeze less.',
    )


def adaptation_warnings(train: schema.TrainConfig) -> Iterator[Problem]:
    """A warning for augmentations that treat images differently for what is annotated in them."""
    if not train.HasField("domain_adaptation"):
        return
    for index, step in enumerate(train.data_augmentation_options):
        kind = step.WhichOneof("preprocessing_step")
        if kind is not None and _looks_for_objects(kind, getattr(step, kind)):
            yield Problem(
                "warning",
                f"train_config.data_augmentation_options[{index}]",
                f"{kind} takes larger windows where no object is known, as in the target domain.",
                "The discriminators tell the domains apart by the size of things then.",
                "Write random_crop_image { min_object_covered: 0 }, or another way to crop.",
            )


def _looks_for_objects(kind: str, settings: Any) -> bool:
    """Whether the window of an augmentation depends on where objects are."""
    if kind == "random_crop_image":
        return settings.min_object_covered > 0
    if kind == "ssd_random_crop":
        steps = settings.operations
        return not steps or any(step.min_object_covered > 0 for step in steps)
    return False


def _consistency(adaptation: schema.DomainAdaptation) -> Iterator[Problem]:
    levels = adaptation.HasField("image_level"), adaptation.HasField("instance_level")
    if adaptation.consistency_weight > 0 and not all(levels):
        yield Problem(
            "error",
            f"{_PATH}.consistency_weight",
            "there is only one discriminator.",
            "Consistent are the one of feature maps and the one of proposed regions.",
            "Write image_level { } and instance_level { }, or remove consistency_weight.",
        )


def _two_stages(
    model: schema.DetectionModel, adaptation: schema.DomainAdaptation
) -> Iterator[Problem]:
    """Proposed regions are looked at where there are some."""
    kind = model.WhichOneof("model")
    if chosen(model) is None or kind is None or not adaptation.HasField("instance_level"):
        return
    stages = model.faster_rcnn.number_of_stages if kind == "faster_rcnn" else 2
    if kind not in _HAS_REGIONS or stages < 2:
        what = f"{kind} has no second stage that looks at regions."
        yield Problem(
            "error",
            f"{_PATH}.instance_level",
            what,
            f"Detectors with one: {', '.join(_HAS_REGIONS)} with two stages or more.",
            "Keep image_level { } alone.",
        )
