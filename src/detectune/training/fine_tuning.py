"""The weights that a training starts from: `fine_tune_checkpoint`, as its type says."""

from __future__ import annotations

from typing import cast

from detectune.checkpoints.files import find_checkpoint
from detectune.checkpoints.keras_classifiers import check_keras_start
from detectune.checkpoints.restore import Kind, RestoreReport, label_map_beside, restore
from detectune.config import schema
from detectune.config.architectures import num_classes
from detectune.config.checkpoint_paths import is_keras_start
from detectune.config.coco_classes import NUM_CLASSES, coco_label_map, is_coco
from detectune.config.label_map import LabelMap, read_label_map
from detectune.config.own_network import network_block
from detectune.detectors.base import Detector


def find_pretrained(settings: schema.TrainConfig) -> str | None:
    """The prefix of `fine_tune_checkpoint`, or the file of Keras, or "imagenet".

    Returns:
        None if the config names none.

    Raises:
        CheckpointError: it is missing.
    """
    name = settings.fine_tune_checkpoint
    if not name:
        return None
    if is_keras_start(name):
        check_keras_start(name)
        return name
    return find_checkpoint(name)


def fine_tune(
    detector: Detector, config: schema.TrainEvalPipelineConfig, label_map: LabelMap
) -> RestoreReport | None:
    """Restore `fine_tune_checkpoint` as its type says, or the weights that `backbone { }` names.

    Returns:
        None if the config names neither.

    Raises:
        CheckpointError: it is missing, or does not hold what its type promises.
        ZooError: the weights that "imagenet" stands for could not be fetched.
    """
    settings = config.train_config
    prefix = find_pretrained(settings)
    if prefix is None:
        weights = _of_the_network(config)
        return restore(detector, weights, kind="classification") if weights else None
    source = None if is_keras_start(prefix) else _source_label_map(prefix)
    return restore(
        detector,
        prefix,
        kind=cast(Kind, fine_tune_type(settings)),  # `restore` refuses others
        source_classes=_class_names(source) if source else None,
        target_classes=_class_names(label_map, num_classes(config.model)),
    )


def _of_the_network(config: schema.TrainEvalPipelineConfig) -> str:
    """The weights that the config names for the network alone; may be empty."""
    block = network_block(config.model)
    return "" if block is None else block.weights


def _source_label_map(prefix: str) -> LabelMap | None:
    """The classes of a checkpoint: of the label map beside it, or COCO's for one of the zoo."""
    beside = label_map_beside(prefix)
    if beside is not None:
        return read_label_map(beside)
    # A wrong guess does no harm: rows are carried over only if their number fits.
    return coco_label_map() if is_coco(NUM_CLASSES, prefix) else None


def fine_tune_type(settings: schema.TrainConfig) -> str:
    """The type of restoring; older configs say it with `from_detection_checkpoint`.

    Parity: model_lib_v2.py.
    """
    if settings.fine_tune_checkpoint_type:
        return settings.fine_tune_checkpoint_type
    return "detection" if settings.from_detection_checkpoint else "classification"


def _class_names(label_map: LabelMap, count: int = 0) -> list[str]:
    """Names in the order of class indices; ids without a name get a number."""
    return [label_map.name_of_index(index) for index in range(max(count, label_map.num_classes))]
