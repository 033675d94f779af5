"""Networks of `keras.applications`, by name; what is special about each: `backbones.applications`.

Known without importing Keras, so that a config can be checked without it.
"""

from __future__ import annotations

from collections.abc import Mapping

OWN_FAMILY = ""

APPLICATIONS: Mapping[str, str] = {
    "ConvNeXtBase": "convnext_base",
    "ConvNeXtLarge": "convnext_large",
    "ConvNeXtSmall": "convnext_small",
    "ConvNeXtTiny": "convnext_tiny",
    "ConvNeXtXLarge": "convnext_xlarge",
    "DenseNet121": "densenet121",
    "DenseNet169": "densenet169",
    "DenseNet201": "densenet201",
    "EfficientNetB0": OWN_FAMILY,
    "EfficientNetB1": OWN_FAMILY,
    "EfficientNetB2": OWN_FAMILY,
    "EfficientNetB3": OWN_FAMILY,
    "EfficientNetB4": OWN_FAMILY,
    "EfficientNetB5": OWN_FAMILY,
    "EfficientNetB6": OWN_FAMILY,
    "EfficientNetB7": OWN_FAMILY,
    "EfficientNetV2B0": "efficientnet_v2_b0",
    "EfficientNetV2B1": "efficientnet_v2_b1",
    "EfficientNetV2B2": "efficientnet_v2_b2",
    "EfficientNetV2B3": "efficientnet_v2_b3",
    "EfficientNetV2L": "efficientnet_v2_l",
    "EfficientNetV2M": "efficientnet_v2_m",
    "EfficientNetV2S": "efficientnet_v2_s",
    "InceptionResNetV2": OWN_FAMILY,
    "InceptionV3": OWN_FAMILY,
    "MobileNet": OWN_FAMILY,
    "MobileNetV2": OWN_FAMILY,
    "MobileNetV3Large": OWN_FAMILY,
    "MobileNetV3Small": OWN_FAMILY,
    "NASNetLarge": "nasnet_large",
    "NASNetMobile": "nasnet_mobile",
    "ResNet101": OWN_FAMILY,
    "ResNet101V2": "resnet101_v2",
    "ResNet152": OWN_FAMILY,
    "ResNet152V2": "resnet152_v2",
    "ResNet50": OWN_FAMILY,
    "ResNet50V2": "resnet50_v2",
    "VGG16": "vgg16",
    "VGG19": "vgg19",
    "Xception": "xception",
}
"""Name of the function → what types of feature extractors call the network, as in
`ssd_vgg16_fpn_keras`; empty for networks that are a family of their own here, of which
`backbone { name: … }` means Keras's."""

PUBLISHED: Mapping[str, str] = {"InceptionV4": "inception_v4"}
"""Further networks that `backbone { name: … }` may say → their family here."""

STORED = "backbone.json"
"""The file in a run directory that describes a network of the user's."""
