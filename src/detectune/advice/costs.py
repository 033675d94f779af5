"""What models cost: measured seconds of five, and multiply-adds of all.

Where a model was not measured, its time is that of the measured one of its family, in proportion to
multiply-adds; `Cost.measured` says so.
"""

from __future__ import annotations

from typing import NamedTuple

_COCO = "_coco17_tpu-8"

SMALLEST = f"ssd_mobilenet_v2_fpnlite_320x320{_COCO}"
"""What is advised where nothing else fits: the smallest of which times were measured."""

MEASURED = {
    f"ssd_mobilenet_v2_fpnlite_320x320{_COCO}": (0.4583 / 8, 25.6),
    "efficientdet_d0_coco17_tpu-32": (0.4913 / 2, 66.7),
    f"ssd_mobilenet_v1_fpn_640x640{_COCO}": (1.8672 / 2, 329.8),
    f"ssd_resnet50_v1_fpn_640x640{_COCO}": (2.8291 / 2, 444.2),
    f"faster_rcnn_resnet50_v1_640x640{_COCO}": (1.9827 / 2, 605.7),
}
"""Seconds of a training step for each image, all layers trained, and milliseconds to detect in one.

Source: `training` in benchmarks/results/train_step-2cores-tf-fp32.csv, and `boxes_ms` in
inference-2cores-tf-fp32.csv.
"""

FROZEN_STEP = 0.261
"""A step with the backbone frozen against one in which all trains, of SSD MobileNet V2 FPNLite 320.

Source: `to_full` in benchmarks/results/frozen-2cores-tf-fp32.csv. Of no other model is it known.
"""
START_SECONDS = 12.6
"""From the beginning of a training to the end of its first step; `first_step_s` in
benchmarks/results/transfer-2cores-tf-fp32.csv."""

# Billions for one image, as `detectune model summary` counts them; a slow test counts some again.
MULTIPLY_ADDS = {
    f"ssd_mobilenet_v2_320x320{_COCO}": 0.773,
    f"ssd_mobilenet_v2_fpnlite_320x320{_COCO}": 0.985,
    f"ssd_mobilenet_v2_fpnlite_640x640{_COCO}": 3.938,
    "efficientdet_d0_coco17_tpu-32": 2.492,
    "efficientdet_d1_coco17_tpu-32": 5.505,
    "efficientdet_d2_coco17_tpu-32": 9.965,
    "efficientdet_d3_coco17_tpu-32": 23.165,
    "efficientdet_d4_coco17_tpu-32": 52.092,
    "efficientdet_d5_coco17_tpu-32": 123.977,
    "efficientdet_d6_coco17_tpu-32": 255.647,
    "efficientdet_d7_coco17_tpu-32": 304.240,
    f"ssd_mobilenet_v1_fpn_640x640{_COCO}": 61.583,
    f"ssd_resnet50_v1_fpn_640x640{_COCO}": 89.159,
    f"ssd_resnet50_v1_fpn_1024x1024{_COCO}": 228.247,
    f"ssd_resnet101_v1_fpn_640x640{_COCO}": 119.463,
    f"ssd_resnet101_v1_fpn_1024x1024{_COCO}": 305.825,
    f"ssd_resnet152_v1_fpn_640x640{_COCO}": 149.767,
    f"ssd_resnet152_v1_fpn_1024x1024{_COCO}": 383.403,
    f"faster_rcnn_resnet50_v1_640x640{_COCO}": 104.890,
    f"faster_rcnn_resnet50_v1_1024x1024{_COCO}": 156.539,
    f"faster_rcnn_resnet101_v1_640x640{_COCO}": 135.194,
    f"faster_rcnn_resnet101_v1_1024x1024{_COCO}": 234.117,
    f"faster_rcnn_resnet152_v1_640x640{_COCO}": 165.497,
    f"faster_rcnn_resnet152_v1_1024x1024{_COCO}": 311.695,
    f"faster_rcnn_inception_resnet_v2_640x640{_COCO}": 826.956,
    f"faster_rcnn_inception_resnet_v2_1024x1024{_COCO}": 932.530,
}

# How names begin → the measured model of the family.
_FAMILIES = {
    "ssd_mobilenet_v2": f"ssd_mobilenet_v2_fpnlite_320x320{_COCO}",
    "efficientdet": "efficientdet_d0_coco17_tpu-32",
    "ssd_mobilenet_v1": f"ssd_mobilenet_v1_fpn_640x640{_COCO}",
    "ssd_resnet": f"ssd_resnet50_v1_fpn_640x640{_COCO}",
    "faster_rcnn": f"faster_rcnn_resnet50_v1_640x640{_COCO}",
}


class Cost(NamedTuple):
    """What a model costs on the machine of the figures: two cores without an accelerator."""

    model: str
    billions: float
    """Multiply-adds for one image."""
    train_seconds: float
    """For each image of a step, all layers trained."""
    detect_ms: float
    """For one image."""
    frozen_step: float
    """A step with the backbone frozen takes so much of a whole one; 1 where nobody measured."""
    measured: str
    """The model of which the time was measured: itself, or one of its family."""

    @property
    def origin(self) -> str:
        """Where the times come from, a clause."""
        if self.measured == self.model:
            return "measured"
        return f"by multiply-adds from {self.measured}, which was measured"


def cost_of(model: str) -> Cost:
    """The cost of `model`, one of `MULTIPLY_ADDS`."""
    measured = next(like for begin, like in _FAMILIES.items() if model.startswith(begin))
    times = MULTIPLY_ADDS[model] / MULTIPLY_ADDS[measured]
    seconds, detect_ms = MEASURED[measured]
    known = measured == model and model.startswith("ssd_mobilenet_v2_fpnlite_320")
    return Cost(
        model,
        MULTIPLY_ADDS[model],
        seconds * times,
        detect_ms * times,
        FROZEN_STEP if known else 1.0,
        measured,
    )
