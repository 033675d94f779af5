"""Batches of kept maps are those of the images: the same order, boxes, masks and proposals."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from data_sets import ListSource, picture, record
from google.protobuf import text_format

from detectune.config import schema
from detectune.data.kept.batches import KeptMaps, kept_batches, record_dtype, records_of
from detectune.data.kept.numbers import numbers_of
from detectune.data.kept.store import Index, Store, new_store, open_store
from detectune.data.kept.views import version_batches, views_of
from detectune.data.pipeline import train_batches
from detectune.data.readable import ReadableImages
from detectune.data.resizers import build_resizer

SIZE = (20, 30)
COUNT = 5
PROPOSALS = np.array([[0.0, 0.0, 0.5, 0.5], [0.25, 0.25, 1.0, 1.0]], np.float32)


def config(train: str) -> schema.TrainEvalPipelineConfig:
    text = f"""
      model {{ fast_rcnn {{ max_proposals: 4 }} }}
      train_config {{ seed: 3 {train} feature_cache {{ type: FLOAT32 views: 3 }} }}
      train_input_reader {{ }}"""
    return text_format.Parse(text, schema.TrainEvalPipelineConfig())


def source(broken: int | None = None) -> ListSource:
    return ListSource(
        [
            record(
                f"{i}.png",
                image=b"no picture" if i == broken else picture(shade=20 * i),
                boxes=((0.1, 0.1, 0.1 * (i + 2), 0.5),),
                proposals=PROPOSALS,
            )
            for i in range(COUNT)
        ]
    )


def resizer():
    height, width = SIZE
    text = f"fixed_shape_resizer {{ height: {height} width: {width} }}"
    return build_resizer(text_format.Parse(text, schema.ImageResizer()))


def shade_maps(images: np.ndarray) -> list[np.ndarray]:
    """A "network": the images, smaller, and their mean."""
    return [images[:, ::4, ::5], images.mean(axis=(1, 2, 3))[:, None, None, None]]


def kept(setting, images: ReadableImages, folder) -> KeptMaps:
    views, numbers = views_of(setting.train_config), numbers_of(setting.train_config.feature_cache)
    count = COUNT * views.versions
    batches = version_batches(setting, images, resizer(), views, range(count), 3)
    _, inputs, truth = batches.element_spec

    def ones(specs):
        return {name: tf.TensorSpec(spec.shape[1:], spec.dtype) for name, spec in specs.items()}

    others = {name: spec for name, spec in ones(inputs).items() if name != "images"}
    dtype = record_dtype([(5, 6, 3), (1, 1, 1)], numbers, others, ones(truth))
    with new_store(folder / "store", dtype, count, Index("key", {}, [])) as writer:
        for entries, given, wanted in batches.as_numpy_iterator():
            maps = shade_maps(given["images"])
            for entry, one in zip(entries, records_of(maps, numbers, given, wanted), strict=True):
                writer.write(int(entry), one)
    store = open_store(folder / "store", dtype, count, "key")
    assert isinstance(store, Store)
    return KeptMaps(store, numbers, views, SIZE)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(("batch", "accumulation"), [(2, 1), (4, 2)])
@pytest.mark.parametrize("broken", [None, 3])
def test_without_augmentation_only_the_images_are_replaced(
    tmp_path, shuffle, batch, accumulation, broken
):
    setting = config(f"batch_size: {batch} gradient_accumulation_steps: {accumulation}")
    setting.train_input_reader.shuffle = shuffle
    images = ReadableImages(source(broken), lambda text: None)
    expected = train_batches(
        setting, images.source, resizer(), seed=3, steps=6, checked=True, images=images
    )
    maps = kept(setting, images, tmp_path)
    found = kept_batches(setting, images.source, maps, seed=3, steps=6)
    number = 0
    for (inputs, truth), (given, wanted) in zip(found, expected, strict=True):
        number += 1
        assert inputs["images"].shape == (batch // accumulation, *SIZE, 0)
        for one, other in zip(inputs["kept"], shade_maps(given["images"].numpy()), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)
        np.testing.assert_array_equal(inputs["proposals"], given["proposals"])
        assert inputs["proposals"].shape[1] == 4
        assert truth.keys() == wanted.keys()
        for name, part in truth.items():
            np.testing.assert_array_equal(part, wanted[name], err_msg=name)
            assert part.dtype == wanted[name].dtype
    assert number == 6 * accumulation


def test_a_training_that_goes_on_sees_what_it_would_have_seen(tmp_path):
    flip = "data_augmentation_options { random_horizontal_flip { } }"
    hue = "data_augmentation_options { random_adjust_brightness { } }"
    setting = config(f"batch_size: 2 {flip} {hue}")
    images = ReadableImages(source())
    maps = kept(setting, images, tmp_path)
    assert maps.views.versions == 6
    whole = list(kept_batches(setting, images.source, maps, seed=3, steps=12))
    later = list(kept_batches(setting, images.source, maps, seed=3, start_step=5, steps=7))
    for (inputs, truth), (others, wanted) in zip(later, whole[5:], strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, inputs, others)
        tf.nest.map_structure(np.testing.assert_array_equal, truth, wanted)
    # An image is brighter or darker in another epoch, by the view, and some are mirrored.
    means = np.concatenate([np.ravel(inputs["kept"][1]) for inputs, _ in whole])
    assert len(set(np.round(means[:15], 2))) > COUNT
