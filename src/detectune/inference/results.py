"""What a prediction gives back: the boxes of one image, and what can be done with them."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from detectune.data.run_lengths import Rle, decode_rle, rle_text
from detectune.errors import ConfigError, three_part

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class ImageDetections:
    """The boxes found in one image, best first."""

    image: np.ndarray
    """`[H, W, 3]` uint8, RGB: the image they were found in, upright."""
    boxes: np.ndarray
    """`[K, 4]` float32, yxyx in pixels of `image`."""
    scores: np.ndarray
    """`[K]` float32, 0–1."""
    classes: np.ndarray
    """`[K]` int32, ids of the label map, from 1."""
    class_names: Mapping[int, str]
    """Label-map id → name."""
    file_name: str = ""
    rles: tuple[Rle, ...] | None = None
    """Where each object is, as COCO's run lengths as large as `image`; None if the detector finds
    boxes only."""

    def __len__(self) -> int:
        return len(self.scores)

    def above(self, threshold: float) -> ImageDetections:
        """Only the boxes whose score reaches `threshold`."""
        keep = self.scores >= threshold
        return ImageDetections(
            self.image,
            self.boxes[keep],
            self.scores[keep],
            self.classes[keep],
            self.class_names,
            self.file_name,
            None if self.rles is None else tuple(itertools.compress(self.rles, keep)),
        )

    @property
    def masks(self) -> np.ndarray | None:
        """`[K, H, W]` bool, where each object is, made anew from `rles`; None without masks."""
        if self.rles is None:
            return None
        pixels = [decode_rle(rle) for rle in self.rles]
        return np.array(pixels, bool).reshape(-1, *self.image.shape[:2])

    def names(self) -> list[str]:
        """The class name of every box."""
        return [self.class_names.get(int(c), f"class {int(c)}") for c in self.classes]

    def draw(self, threshold: float = 0.5) -> Image:
        """A picture with the boxes, and masks, whose score reaches `threshold`."""
        from detectune.drawing.boxes import draw_detections

        rles = self.rles
        return draw_detections(
            self.image,
            self.boxes,
            self.scores,
            self.classes,
            self.class_names,
            threshold=threshold,
            masks=None if rles is None else lambda row: decode_rle(rles[row]),
        )

    def to_coco(self, image_id: int = 1) -> list[dict[str, Any]]:
        """COCO results: `bbox` is x, y, width, height in pixels of the image.

        Masks stand in `segmentation`, as compressed run lengths.
        """
        shapes: list[dict[str, Any]] = [{}] * len(self)
        if self.rles is not None:
            shapes = [{"segmentation": rle_text(rle)} for rle in self.rles]
        rows = zip(self.boxes, self.scores, self.classes, self.names(), shapes, strict=True)
        return [
            {
                "file_name": self.file_name,
                "image_id": image_id,
                "category_id": int(class_id),
                "category_name": name,
                "bbox": [
                    round(float(side), 3)
                    for side in (box[1], box[0], box[3] - box[1], box[2] - box[0])
                ],
                "score": round(float(score), 6),
                **shape,
            }
            for box, score, class_id, name, shape in rows
        ]

    def to_supervision(self) -> Any:
        """A `supervision.Detections`, for its trackers, slicers and annotators.

        Raises:
            ConfigError: the package supervision is not installed.
        """
        try:
            supervision: Any = importlib.import_module("supervision")
        except ImportError as error:
            raise ConfigError(
                three_part(
                    "to_supervision: the package supervision is not installed.",
                    "It is an optional package.",
                    'Install it with: pip install "supervision>=0.25"',
                )
            ) from error
        return supervision.Detections(
            xyxy=self.boxes[:, [1, 0, 3, 2]].astype(np.float32),
            confidence=self.scores,
            class_id=self.classes.astype(int),
            mask=self.masks,
            data={"class_name": np.array(self.names())},
        )
