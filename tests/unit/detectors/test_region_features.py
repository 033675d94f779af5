"""`faster_rcnn { feature_extractor { … } }`: what is built, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from google.protobuf import text_format

from detectune.config import schema
from detectune.detectors.builders.padding_colour import region_padding_colour
from detectune.detectors.builders.region_features import region_features
from detectune.errors import ConfigError
from detectune.layers.batch_norm import FreezableBatchNormalization

PYRAMID = "conv_hyperparams { batch_norm { } } fpn { additional_layer_depth: 16 }"


def parts(type_name: str, text: str = ""):
    config = schema.FasterRcnnFeatureExtractor(type=type_name)
    return region_features(text_format.Merge(text, config), patch_size=(3, 3))


def frozen(network) -> set[bool]:
    layers = network._flatten_layers()
    return {n.frozen_statistics for n in layers if isinstance(n, FreezableBatchNormalization)}


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("fpn { min_level: 2 max_level: 5 }", [16, 8, 4, 2]),
        ("fpn { min_level: 3 max_level: 4 }", [8, 4]),
        ("fpn { min_level: 4 max_level: 7 }", [4, 2, 1, 1]),
    ],
)
def test_a_pyramid_stands_on_a_backbone_that_the_original_had_for_ssd_only(text, sides):
    made = parts("faster_rcnn_mobilenet_v2_fpn_keras", f"{PYRAMID} {text}")
    levels = made.neck(made.backbone(np.zeros((1, 64, 64, 3), np.float32)))
    assert [(level.shape[1], level.shape[3]) for level in levels] == [(side, 16) for side in sides]
    features = made.box_features(np.zeros((2, 3, 3, 16), np.float32))
    assert features.shape == (2, 1, 1, 1024)


@pytest.mark.parametrize("trainable", [False, True])
def test_batch_norms_keep_their_statistics_unless_the_config_lets_them_train(trainable):
    text = f"{PYRAMID} batch_norm_trainable: {str(trainable).lower()}"
    made = parts("faster_rcnn_mobilenet_v2_fpn_keras", text)
    for part in (made.backbone, made.neck, made.box_features):
        assert frozen(part) == {not trainable}


@pytest.mark.parametrize(
    ("type_name", "text", "said"),
    [
        ("faster_rcnn_resnet50_keras", "fpn { }", "faster_rcnn_resnet50_keras does not take it"),
        (
            "faster_rcnn_resnet50_keras",
            "conv_hyperparams { }",
            "feature_extractor.conv_hyperparams",
        ),
        ("faster_rcnn_resnet50_keras", "first_stage_features_stride: 8", "keras: 16."),
        (
            "faster_rcnn_resnet50",
            "first_stage_features_stride: 4",
            "faster_rcnn_resnet50: 8 or 16.",
        ),
        ("faster_rcnn_mobilenet_v2_fpn_keras", "fpn { }", "has no conv_hyperparams"),
        (
            "faster_rcnn_mobilenet_v2_fpn_keras",
            "conv_hyperparams { } fpn { min_level: 1 }",
            "min_level 1 and max_level",
        ),
        ("faster_rcnn_pnas", "", "exists in TensorFlow 1 only"),
    ],
)
def test_what_cannot_be_built_is_refused_in_three_parts(type_name, text, said):
    with pytest.raises(ConfigError) as error:
        parts(type_name, text)
    assert said in str(error.value)
    assert len(str(error.value).splitlines()) == 3


def test_images_are_padded_before_they_are_normalized():
    config, backbone = schema.ImageResizer(), parts("faster_rcnn_resnet50_keras").backbone
    assert region_padding_colour(config, backbone) == (0.0, 0.0, 0.0)
    config.keep_aspect_ratio_resizer.per_channel_pad_value.extend([1, 2, 3])
    assert region_padding_colour(config, backbone) == (1.0, 2.0, 3.0)
    config.keep_aspect_ratio_resizer.per_channel_pad_value.append(4)
    with pytest.raises(ConfigError, match="4 numbers"):
        region_padding_colour(config, backbone)
