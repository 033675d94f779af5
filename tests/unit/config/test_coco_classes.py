"""COCO's classes, which the zoo's archives do not name."""

from __future__ import annotations

from detectune.config.coco_classes import coco_label_map, is_coco


def test_the_ids_are_those_of_the_data_set_with_their_gaps():
    label_map = coco_label_map()
    assert len(label_map) == 80
    assert label_map.num_classes == 90
    known = {"person": 1, "stop sign": 13, "backpack": 27, "bed": 65, "tv": 72, "toothbrush": 90}
    assert {name: label_map.id_of(name) for name in known} == known
    assert 12 not in {item.id for item in label_map.items}


def test_only_ninety_classes_in_a_place_that_says_coco_are_taken_for_it():
    assert is_coco(90, "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8")
    assert is_coco(90, "archive", "data/mscoco_label_map.pbtxt")
    assert not is_coco(7, "coco")
    assert not is_coco(90, "lvis")
