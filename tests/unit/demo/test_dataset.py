"""Written scenes come back through the reader that users' own data go through."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from detectune.config.label_map import read_label_map
from detectune.data.sources.recognise import open_source
from detectune.demo.dataset import write_scenes
from detectune.demo.scenes import draw_scenes
from detectune.demo.symbols import digits, letters_and_shapes


def test_written_scenes_are_read_back(tmp_path):
    task, counted = digits("train"), []
    spec = write_scenes(tmp_path, 4, seed=11, task=task, on_scene=counted.append)
    source = open_source(spec, read_label_map(tmp_path / "label_map.pbtxt"))
    assert counted == [1, 2, 3, 4]
    assert len(source) == 4
    for record, scene in zip(source, draw_scenes(task, 4, seed=11), strict=True):
        np.testing.assert_allclose(record.boxes * 256, scene.boxes, atol=1e-3)
        np.testing.assert_array_equal(record.class_ids - 1, scene.classes)
        picture = np.asarray(Image.open(io.BytesIO(record.image)), int)
        assert np.abs(picture - scene.image).mean() < 6  # JPEG


def test_ids_follow_the_order_of_the_classes(tmp_path):
    task = letters_and_shapes()
    write_scenes(tmp_path, 1, seed=0, task=task)
    names = [item.name for item in read_label_map(tmp_path / "label_map.pbtxt").items]
    assert tuple(names) == task.class_names
