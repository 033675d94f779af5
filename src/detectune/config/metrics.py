"""What `eval_config` wants measured."""

from __future__ import annotations

from collections.abc import Iterator

from detectune.config import schema
from detectune.config.architectures import chosen
from detectune.config.problems import Problem

MASK_METRICS = "coco_mask_metrics"


def measures_masks(config: schema.TrainEvalPipelineConfig) -> bool:
    """Whether masks are measured as well as boxes."""
    return MASK_METRICS in config.eval_config.metrics_set


def best_metric(config: schema.TrainEvalPipelineConfig) -> str:
    """The number that decides which checkpoint is the best: of masks if only they are asked for."""
    only_masks = set(config.eval_config.metrics_set) == {MASK_METRICS}
    return f"Detection{'Masks' if only_masks else 'Boxes'}_Precision/mAP"


def mask_conflicts(config: schema.TrainEvalPipelineConfig) -> Iterator[Problem]:
    """Masks are measured and learned where there are some."""
    architecture = chosen(config.model)
    has_masks = architecture is not None and architecture.predicts_masks
    if measures_masks(config) and not has_masks:
        yield Problem(
            "error",
            "eval_config.metrics_set",
            f"it asks for {MASK_METRICS}, but the model finds boxes only.",
            "Masks are found by faster_rcnn with number_of_stages: 3.",
            f'Remove "{MASK_METRICS}", or choose a Mask R-CNN (`detectune zoo list`).',
        )
    if architecture is not None:
        yield from architecture.annotation_conflicts(config.train_input_reader)
