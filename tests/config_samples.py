"""Configs for tests, as text."""

from detectune.config.save import config_text
from detectune.recipes.new_config import new_config
from detectune.recipes.training_plan import plan_training

MODEL = "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8"


def good_config(num_classes=2, **places):
    """A config without problems if the files it names exist."""
    names = {
        "train": "train.record",
        "evaluation": "test.record",
        "label_map_path": "label_map.pbtxt",
        "checkpoint": "zoo/checkpoint/ckpt-0",
    } | places
    return new_config(MODEL, num_classes=num_classes, plan=plan_training(160), **names)


def write_good_config(folder, text_change=lambda text: text):
    """`pipeline.config` in `folder`, with every file it names; the path."""
    (folder / "train.record").write_bytes(b"x")
    (folder / "test.record").write_bytes(b"x")
    (folder / "label_map.pbtxt").write_text(
        'item { id: 1 name: "hammer" }\nitem { id: 2 name: "pliers" }\n'
    )
    (folder / "zoo" / "checkpoint").mkdir(parents=True, exist_ok=True)
    for ending in (".index", ".data-00000-of-00001"):
        (folder / "zoo" / "checkpoint" / f"ckpt-0{ending}").write_bytes(b"x")
    path = folder / "pipeline.config"
    path.write_text(text_change(config_text(good_config())))
    return path
