"""Fast R-CNN: look at regions that come with the data.

    images ─► backbone ─► neck? ─► maps ─┐
    proposals of the data ───────────────┴─► RoIHead ─► detections

It is Faster R-CNN without its first stage: everything else is shared. Proposals are made by
`detectune data proposals`, or come in TFRecords. Source: Girshick 2015 (Fast R-CNN).
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops
from keras.layers import Layer

from detectune.backbones.base import Backbone, Colour
from detectune.config import schema
from detectune.config.needs import Needs
from detectune.detectors.builders.padding_colour import region_padding_colour
from detectune.detectors.builders.region_features import region_features
from detectune.detectors.builders.roi_head import roi_crops, roi_head
from detectune.detectors.roi_head import RoIHead
from detectune.detectors.two_stage import TwoStageDetector, TwoStagePredictions
from detectune.errors import DataError, three_part
from detectune.registry import detectors
from detectune.structures import Array, Inputs, Proposals


class FastRCNN(TwoStageDetector):
    """Classifies given regions. Every argument is a finished part, never a config message.

    Args:
        neck: makes a pyramid of the backbone's maps, or None.
        max_proposals: how many of the data's proposals are looked at, the first ones.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        backbone: Backbone,
        neck: Layer | None,
        roi_head: RoIHead,
        max_proposals: int,
        pad_value: Colour = (0.0, 0.0, 0.0),
    ) -> None:
        self.loss_names = roi_head.loss_names
        super().__init__(
            num_classes=num_classes,
            backbone=backbone,
            neck=neck,
            roi_head=roi_head,
            pad_value=pad_value,
            name="fast_rcnn",
        )
        self.needs = Needs(inputs={"proposals": max_proposals}, annotations=self.needs.annotations)

    def heads(
        self, inputs: Inputs, maps: Sequence[Array], training: bool = False
    ) -> TwoStagePredictions:
        """The maps, and the regions to look at: those of `inputs["proposals"]` that have area."""
        given = inputs.get("proposals")
        if given is None:
            raise DataError(
                three_part(
                    "fast_rcnn: there are images, and no proposals.",
                    "A detector without a first stage looks at boxes that come with the data.",
                    'Give it {"images": images, "proposals": boxes}.',
                )
            )
        boxes = ops.cast(given[:, : self.needs.size("proposals")], "float32")
        valid = ops.all(boxes[..., 2:] > boxes[..., :2], axis=-1)
        return TwoStagePredictions(maps, proposals=Proposals(boxes, valid))

    def propose(
        self,
        inputs: Inputs | Array,
        out: TwoStagePredictions,
        sizes: Array | None,
        *,
        training: bool = False,
    ) -> Proposals:
        """Those that came with the data."""
        del inputs, sizes, training
        assert out.proposals is not None
        return out.proposals


@detectors.register("fast_rcnn")
def build_fast_rcnn(config: schema.FastRcnn, network: keras.Model | None = None) -> FastRCNN:
    """Turn `model { fast_rcnn { ... } }` into a detector. Nothing above reads a config."""
    crops = roi_crops(config)
    features = region_features(
        config.feature_extractor, patch_size=crops.output_size, network=network
    )
    detector = FastRCNN(
        num_classes=config.num_classes,
        backbone=features.backbone,
        neck=features.neck,
        roi_head=roi_head(config, features.box_features),
        max_proposals=config.max_proposals,
        pad_value=region_padding_colour(config.image_resizer, features.backbone),
    )
    detector.build()
    return detector
