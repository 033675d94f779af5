"""Heads on feature maps: layer → key in a zoo checkpoint, and its name in the original."""

from __future__ import annotations

from collections.abc import Iterator

from keras.layers import Layer

from detectune.checkpoints.name_maps.sequences import by_kind, numbered
from detectune.heads.convolutional import ConvolutionalHead, WeightSharedHead


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
        yield from numbered(f"{key}/_shared_nets/{level}", names, layers)
    for level, layers in enumerate(head.box_layers):
        yield from numbered(
            f"{root}/box_encodings/{level}/_box_encoder_layers",
            by_kind(f"{scope}/ConvolutionalBoxHead_{level}/BoxEncodingPredictor", layers),
            layers,
        )
    for level, layers in enumerate(head.class_layers):
        yield from numbered(
            f"{root}/class_predictions_with_background/{level}/_class_predictor_layers",
            by_kind(f"{scope}/ConvolutionalClassHead_{level}/ClassPredictor", layers),
            layers,
        )


def shared_head(head: WeightSharedHead) -> Iterator[tuple[str, str, Layer]]:
    """The layers of a head whose convolutions all levels share."""
    root, name = "_box_predictor", "WeightSharedConvolutionalBoxPredictor"
    for level, layers in enumerate(head.projections):
        conv = f"{name}/ProjectionLayer/conv2d_{level}"
        names = [conv, f"{conv}/BatchNorm"][: len(layers)]
        yield from numbered(f"{root}/_additional_projection_layers/{level}", names, layers)
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
