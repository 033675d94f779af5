"""Feature pyramid: layer → key in a zoo checkpoint, and the name the original gave the layer."""

from __future__ import annotations

from collections.abc import Iterator

from keras.layers import Layer

from detectune.backbones.base import OriginalNames
from detectune.checkpoints.name_maps.sequences import by_kind, numbered
from detectune.necks.fpn import FeaturePyramid


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
        names = by_kind(f"{name}/smoothing_{number}", smoothing, "_conv")
        yield from numbered(f"{root}/conv_layers/{index}", names, smoothing)
    for index, block in enumerate(neck.coarse):
        names = by_kind(original.coarse.format(index + original.first_coarse), block, "_conv")
        yield from numbered(f"{added}/{index}", names, block)
