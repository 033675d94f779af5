"""What an exported detector takes and gives: the names and meanings, stated once.

Parity: exporter_lib_v2.py of the original; serving code that calls one of its models works.

    input_tensor                 [B, H, W, 3] uint8, RGB; H and W are free, B usually 1
    detection_boxes              [B, K, 4] float32, yxyx as fractions of the image
    detection_scores             [B, K] float32, falling
    detection_classes            [B, K] float32, ids of the label map, from 1
    num_detections               [B] float32, how many of the K are real; the rest is 0

Of detectors that choose among candidates, which are anchors or proposals:

    detection_multiclass_scores  [B, K, C + 1] float32, all scores of each box's candidate
    detection_anchor_indices     [B, K] float32, which candidate each box came from
    raw_detection_boxes          [B, A, 4] float32, every candidate's box: of one stage, not clipped
                                 and as fractions of the padded input of the network; of two,
                                 clipped and as fractions of the image
    raw_detection_scores         [B, A, C + 1] float32, every candidate's scores

Of detectors that find masks, or are asked for features:

    detection_masks              [B, K, h, w] float32, 0–1: probabilities over each box
    detection_masks_reframed     [B, K, H, W] uint8, 1 where they exceed a half, in the image
    detection_features           [B, K, h, w, D] float32, what the second stage saw of each box

A detector without a first stage takes a second input:

    proposals                    [B, P, 4] float32, yxyx as fractions of the image, the best first;
                                 those without area are padding
"""

from __future__ import annotations

INPUT, PROPOSALS = "input_tensor", "proposals"
OUTPUTS = ("detection_boxes", "detection_classes", "detection_scores", "num_detections")
ANCHOR_OUTPUTS = (
    "detection_anchor_indices",
    "detection_multiclass_scores",
    "raw_detection_boxes",
    "raw_detection_scores",
)
OPTIONAL_OUTPUTS = ("detection_features", "detection_masks", "detection_masks_reframed")

# Above this probability a pixel belongs to the object.
MASK_THRESHOLD = 0.5
