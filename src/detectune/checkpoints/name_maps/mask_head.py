"""The mask head: layer → key in a zoo checkpoint, and the name the original gave the layer."""

from __future__ import annotations

from collections.abc import Iterator

from detectune.checkpoints.name_maps.layer_key import LayerKey
from detectune.heads.masks import MaskHead

_KEY = "_mask_rcnn_box_predictor/_third_stage_heads/mask_predictions/_mask_predictor_layers"
_NAME = "mask_rcnn_keras_box_predictor/mask_rcnn_mask_head/MaskPredictor"


def mask_head_layers(head: MaskHead) -> Iterator[LayerKey]:
    """Convolutions and batch norms, in their order."""
    # The list counts activations, which have no variables, and what enlarges by repetition.
    place = 0
    for index, (conv, norm) in enumerate(zip(head.convolutions, head.norms, strict=True)):
        kind, end = "", f"_{index}"
        if head.convolve_first and index == head.count - 1:
            place, kind, end = place + 1, "_upsample", ""
        yield LayerKey(f"{_KEY}/{place}", f"{_NAME}{kind}_conv2d{end}", conv)
        yield LayerKey(f"{_KEY}/{place + 1}", f"{_NAME}{kind}_batchnorm{end}", norm)
        place += 3
    yield LayerKey(f"{_KEY}/{place}", f"{_NAME}_last_conv2d", head.last)
