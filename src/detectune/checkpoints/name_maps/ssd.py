"""SSD: layer → key in a zoo checkpoint, and the name the original gave the layer.

Keys are paths through the original's Python objects, below `model/`. Lists count activations and
dropouts too, which have no variables: hence the gaps in the numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from keras.layers import BatchNormalization, DepthwiseConv2D, Layer, SeparableConv2D

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
    yield from _shared_head(head) if isinstance(head, WeightSharedHead) else level_heads(head)


def _backbone(backbone: Backbone) -> Iterator[tuple[str, str, Layer]]:
    used = [layer for layer in taken_apart(backbone.network.layers) if layer.weights]
    for index, layer in enumerate(backbone_layers(backbone)):
        # Layers that the detector does not compute belong to the classifier alone.
        part = backbone.checkpoint_part if index < len(used) else "classification_backbone"
        key = f"_feature_extractor/{part}/layer_with_weights-{index}"
        yield key, layer.name.replace("-", "/"), layer


def backbone_layers(backbone: Backbone) -> list[Layer]:
    """The layers of the network that have variables, in the order of its graph."""
    used = [layer for layer in taken_apart(backbone.network.layers) if layer.weights]
    return [*used, *taken_apart(backbone.unused)]


def _neck(neck: Layer, original: OriginalNames) -> Iterator[tuple[str, str, Layer]]:
    pyramid = isinstance(neck, FeaturePyramid)
    if isinstance(neck, BiFpn):
        rows = bifpn_layers(neck)
    else:
        rows = pyramid_layers(neck, original) if pyramid else _extras(neck, original)
    for key, name, layer in rows:
        yield key, original.inside(name, pyramid=pyramid), layer


def taken_apart(layers: Sequence[Layer]) -> Iterator[Layer]:
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


def _numbered(key: str, names: list[str], layers: list[Layer]) -> Iterator[tuple[str, str, Layer]]:
    for index, (name, layer) in enumerate(zip(names, layers, strict=True)):
        yield f"{key}/{index}", name, layer


def _by_kind(name: str, layers: list[Layer], conv: str = "") -> list[str]:
    """Names of `layers`, which are depthwise, dense or separable convolutions and their norms.

    Args:
        conv: what stands behind the name of a dense convolution.
    """
    names, last = [], name
    for layer in layers:
        if isinstance(layer, DepthwiseConv2D):
            last = f"{name}_depthwise"
            names.append(last + conv)
        elif isinstance(layer, BatchNormalization):
            names.append(f"{last}_batchnorm")
        else:
            last = name
            names.append(name + ("_depthwise_conv" if isinstance(layer, SeparableConv2D) else conv))
    return names


def pyramid_layers(
    neck: FeaturePyramid, original: OriginalNames, root: str = "_feature_extractor/_"
) -> Iterator[tuple[str, str, Layer]]:
    """Key, original name and layer of everything in a pyramid, the names without their beginning.

    Args:
        root: what keys begin with.
    """
    name, added = "FeatureMaps/top_down", f"{root}coarse_feature_layers"
    root = f"{root}fpn_features_generator"
    levels = len(neck.laterals) + 1
    yield f"{root}/top_layers/0", f"{name}/projection_{levels}", neck.top
    for index, (lateral, smoothing) in enumerate(zip(neck.laterals, neck.smoothing, strict=True)):
        number = levels - 1 - index
        yield f"{root}/residual_blocks/{index}/0", f"{name}/projection_{number}", lateral
        names = _by_kind(f"{name}/smoothing_{number}", smoothing, "_conv")
        yield from _numbered(f"{root}/conv_layers/{index}", names, smoothing)
    for index, block in enumerate(neck.coarse):
        names = _by_kind(original.coarse.format(index + original.first_coarse), block, "_conv")
        yield from _numbered(f"{added}/{index}", names, block)


def _extras(neck: SsdExtraLayers, original: OriginalNames) -> Iterator[tuple[str, str, Layer]]:
    root = f"_feature_extractor/{original.extras_key}/convolutions"
    for index, block in enumerate(neck.blocks, start=neck.num_inputs):
        convs = [layer for layer in block if hasattr(layer, "kernel_size")]
        half, full, kernel = convs[0].filters, convs[-1].filters, convs[1].kernel_size[0]
        name = f"FeatureMaps/{original.extras}"
        names = [
            *_by_kind(f"{name}_1_Conv2d_{index}_1x1_{half}", block[:3], "_conv"),
            *_by_kind(f"{name}_2_Conv2d_{index}_{kernel}x{kernel}_s2_{full}", block[3:], "_conv"),
        ]
        yield from _numbered(f"{root}/{index}", names, block)


def level_heads(
    head: ConvolutionalHead, key: str = "_box_predictor", scope: str = "BoxPredictor"
) -> Iterator[tuple[str, str, Layer]]:
    """The layers of a head with convolutions of its own for every level.

    Args:
        key, scope: of the predictor in keys and in names.
    """
    root = f"{key}/_prediction_heads"
    for level, layers in enumerate(head.shared):
        name, names = f"{scope}/SharedConvolutions_{level}/Conv2d", []
        for index in range(0, len(layers), 3):
            conv = f"{name}_{index // 3}_1x1_{layers[index].filters}"
            names += [conv, f"{conv}_norm", f"{conv}_activation"]
        yield from _numbered(f"{key}/_shared_nets/{level}", names, layers)
    for level, layers in enumerate(head.box_layers):
        yield from _numbered(
            f"{root}/box_encodings/{level}/_box_encoder_layers",
            _by_kind(f"{scope}/ConvolutionalBoxHead_{level}/BoxEncodingPredictor", layers),
            layers,
        )
    for level, layers in enumerate(head.class_layers):
        yield from _numbered(
            f"{root}/class_predictions_with_background/{level}/_class_predictor_layers",
            _by_kind(f"{scope}/ConvolutionalClassHead_{level}/ClassPredictor", layers),
            layers,
        )


def _shared_head(head: WeightSharedHead) -> Iterator[tuple[str, str, Layer]]:
    root, name = "_box_predictor", "WeightSharedConvolutionalBoxPredictor"
    for level, layers in enumerate(head.projections):
        conv = f"{name}/ProjectionLayer/conv2d_{level}"
        names = [conv, f"{conv}/BatchNorm"][: len(layers)]
        yield from _numbered(f"{root}/_additional_projection_layers/{level}", names, layers)
    towers = {"box_encodings": ("PredictionTower", head.box_convs, head.box_tower)}
    if not head.tower.shared:
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
