"""The classes of COCO 2017: what the zoo's detectors were trained on.

The zoo's archives hold no label map. Ids are those of the data set, from 1 to 90 with ten gaps.

Source: cocodataset.org, `instances_val2017.json`.
"""

from __future__ import annotations

from detectune.config.label_map import LabelMap

NUM_CLASSES = 90

_NAMES = (
    "person bicycle car motorcycle airplane bus train truck boat traffic_light fire_hydrant - "
    "stop_sign parking_meter bench bird cat dog horse sheep cow elephant bear zebra giraffe - "
    "backpack umbrella - - handbag tie suitcase frisbee skis snowboard sports_ball kite "
    "baseball_bat baseball_glove skateboard surfboard tennis_racket bottle - wine_glass cup fork "
    "knife spoon bowl banana apple sandwich orange broccoli carrot hot_dog pizza donut cake chair "
    "couch potted_plant bed - dining_table - - toilet - tv laptop mouse remote keyboard "
    "cell_phone microwave oven toaster sink refrigerator - book clock vase scissors teddy_bear "
    "hair_drier toothbrush"
)


def coco_label_map() -> LabelMap:
    """Id → name of the 80 classes."""
    names = [name.replace("_", " ") for name in _NAMES.split()]
    return LabelMap.from_ids({name: id_ for id_, name in enumerate(names, 1) if name != "-"})


def is_coco(num_classes: int, *places: str) -> bool:
    """Whether a detector of `num_classes` found at `places` (paths) is one for COCO."""
    return num_classes == NUM_CLASSES and any("coco" in place.lower() for place in places)
