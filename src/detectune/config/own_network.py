"""A config for a network that comes from Python, or out of a run directory."""

from __future__ import annotations

from collections.abc import Iterator

from detectune.config import schema
from detectune.config.application_names import STORED
from detectune.config.architectures import chosen
from detectune.config.problems import Problem


def with_network(model: schema.DetectionModel) -> schema.DetectionModel:
    """`model` for a network that comes from elsewhere: its type says only what stands on it.

    A model whose architecture has no such types comes back as it is.
    """
    changed = schema.DetectionModel()
    changed.CopyFrom(model)
    architecture = chosen(changed)
    names = architecture.extractors if architecture else None
    if architecture is None or names is None:
        return changed
    extractor = architecture.message.feature_extractor
    extractor.type = names.with_network(extractor.type) or extractor.type
    extractor.backbone.saved = STORED
    extractor.backbone.ClearField("weights")
    for name in ("override_base_feature_extractor_hyperparams", "depth_multiplier"):
        if name in extractor.DESCRIPTOR.fields_by_name:
            extractor.ClearField(name)
    return changed


def with_given_network(config: schema.TrainEvalPipelineConfig) -> schema.TrainEvalPipelineConfig:
    """`config` with such a model."""
    changed = schema.TrainEvalPipelineConfig()
    changed.CopyFrom(config)
    changed.model.CopyFrom(with_network(config.model))
    return changed


def as_stored(config: schema.TrainEvalPipelineConfig) -> schema.TrainEvalPipelineConfig:
    """`config` as it stands in a run directory, where a network of the user's lies beside it."""
    block = network_block(config.model)
    return with_given_network(config) if block is not None and block.saved else config


def start_conflicts(config: schema.TrainEvalPipelineConfig) -> Iterator[Problem]:
    """An error if two things say what the network begins with."""
    block, start = network_block(config.model), config.train_config.fine_tune_checkpoint
    if block is not None and block.weights and start:
        yield Problem(
            "error",
            "train_config.fine_tune_checkpoint",
            f'it is "{start}", and backbone {{ weights: "{block.weights}" }} names other weights.',
            "A training begins with one of them.",
            "Remove one of the two lines.",
        )


def network_block(model: schema.DetectionModel) -> schema.BackboneNetwork | None:
    """The block `backbone { }` of `model`; None if there is none."""
    architecture = chosen(model)
    if architecture is None or not architecture.has("feature_extractor"):
        return None
    extractor = architecture.message.feature_extractor
    named = "backbone" in extractor.DESCRIPTOR.fields_by_name and extractor.HasField("backbone")
    return extractor.backbone if named else None
