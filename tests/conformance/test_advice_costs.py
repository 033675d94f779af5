"""The multiply-adds that advice goes by are those that `model summary` counts."""

from __future__ import annotations

import pytest

from detectune.advice.costs import MULTIPLY_ADDS
from detectune.recipes.templates import template
from detectune.summary.network import summarize

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "model",
    [
        "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8",
        "efficientdet_d1_coco17_tpu-32",
        "faster_rcnn_resnet50_v1_640x640_coco17_tpu-8",
    ],
)
def test_multiply_adds_are_counted_again(model):
    assert summarize(template(model)).multiply_adds / 1e9 == pytest.approx(
        MULTIPLY_ADDS[model], abs=6e-4
    )
