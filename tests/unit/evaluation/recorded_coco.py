"""An evaluation recorded from the original: its images, and the numbers that came out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

GOLDENS = Path(__file__).parents[2] / "parity" / "goldens"


class RecordedEvaluation:
    """What `coco_evaluator.npz` and `.json` hold."""

    def __init__(self) -> None:
        self.numbers: dict[str, Any] = json.loads(
            (GOLDENS / "coco_evaluator.json").read_text("utf-8")
        )
        """Among others, `metrics` and `mask_metrics`."""
        self.names = {row["id"]: row["name"] for row in self.numbers["categories"]}
        self._arrays = np.load(GOLDENS / "coco_evaluator.npz")

    def images(self) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
        """The name of each image, and what `CocoEvaluator.add` is given about its boxes."""
        for name in self.numbers["images"]:
            yield (
                name,
                {
                    "truth_boxes": self._arrays[f"{name}/gt_boxes"],
                    "truth_classes": self._arrays[f"{name}/gt_classes"],
                    "is_crowd": self._arrays[f"{name}/crowd"],
                    "boxes": self._arrays[f"{name}/det_boxes"],
                    "scores": self._arrays[f"{name}/det_scores"],
                    "classes": self._arrays[f"{name}/det_classes"],
                },
            )
