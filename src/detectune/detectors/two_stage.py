"""What Fast R-CNN and Faster R-CNN share: a second stage that looks at regions of an image.

    images ─► backbone ─► neck? ─► maps ─┐
    propose ─────────────────────────────┴─► RoIHead ─► losses, detections

They differ in where proposals come from.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

import numpy as np
from keras import ops
from keras.layers import Layer

from detectune.backbones.base import Backbone, Colour
from detectune.boxes.anchors import Size
from detectune.detectors.base import Detector
from detectune.detectors.roi_head import RoIHead
from detectune.structures import (
    Array,
    Detections,
    GroundTruth,
    Predictions,
    Proposals,
    RawDetections,
)


class TwoStagePredictions(NamedTuple):
    """What can be said about a batch of images before anybody looks at regions."""

    maps: list[Array]
    """Feature maps `[B, H, W, D]`, fine to coarse."""
    image_size: np.ndarray
    """`[2]` int: height and width of the input, pixels."""
    first: Predictions | None = None
    """What the first stage says about every anchor; None without a first stage."""
    proposals: Proposals | None = None
    """The proposals that came with the data; None with a first stage."""

    @property
    def size(self) -> Size:
        return int(self.image_size[0]), int(self.image_size[1])

    def windows(self, sizes: Array | None) -> Array:
        """`[B, 4]` yxyx: where the pictures are in the input; all of it if there are no `sizes`."""
        if sizes is None:
            whole = ops.convert_to_tensor(self.size, "float32")
            sizes = ops.broadcast_to(whole, (ops.shape(self.maps[0])[0], 2))
        sizes = ops.cast(sizes, "float32")
        return ops.concatenate([ops.zeros_like(sizes), sizes], axis=-1)


class TwoStageDetector(Detector):
    """A detector with a second stage.

    Args:
        neck: makes a pyramid of the backbone's maps, or None.
        roi_head: None for proposals only.
    """

    clips_raw_boxes = True

    def __init__(
        self,
        *,
        num_classes: int,
        backbone: Backbone,
        neck: Layer | None,
        roi_head: RoIHead | None,
        pad_value: Colour,
        name: str,
    ) -> None:
        super().__init__(num_classes=num_classes, pad_value=pad_value, name=name)
        self.backbone, self.neck, self.roi_head = backbone, neck, roi_head

    def build(self, input_shape: tuple | None = None) -> None:
        """Make all variables. No image is needed, and the size of one does not matter."""
        if self.neck is not None and not self.neck.built:
            self.neck.build(self.backbone.output_shapes)
        if self.roi_head is not None:
            self.roi_head.build(self.map_shapes[0])
        self.built = True

    @property
    def map_shapes(self) -> list[tuple]:
        """Shapes of the maps, fine to coarse."""
        shapes = self.backbone.output_shapes
        return shapes if self.neck is None else self.neck.compute_output_shape(shapes)

    @property
    def box_features(self) -> Layer | None:
        """Patches of maps → features, of the second stage."""
        return None if self.roi_head is None else self.roi_head.box_features

    def maps(self, images: Array, training: bool = False) -> list[Array]:
        """Feature maps of images `[B, H, W, 3]`, fine to coarse."""
        maps = self.backbone(images, training=training)
        return maps if self.neck is None else self.neck(maps, training=training)

    @abstractmethod
    def propose(self, out: TwoStagePredictions, sizes: Array | None) -> Proposals:
        """The boxes that the second stage looks at.

        Args:
            sizes: `[B, 2]`, height and width of each picture inside its padding; None if there is
                no padding.
        """

    def named_losses(
        self, truth: GroundTruth, out: TwoStagePredictions, *, training: bool = True
    ) -> dict[str, Array]:
        """Scalars by the names of `loss_names`, each already weighted."""
        assert self.roi_head is not None
        return self.roi_head.named_losses(
            self.propose(out, truth.sizes),
            truth,
            out.maps,
            windows=out.windows(truth.sizes),
            image_size=out.size,
            training=training,
        )

    def answer(self, out: TwoStagePredictions, sizes: Array) -> tuple[Detections, RawDetections]:
        """The best boxes of every image, in pixels of the input, and masks if there is a head."""
        assert self.roi_head is not None
        return self.roi_head.answer(
            self.propose(out, sizes), out.maps, windows=out.windows(sizes), image_size=out.size
        )
