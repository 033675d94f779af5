"""Views: a function of seed, image and epoch; mirrored ones are mirror images, boxes included."""

from __future__ import annotations

import numpy as np
import pytest
from data_sets import ListSource, picture, record
from google.protobuf import text_format

from detectune.config import schema
from detectune.data.fingerprint import fingerprint
from detectune.data.kept.views import version_batches, views_of
from detectune.data.readable import ReadableImages
from detectune.data.resizers import build_resizer
from detectune.structures import GroundTruth

SIZE = "fixed_shape_resizer { height: 20 width: 30 }"
FLIP = "data_augmentation_options { random_horizontal_flip { } }"
HUE = "data_augmentation_options { random_adjust_brightness { } }"


def config(train: str) -> schema.TrainEvalPipelineConfig:
    return text_format.Parse(f"train_config {{ {train} }}", schema.TrainEvalPipelineConfig())


def source(count: int = 3) -> ListSource:
    return ListSource([record(f"{i}.png", image=picture(shade=40 + 10 * i)) for i in range(count)])


def versions(text: str, entries=None, images=None):
    """Images and boxes by entry."""
    setting = config(text)
    views = views_of(setting.train_config)
    images = images or ReadableImages(source())
    entries = range(3 * views.versions) if entries is None else entries
    resizer = build_resizer(text_format.Parse(SIZE, schema.ImageResizer()))
    found = {}
    for numbers, inputs, truth in version_batches(setting, images, resizer, views, entries, 2):
        boxes = GroundTruth.from_batch(truth).boxes
        for place, number in enumerate(numbers.numpy()):
            found[int(number)] = inputs["images"][place].numpy(), boxes[place].numpy()
    return views, found


@pytest.mark.parametrize(
    ("text", "count", "flip", "said"),
    [
        ("", 1, None, "1 view"),
        ("feature_cache { views: 4 }", 1, None, "1 view"),  # all would be the same
        (f"feature_cache {{ views: 4 }} {FLIP}", 1, 0.5, "1 view, each also mirrored"),
        (f"feature_cache {{ views: 4 }} {FLIP} {HUE}", 4, 0.5, "4 views, each also mirrored"),
        (f"feature_cache {{ views: 4 }} {HUE}", 4, None, "4 views"),
        (f"feature_cache {{ views: 2 }} {FLIP} {FLIP}", 2, None, "2 views"),
        (
            "data_augmentation_options { random_horizontal_flip { probability: 1.0 } }",
            1, None, "1 view",
        ),
    ],
)  # fmt: skip
def test_what_is_kept_follows_from_the_augmentations(text, count, flip, said):
    views = views_of(config(text).train_config)
    assert (views.count, views.flip, views.describe()) == (count, flip, said)
    assert views.versions == count * (1 if flip is None else 2)


def test_epochs_go_through_the_views_in_turn_and_mirroring_is_drawn_for_each_position():
    views = views_of(config(f"seed: 7 feature_cache {{ views: 3 }} {FLIP} {HUE}").train_config)
    seen = [views.version(position, position // 100) for position in range(600)]
    assert [version // 2 for version in seen[::100]] == [0, 1, 2, 0, 1, 2]
    assert 0.4 < np.mean([version % 2 for version in seen]) < 0.6
    assert seen == [views.version(position, position // 100) for position in range(600)]
    other = views_of(config(f"seed: 8 feature_cache {{ views: 3 }} {FLIP} {HUE}").train_config)
    assert seen != [other.version(position, position // 100) for position in range(600)]


def test_a_mirrored_version_is_the_mirror_image_of_its_view():
    views, found = versions(f"feature_cache {{ views: 2 }} {FLIP} {HUE}")
    assert sorted(found) == list(range(3 * views.versions))
    for entry in range(0, len(found), 2):
        (image, boxes), (mirrored, others) = found[entry], found[entry + 1]
        np.testing.assert_allclose(mirrored, image[:, ::-1], atol=1.0)
        real = boxes[:, 2] > boxes[:, 0]
        np.testing.assert_allclose(others[real][:, 1], 30 - boxes[real][:, 3], atol=1e-4)
    # Views of one image differ, and so do those of different images.
    assert abs(found[0][0].mean() - found[2][0].mean()) > 0.1


def test_a_view_does_not_depend_on_what_else_is_asked_for():
    text = f"feature_cache {{ views: 2 }} {FLIP} {HUE}"
    _, every = versions(text)
    _, some = versions(text, [7, 2])
    assert sorted(some) == [2, 7]
    for entry, (image, boxes) in some.items():
        np.testing.assert_array_equal(image, every[entry][0])
        np.testing.assert_array_equal(boxes, every[entry][1])


def test_images_that_cannot_be_read_are_in_no_batch():
    broken = [record(f"{i}.png", image=b"no picture" if i == 1 else picture()) for i in range(3)]
    _, found = versions(FLIP, images=ReadableImages(ListSource(broken), lambda text: None))
    assert sorted(found) == [0, 1, 4, 5]


def test_a_fingerprint_changes_with_pixels_boxes_and_order_alone():
    same = [fingerprint(source()), fingerprint(source())]
    assert same[0] == same[1]
    one = source()
    others = [
        ListSource([record("0.png", image=picture(shade=41)), *[one[1], one[2]]]),
        ListSource([one[1], one[0], one[2]]),
        ListSource([one[0], one[1]]),
        ListSource([one[0]._replace(boxes=one[0].boxes * 0.5), one[1], one[2]]),
        ListSource([one[0]._replace(weights=one[0].weights * 0.5), one[1], one[2]]),
    ]
    prints = {same[0], *map(fingerprint, others)}
    assert len(prints) == 6
