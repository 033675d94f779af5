"""What `eval_config` wants measured."""

from __future__ import annotations

from collections.abc import Iterator

from detectune.config import schema
from detectune.config.problems import Problem

MASK_METRICS = "coco_mask_metrics"


def measures_masks(config: schema.TrainEvalPipelineConfig) -> bool:
    """Whether masks are measured as well as boxes."""
    return MASK_METRICS in config.eval_config.metrics_set


def best_metric(config: schema.TrainEvalPipelineConfig) -> str:
    """The number that decides which checkpoint is the best: of masks if only they are asked for."""
    only_masks = set(config.eval_config.metrics_set) == {MASK_METRICS}
    return f"Detection{'Masks' if only_masks else 'Boxes'}_Precision/mAP"


def predicts_masks(model: schema.DetectionModel) -> bool:
    """Whether the detector finds masks."""
    kind = model.WhichOneof("model")
    return kind in ("faster_rcnn", "fast_rcnn") and getattr(model, kind).number_of_stages == 3


def mask_contradictions(config: schema.TrainEvalPipelineConfig) -> Iterator[Problem]:
    """Masks are measured and learned where there are some."""
    has_masks = predicts_masks(config.model)
    if measures_masks(config) and not has_masks:
        yield Problem(
            "error",
            "eval_config.metrics_set",
            f"it asks for {MASK_METRICS}, but the model finds boxes only.",
            "Masks are found by faster_rcnn with number_of_stages: 3.",
            f'Remove "{MASK_METRICS}", or choose a Mask R-CNN (`detectune zoo list`).',
        )
    if has_masks and not config.train_input_reader.load_instance_masks:
        yield Problem(
            "error",
            "train_input_reader.load_instance_masks",
            "the model learns masks, and none are read.",
            "number_of_stages: 3 needs data with masks: COCO, TFRecords, or Pascal VOC.",
            "Write load_instance_masks: true, or number_of_stages: 2 to learn boxes only.",
        )
