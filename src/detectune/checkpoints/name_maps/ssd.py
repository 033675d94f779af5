"""SSD: layer → key in a zoo checkpoint, and the name the original gave the layer.

Keys are paths through the original's Python objects, below `model/`. Lists count activations and
dropouts too, which have no variables: hence the gaps in the numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

from keras.layers import Layer

from detectune.backbones.base import Backbone, OriginalNames
from detectune.checkpoints.name_maps import tf1_ssd
from detectune.checkpoints.name_maps.base import NameMap
from detectune.checkpoints.name_maps.bifpn import bifpn_layers
from detectune.checkpoints.name_maps.class_outputs import class_outputs_of_ssd
from detectune.checkpoints.name_maps.classifier import layers_of_ssd
from detectune.checkpoints.name_maps.convolutional_heads import level_heads, shared_head
from detectune.checkpoints.name_maps.fpn import pyramid_layers
from detectune.checkpoints.name_maps.layer_key import LayerKey
from detectune.checkpoints.name_maps.networks import backbone_layers, taken_apart
from detectune.checkpoints.name_maps.sequences import by_kind, numbered
from detectune.detectors.ssd import SSD
from detectune.heads.convolutional import WeightSharedHead
from detectune.necks.bifpn import BiFpn
from detectune.necks.fpn import FeaturePyramid
from detectune.necks.ssd_extras import SsdExtraLayers
from detectune.registry import name_maps


def layer_keys(detector: SSD) -> Iterator[LayerKey]:
    """Every layer of `detector` that has variables."""
    for key, name, layer in _all_layers(detector):
        if layer.weights:
            yield LayerKey(key, name, layer)


def _all_layers(detector: SSD) -> Iterator[tuple[str, str, Layer]]:
    yield from _backbone(detector.backbone)
    head = detector.head
    yield from _neck(detector.neck, detector.backbone.original)
    yield from shared_head(head) if isinstance(head, WeightSharedHead) else level_heads(head)


def _backbone(backbone: Backbone) -> Iterator[tuple[str, str, Layer]]:
    used = [layer for layer in taken_apart(backbone.network.layers) if layer.weights]
    for index, layer in enumerate(backbone_layers(backbone)):
        # Layers that the detector does not compute belong to the classifier alone.
        part = backbone.checkpoint_part if index < len(used) else "classification_backbone"
        key = f"_feature_extractor/{part}/layer_with_weights-{index}"
        yield key, layer.name.replace("-", "/"), layer


def _neck(neck: Layer, original: OriginalNames) -> Iterator[tuple[str, str, Layer]]:
    pyramid = isinstance(neck, FeaturePyramid)
    if isinstance(neck, BiFpn):
        rows = bifpn_layers(neck)
    else:
        rows = pyramid_layers(neck, original) if pyramid else _extras(neck, original)
    for key, name, layer in rows:
        yield key, original.inside(name, pyramid=pyramid), layer


def _extras(neck: SsdExtraLayers, original: OriginalNames) -> Iterator[tuple[str, str, Layer]]:
    root = f"_feature_extractor/{original.extras_key}/convolutions"
    for index, block in enumerate(neck.blocks, start=neck.num_inputs):
        convs = [layer for layer in block if hasattr(layer, "kernel_size")]
        half, full, kernel = convs[0].filters, convs[-1].filters, convs[1].kernel_size[0]
        name = f"FeatureMaps/{original.extras}"
        names = [
            *by_kind(f"{name}_1_Conv2d_{index}_1x1_{half}", block[:3], "_conv"),
            *by_kind(f"{name}_2_Conv2d_{index}_{kernel}x{kernel}_s2_{full}", block[3:], "_conv"),
        ]
        yield from numbered(f"{root}/{index}", names, block)


name_maps.register(SSD)(
    NameMap(
        layers=layer_keys,
        extractor=("_feature_extractor/",),
        scopes=(("_feature_extractor/", "FeatureExtractor"), ("", "BoxPredictor")),
        tf1_scopes=tf1_ssd.layer_scopes,
        classifier_layers=layers_of_ssd,
        class_outputs=class_outputs_of_ssd,
    )
)
