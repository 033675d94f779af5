"""Feature extractors that detectune builds: of SSD, and of two-stage detectors.

Written by tools/generate_docs.py from the registry of backbones.
"""

FEATURE_EXTRACTORS = (
    "ssd_efficientnet-b0_bifpn_keras",
    "ssd_efficientnet-b1_bifpn_keras",
    "ssd_efficientnet-b2_bifpn_keras",
    "ssd_efficientnet-b3_bifpn_keras",
    "ssd_efficientnet-b4_bifpn_keras",
    "ssd_efficientnet-b5_bifpn_keras",
    "ssd_efficientnet-b6_bifpn_keras",
    "ssd_efficientnet-b7_bifpn_keras",
    "ssd_inception_v2_keras",
    "ssd_inception_v2_fpn_keras",
    "ssd_inception_v3_keras",
    "ssd_inception_v3_fpn_keras",
    "ssd_inception_v3_bifpn_keras",
    "ssd_inception_v4_keras",
    "ssd_inception_v4_fpn_keras",
    "ssd_inception_v4_bifpn_keras",
    "ssd_mobilenet_v1_keras",
    "ssd_mobilenet_v1_fpn_keras",
    "ssd_mobilenet_v2_keras",
    "ssd_mobilenet_v2_fpn_keras",
    "ssd_mobilenet_v2_bifpn_keras",
    "ssd_mobilenet_v3_large_keras",
    "ssd_mobilenet_v3_large_fpn_keras",
    "ssd_mobilenet_v3_small_keras",
    "ssd_mobilenet_v3_small_fpn_keras",
    "ssd_resnet101_v1_fpn_keras",
    "ssd_resnet152_v1_fpn_keras",
    "ssd_resnet50_v1_fpn_keras",
)

REGION_FEATURE_EXTRACTORS = (
    "faster_rcnn_inception_resnet_v2_keras",
    "faster_rcnn_inception_v2_fpn_keras",
    "faster_rcnn_inception_v3_fpn_keras",
    "faster_rcnn_inception_v4_fpn_keras",
    "faster_rcnn_mobilenet_v1_fpn_keras",
    "faster_rcnn_mobilenet_v2_fpn_keras",
    "faster_rcnn_mobilenet_v3_large_fpn_keras",
    "faster_rcnn_mobilenet_v3_small_fpn_keras",
    "faster_rcnn_resnet101_keras",
    "faster_rcnn_resnet101_fpn_keras",
    "faster_rcnn_resnet152_keras",
    "faster_rcnn_resnet152_fpn_keras",
    "faster_rcnn_resnet50_keras",
    "faster_rcnn_resnet50_fpn_keras",
)
