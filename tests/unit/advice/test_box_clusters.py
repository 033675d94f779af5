"""k-means of box sizes, and how well anchors cover boxes."""

from __future__ import annotations

import numpy as np
import pytest

from detectune.advice.box_clusters import best_iou, centres, cluster_sizes, size_iou
from detectune.advice.box_sizes import resized_size
from detectune.advice.coverage import coverage
from detectune.config import schema


def test_iou_of_sizes_is_that_of_boxes_with_one_centre():
    found = size_iou(np.array([[10.0, 20.0]]), np.array([[10.0, 20.0], [20.0, 10.0], [5.0, 10.0]]))
    np.testing.assert_allclose(found, [[1.0, 100 / 300, 50 / 200]])


def test_sizes_in_three_heaps_are_found_again():
    random = np.random.default_rng(1)
    heaps = np.array([[10.0, 30.0], [60.0, 20.0], [100.0, 120.0]])
    sizes = np.concatenate(
        [heap + random.uniform(-1, 1, (n, 2)) for heap, n in zip(heaps, (50, 30, 20), strict=True)]
    )
    found = cluster_sizes(sizes, 3)
    np.testing.assert_allclose(found.sizes, heaps, atol=0.5)
    np.testing.assert_allclose(found.shares, [0.5, 0.3, 0.2])


def test_the_same_seed_finds_the_same_clusters():
    sizes = np.random.default_rng(2).uniform(5, 200, (300, 2))
    np.testing.assert_array_equal(
        cluster_sizes(sizes, 7, 5).sizes, cluster_sizes(sizes, 7, 5).sizes
    )


def test_more_clusters_than_sizes_are_as_many_as_sizes():
    found = cluster_sizes(np.array([[10.0, 10.0], [10.0, 10.0], [20.0, 40.0]]), 9)
    assert found.sizes.tolist() == [[10.0, 10.0], [20.0, 40.0]]
    np.testing.assert_allclose(found.shares, [2 / 3, 1 / 3])


def test_clusters_cover_better_than_the_start_by_any_one_box():
    sizes = np.random.default_rng(3).uniform(10, 100, (200, 2))
    means = [best_iou(sizes, cluster_sizes(sizes, count).sizes).mean() for count in (1, 3, 9)]
    assert means[0] < means[1] < means[2]
    assert means[0] > max(best_iou(sizes, sizes[[at]]).mean() for at in range(200)) - 0.02


def test_centres_of_numbers_are_the_means_of_heaps():
    np.testing.assert_allclose(centres(np.array([1.0, 1.2, 5.0, 5.2]), 2), [1.1, 5.1])
    assert centres(np.array([3.0, 3.0]), 4).tolist() == [3.0]


def test_coverage_counts_boxes_by_size():
    sizes = np.array([[16.0, 16.0], [64.0, 64.0], [64.0, 128.0], [200.0, 200.0]])
    found = coverage(sizes, np.array([[64.0, 64.0]]))
    # IoU: 1/16, 1, 1/2, (64/200)²
    assert found.all.recall == 0.5
    assert found.all.mean_iou == pytest.approx((1 / 16 + 1 + 0.5 + 0.1024) / 4)
    assert [(name, one.boxes, one.recall) for name, one in found.by_size] == [
        ("small, below 32", 1, 0.0),
        ("medium, 32 to 96", 2, 1.0),
        ("large, from 96", 1, 0.0),
    ]


def test_each_common_size_counts_alike():
    sizes = np.concatenate([np.full((90, 2), 64.0), np.full((10, 2), 16.0)])
    found = coverage(sizes, np.array([[64.0, 64.0]]))
    assert found.score == pytest.approx((2.0 + 1 / 16) / 2)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("fixed_shape_resizer { height: 300 width: 320 }", (300, 320)),
        ("keep_aspect_ratio_resizer { min_dimension: 60 max_dimension: 100 }", (60, 80)),
        ("keep_aspect_ratio_resizer { min_dimension: 90 max_dimension: 100 }", (75, 100)),
        ("identity_resizer { }", (120, 160)),
        ("conditional_shape_resizer { condition: GREATER size_threshold: 80 }", (60, 80)),
        ("conditional_shape_resizer { condition: SMALLER size_threshold: 240 }", (240, 320)),
        ("pad_to_multiple_resizer { multiple: 64 }", (120, 160)),
    ],
)
def test_an_image_of_120_x_160_after_each_resizer(text, wanted):
    from google.protobuf import text_format

    resizer = text_format.Parse(text, schema.ImageResizer())
    assert resized_size(120, 160, resizer) == pytest.approx(wanted)
