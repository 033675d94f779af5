"""`anchor_generator { … }`: scales and numbers of anchors that a config asks for.

Parity: anchor_generators/multiple_grid_anchor_generator.py of the original.
"""

from __future__ import annotations

import numpy as np
import pytest
from google.protobuf import text_format

from detectune.boxes.anchors import SsdAnchorGenerator
from detectune.config import schema
from detectune.detectors.builders.anchors import anchor_generator


def made(text: str) -> SsdAnchorGenerator:
    text = f"ssd_anchor_generator {{ {text} }}"
    generator = anchor_generator(text_format.Parse(text, schema.AnchorGenerator()))
    assert isinstance(generator, SsdAnchorGenerator)
    return generator


@pytest.mark.parametrize(
    ("text", "scales"),
    [
        ("num_layers: 3 min_scale: 0.2 max_scale: 0.8", (0.2, 0.5, 0.8, 1.0)),
        ("num_layers: 2 scales: [0.3, 0.6]", (0.3, 0.6, 1.0)),
        # Only num_layers scales are used; the one after them is the neighbour of the last.
        ("num_layers: 2 scales: [0.3, 0.6, 0.9]", (0.3, 0.6, 0.9)),
        ("num_layers: 4 scales: [0.3, 0.6]", (0.3, 0.6, 1.0)),
    ],
)
def test_scales(text, scales):
    assert made(text).scales == pytest.approx(scales)


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("", [3, 3, 3]),
        ("reduce_boxes_in_lowest_layer: false", [3, 3, 3]),
        ("interpolated_scale_aspect_ratio: 0", [3, 2, 2]),
        ("interpolated_scale_aspect_ratio: 0 reduce_boxes_in_lowest_layer: false", [2, 2, 2]),
    ],
)
def test_anchors_at_each_place(text, counts):
    assert made(f"num_layers: 3 aspect_ratios: [1.0, 3.0] {text}").per_location == counts


def test_an_image_that_is_not_square_has_square_anchors_and_its_own_strides():
    generator = made(
        "num_layers: 1 scales: 0.5 aspect_ratios: 1.0 interpolated_scale_aspect_ratio: 0 "
        "reduce_boxes_in_lowest_layer: false"
    )
    anchors = generator((100, 200), [(2, 2)])
    # centres at a quarter and three quarters of each side; half of the shorter side wide
    np.testing.assert_allclose(anchors[0], [25 - 25, 50 - 25, 25 + 25, 50 + 25])
    np.testing.assert_allclose(anchors[3], [75 - 25, 150 - 25, 75 + 25, 150 + 25])


def test_strides_offsets_and_base_sizes_are_those_of_the_config():
    generator = made(
        "num_layers: 1 scales: 0.5 aspect_ratios: 1.0 interpolated_scale_aspect_ratio: 0 "
        "reduce_boxes_in_lowest_layer: false base_anchor_height: 1.0 base_anchor_width: 2.0 "
        "height_stride: 16 width_stride: 32 height_offset: 4 width_offset: 8"
    )
    anchors = generator((64, 96), [(2, 2)])
    np.testing.assert_allclose(anchors[0], [4 - 16, 8 - 32, 4 + 16, 8 + 32])
    np.testing.assert_allclose(anchors[3], [20 - 16, 40 - 32, 20 + 16, 40 + 32])
