"""What Fast R-CNN and Faster R-CNN share: a second stage that looks at regions of an image.

    images ─► backbone ─► neck? ─► maps ─┐
    propose ─────────────────────────────┴─► RoIHead ─► losses, detections

They differ in where proposals come from.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

from keras import ops
from keras.layers import Layer

from detectune.backbones.base import Backbone, Colour
from detectune.config.needs import Needs
from detectune.detectors.base import Detector
from detectune.detectors.roi_head import RoIHead
from detectune.structures import (
    Array,
    GroundTruth,
    Inputs,
    PaddedDetections,
    Predictions,
    Proposals,
    RawDetections,
    as_inputs,
    image_size,
)


class TwoStagePredictions(NamedTuple):
    """What can be said about a batch of images before anybody looks at regions."""

    maps: Sequence[Array]
    """Feature maps `[B, H, W, D]`, fine to coarse."""
    rpn: Predictions | None = None
    """What the region proposal network says about every anchor; None without one."""
    proposals: Proposals | None = None
    """The proposals that came with the data; None with a region proposal network."""


def windows_of(inputs: Inputs | Array, sizes: Array | None) -> Array:
    """`[B, 4]` yxyx: where the pictures are in the input; all of it if there are no `sizes`."""
    if sizes is None:
        whole = ops.convert_to_tensor(image_size(inputs), "float32")
        sizes = ops.broadcast_to(whole, (ops.shape(as_inputs(inputs)["images"])[0], 2))
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
        if roi_head is not None and roi_head.mask_head is not None:
            self.needs = Needs(annotations={"masks": 1})

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

    def features(self, images: Array, training: bool = False) -> Sequence[Array]:
        """The maps of the neck, or of the backbone without one."""
        maps = self.backbone(images, training=training)
        return maps if self.neck is None else self.neck(maps, training=training)

    @property
    def feature_parts(self) -> tuple[Backbone, Layer | None]:
        """Backbone and neck."""
        return self.backbone, self.neck

    @abstractmethod
    def propose(
        self,
        inputs: Inputs | Array,
        out: TwoStagePredictions,
        sizes: Array | None,
        *,
        training: bool = False,
    ) -> Proposals:
        """The boxes that the second stage looks at.

        Args:
            sizes: `[B, 2]`, height and width of each picture inside its padding; None if there is
                no padding.
            training: as in the `call` that returned `out`.
        """

    def named_losses(
        self,
        inputs: Inputs | Array,
        truth: GroundTruth,
        out: TwoStagePredictions,
        *,
        training: bool = True,
    ) -> dict[str, Array]:
        """Scalars by the names of `loss_names`, each already weighted."""
        assert self.roi_head is not None
        return self.roi_head.named_losses(
            self.propose(inputs, out, truth.sizes, training=training),
            truth,
            out.maps,
            windows=windows_of(inputs, truth.sizes),
            image_size=image_size(inputs),
            training=training,
        )

    def postprocess(
        self, inputs: Inputs | Array, out: TwoStagePredictions, sizes: Array
    ) -> PaddedDetections:
        """The best boxes of every image, in pixels of the input, and masks if there is a head."""
        return self.postprocess_with_raw(inputs, out, sizes)[0]

    def postprocess_with_raw(
        self, inputs: Inputs | Array, out: TwoStagePredictions, sizes: Array
    ) -> tuple[PaddedDetections, RawDetections]:
        """The best boxes of every image, and the boxes of all proposals."""
        assert self.roi_head is not None
        return self.roi_head.postprocess_with_raw(
            self.propose(inputs, out, sizes),
            out.maps,
            windows=windows_of(inputs, sizes),
            image_size=image_size(inputs),
        )
