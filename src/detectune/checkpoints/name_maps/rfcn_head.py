"""The head of R-FCN: layer → key in a checkpoint, and the name the original gave the layer."""

from __future__ import annotations

from collections.abc import Iterator

from detectune.checkpoints.name_maps.layer_key import LayerKey
from detectune.heads.position_sensitive import PositionSensitiveHead

_KEY = "_rfcn_box_predictor"
_NAME = "rfcn_keras_box_predictor"


def rfcn_head_layers(head: PositionSensitiveHead) -> Iterator[LayerKey]:
    """Convolutions, each with its batch norm."""
    rows = (
        ("_shared_conv_layers", "reduce_depth", head.reduction, head.reduction_norm),
        ("_box_encoder_layers", "refined_locations", head.box_maps, head.box_norm),
        ("_class_predictor_layers", "class_predictions", head.class_maps, head.class_norm),
    )
    for part, name, conv, norm in rows:
        yield LayerKey(f"{_KEY}/{part}/0", f"{_NAME}/{name}_conv", conv)
        yield LayerKey(f"{_KEY}/{part}/1", f"{_NAME}/{name}_batchnorm", norm)
