"""SSD: layer → key in a zoo checkpoint, and the name the original gave the layer.

Keys are paths through the original's Python objects, below `model/`. Lists count activations and
dropouts too, which have no variables: hence the gaps in the numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from keras.layers import Layer

from detectune.backbones.base import Backbone, OriginalNames
from detectune.checkpoints.name_maps.bifpn import bifpn_layers
from detectune.detectors.ssd import SSD
from detectune.heads.convolutional import ConvolutionalHead, WeightSharedHead
from detectune.layers.conv_norm import ConvNorm
from detectune.necks.bifpn import BiFpn
from detectune.necks.fpn import FeaturePyramid
from detectune.necks.ssd_extras import SsdExtraLayers


class LayerKey(NamedTuple):
    """One layer with variables: where it stands, and what it was called."""

    key: str
    """Path below `model/`, without the variable's own name."""
    original_name: str
    """The layer's name in the original: what `freeze_variables` patterns were written for."""
    layer: Layer


def layer_keys(detector: SSD) -> Iterator[LayerKey]:
    """Every layer of `detector` that has variables."""
    for key, name, layer in _all_layers(detector):
        if layer.weights:
            yield LayerKey(key, name, layer)


def _all_layers(detector: SSD) -> Iterator[tuple[str, str, Layer]]:
    yield from _backbone(detector.backbone)
    head = detector.head
    yield from _neck(detector.neck, detector.backbone.original)
    yield from _shared_head(head) if isinstance(head, WeightSharedHead) else _level_heads(head)


def _backbone(backbone: Backbone) -> Iterator[tuple[str, str, Layer]]:
    used = [layer for layer in _taken_apart(backbone.network.layers) if layer.weights]
    for index, layer in enumerate(backbone_layers(backbone)):
        # Layers that the detector does not compute belong to the classifier alone.
        part = backbone.checkpoint_part if index < len(used) else "classification_backbone"
        key = f"_feature_extractor/{part}/layer_with_weights-{index}"
        yield key, layer.name.replace("-", "/"), layer


def backbone_layers(backbone: Backbone) -> list[Layer]:
    """The layers of the network that have variables, in the order of its graph."""
    used = [layer for layer in _taken_apart(backbone.network.layers) if layer.weights]
    return [*used, *_taken_apart(backbone.unused)]


def _neck(neck: Layer, original: OriginalNames) -> Iterator[tuple[str, str, Layer]]:
    if isinstance(neck, BiFpn):
        return bifpn_layers(neck)
    if isinstance(neck, FeaturePyramid):
        return _pyramid(neck, original)
    return _extras(neck, original)


def _taken_apart(layers: Sequence[Layer]) -> Iterator[Layer]:
    """The layers of a functional network, as if no convolution were joined to its batch norm.

    Layers stand in the order of their distance from the output. Two pairs at the same distance,
    as before a sum, are therefore two convolutions and then two batch norms.
    """
    side_by_side: list[ConvNorm] = []
    for layer in layers:
        is_pair = isinstance(layer, ConvNorm)
        if not is_pair or (side_by_side and layer.input is side_by_side[-1].output):
            yield from _convolutions_first(side_by_side)
            side_by_side = []
        if is_pair:
            side_by_side.append(layer)
        else:
            yield layer
    yield from _convolutions_first(side_by_side)


def _convolutions_first(pairs: list[ConvNorm]) -> list[Layer]:
    return [*(pair.conv for pair in pairs), *(pair.norm for pair in pairs)]


def _numbered(
    key: str, name: str, layers: list[Layer], start: int = 0
) -> Iterator[tuple[str, str, Layer]]:
    for index, layer in enumerate(layers, start):
        yield f"{key}/{index}", f"{name}/{index}", layer


def _pyramid(neck: FeaturePyramid, original: OriginalNames) -> Iterator[tuple[str, str, Layer]]:
    root, name = "_feature_extractor/_fpn_features_generator", "FeatureMaps/top_down"
    levels = len(neck.laterals) + 1
    yield f"{root}/top_layers/0", f"{name}/projection_{levels}", neck.top
    for index, (lateral, smoothing) in enumerate(zip(neck.laterals, neck.smoothing, strict=True)):
        number = levels - 1 - index
        yield f"{root}/residual_blocks/{index}/0", f"{name}/projection_{number}", lateral
        yield from _numbered(f"{root}/conv_layers/{index}", f"{name}/smoothing_{number}", smoothing)
    for index, block in enumerate(neck.coarse):
        yield from _numbered(
            f"_feature_extractor/_coarse_feature_layers/{index}",
            original.coarse.format(index + original.first_coarse),
            block,
        )


def _extras(neck: SsdExtraLayers, original: OriginalNames) -> Iterator[tuple[str, str, Layer]]:
    root = f"_feature_extractor/{original.extras_key}/convolutions"
    for index, block in enumerate(neck.blocks, start=neck.num_inputs):
        name = f"FeatureMaps/{original.extras}_Conv2d_{index}"
        yield from _numbered(f"{root}/{index}", name, block)


def _level_heads(head: ConvolutionalHead) -> Iterator[tuple[str, str, Layer]]:
    root = "_box_predictor/_prediction_heads"
    for level, layers in enumerate(head.shared):
        yield from _numbered(
            f"_box_predictor/_shared_nets/{level}",
            f"BoxPredictor/SharedConvolutions_{level}",
            layers,
        )
    for level, layers in enumerate(head.box_layers):
        yield from _numbered(
            f"{root}/box_encodings/{level}/_box_encoder_layers",
            f"BoxPredictor/ConvolutionalBoxHead_{level}/BoxEncodingPredictor",
            layers,
        )
    for level, layers in enumerate(head.class_layers):
        yield from _numbered(
            f"{root}/class_predictions_with_background/{level}/_class_predictor_layers",
            f"BoxPredictor/ConvolutionalClassHead_{level}/ClassPredictor",
            layers,
        )


def _shared_head(head: WeightSharedHead) -> Iterator[tuple[str, str, Layer]]:
    root, name = "_box_predictor", "WeightSharedConvolutionalBoxPredictor"
    for level, layers in enumerate(head.projections):
        yield from _numbered(
            f"{root}/_additional_projection_layers/{level}", f"{name}/ProjectionLayer", layers
        )
    towers = {"box_encodings": ("PredictionTower", head.box_convs, head.box_tower)}
    if not head.share_tower:
        towers = {
            "box_encodings": ("BoxPredictionTower", head.box_convs, head.box_tower),
            "class_predictions_with_background": (
                "ClassPredictionTower", head.class_convs, head.class_tower,
            ),
        }  # fmt: skip
    for branch, (scope, convs, levels) in towers.items():
        for index, conv in enumerate(convs):
            key = f"{root}/_head_scope_conv_layers/{scope}/{index}"
            yield key, f"{name}/{scope}/conv2d_{index}", conv
        for level, layers in enumerate(levels):
            conv_index = -1
            for index, layer in enumerate(layers):
                if layer in convs:
                    conv_index += 1
                    continue
                key = f"{root}/_base_tower_layers_for_heads/{branch}/{level}/{index}"
                norm = f"{name}/{scope}/conv2d_{conv_index}/BatchNorm/feature_{level}"
                yield key, norm, layer
    yield (
        f"{root}/_box_prediction_head/_box_encoder_layers/0",
        f"{name}/WeightSharedConvolutionalBoxHead/BoxPredictor",
        head.box_predictor,
    )
    yield (
        f"{root}/_prediction_heads/class_predictions_with_background/_class_predictor_layers/"
        f"{int(head.class_dropout is not None)}",
        f"{name}/WeightSharedConvolutionalClassHead/ClassPredictor",
        head.class_predictor,
    )
