"""SSD in TensorFlow 1: layer → variable scope, as in `model.ckpt-…` and in old freeze patterns.

    FeatureExtractor/MobilenetV2/Conv/weights                        backbone
    FeatureExtractor/MobilenetV2/layer_19_1_Conv2d_2_1x1_256/…       added maps
    FeatureExtractor/MobilenetV2/fpn/projection_3/biases             pyramid
    BoxPredictor_0/ClassPredictor/weights                            heads

A batch norm stands in the scope of its convolution, in `BatchNorm`. Scopes of the backbone are
facts of its family: see `Tf1Form`.
"""

from __future__ import annotations

from keras.layers import Conv2D, DepthwiseConv2D

from detectune.backbones.tf1 import Tf1Form
from detectune.checkpoints.name_maps.networks import backbone_layers
from detectune.checkpoints.name_maps.slim import Scoped, convolutions, own_scope
from detectune.detectors.ssd import SSD
from detectune.heads.convolutional import ConvolutionalHead, WeightSharedHead
from detectune.necks.fpn import FeaturePyramid
from detectune.necks.ssd_extras import SsdExtraLayers

ROOT = "FeatureExtractor/"


def layer_scopes(detector: SSD) -> Scoped:
    """Every layer with variables and its scope; nothing if the backbone came after TensorFlow 1."""
    form = detector.backbone.tf1
    if form is None:
        return
    root = f"{ROOT}{form.scope}"
    for layer in backbone_layers(detector.backbone):
        yield own_scope(f"{root}/{form.scope_of(layer.name)}", layer), layer
    neck, head = detector.neck, detector.head
    if isinstance(neck, FeaturePyramid):
        yield from _pyramid(f"{root}/fpn", neck, form)
    elif isinstance(neck, SsdExtraLayers):  # other necks came later
        yield from _extras(root, neck, form)
    yield from _shared_head(head) if isinstance(head, WeightSharedHead) else _level_heads(head)


def _extras(root: str, neck: SsdExtraLayers, form: Tf1Form) -> Scoped:
    for index, block in enumerate(neck.blocks, start=neck.num_inputs):
        convs = [layer for layer in block if isinstance(layer, Conv2D)]
        halving = next(
            layer for layer in block
            if isinstance(layer, Conv2D | DepthwiseConv2D) and layer.strides[0] == 2
        )  # fmt: skip
        size = halving.kernel_size[0]
        last = f"{root}/{form.last}"
        narrow = f"{last}_1_Conv2d_{index}_1x1_{convs[0].filters}"
        wide = f"{last}_2_Conv2d_{index}_{size}x{size}_s2_{convs[-1].filters}"
        depthwise = [f"{wide}_depthwise"] if isinstance(halving, DepthwiseConv2D) else []
        yield from convolutions(block, [narrow, *depthwise, wide])


def _pyramid(root: str, neck: FeaturePyramid, form: Tf1Form) -> Scoped:
    levels = len(neck.laterals) + 1
    yield f"{root}/projection_{levels}", neck.top
    for number, lateral, block in zip(
        range(levels - 1, 0, -1), neck.laterals, neck.smoothing, strict=True
    ):
        yield f"{root}/projection_{number}", lateral
        yield from convolutions(block, [f"{root}/smoothing_{number}"])
    for index, block in enumerate(neck.coarse, start=form.first_coarse):
        yield from convolutions(block, [f"{root}/{form.coarse.format(index)}"])


def _level_heads(head: ConvolutionalHead) -> Scoped:
    # Parity: predictors/convolutional_box_predictor.py. A single level has no scope of its own.
    roots = [f"BoxPredictor_{level}/" for level in range(len(head.box_layers))]
    for root, shared, boxes, classes in zip(
        roots if len(roots) > 1 else [""], head.shared, head.box_layers, head.class_layers,
        strict=True,
    ):  # fmt: skip
        depths = [layer.filters for layer in shared if isinstance(layer, Conv2D)]
        names = [f"{root}Conv2d_{index}_1x1_{depth}" for index, depth in enumerate(depths)]
        yield from convolutions(shared, names)
        for name, layers in (("BoxEncodingPredictor", boxes), ("ClassPredictor", classes)):
            scope = f"{root}{name}"
            depthwise = any(isinstance(layer, DepthwiseConv2D) for layer in layers)
            yield from convolutions(layers, [f"{scope}_depthwise", scope] if depthwise else [scope])


def _shared_head(head: WeightSharedHead) -> Scoped:
    root = "WeightSharedConvolutionalBoxPredictor"
    for level, layers in enumerate(head.projections):
        yield from convolutions(layers, [f"{root}/ProjectionLayer/conv2d_{level}"])
    towers = [("PredictionTower", head.box_convs, head.box_tower)]
    if not head.tower.shared:
        towers = [
            ("BoxPredictionTower", head.box_convs, head.box_tower),
            ("ClassPredictionTower", head.class_convs, head.class_tower),
        ]
    for name, convs, levels in towers:
        scopes = [f"{root}/{name}/conv2d_{index}" for index in range(len(convs))]
        yield from zip(scopes, convs, strict=True)
        for level, layers in enumerate(levels):
            for scope, layer in convolutions(layers, scopes):
                if layer not in convs:
                    yield f"{scope}/feature_{level}", layer
    yield f"{root}/BoxPredictor", head.box_predictor
    yield f"{root}/ClassPredictor", head.class_predictor
