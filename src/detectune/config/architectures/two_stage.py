"""`model { faster_rcnn { … } }` and `model { fast_rcnn { … } }`.

Both have a second stage, which looks at proposals; Faster R-CNN has a first one, which makes them.
What each of these questions is for: `config.architectures.base`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from detectune.config import conflicts, schema
from detectune.config.anchor_conflicts import anchor_conflicts, anchor_maps, anchors_per_place
from detectune.config.architectures.base import Architecture
from detectune.config.extractor_names import ExtractorNames
from detectune.config.feature_extractors import (
    APPLICATION_REGION_EXTRACTORS,
    REGION_FEATURE_EXTRACTORS,
)
from detectune.config.magnitudes import (
    anchor_magnitudes,
    proposal_magnitudes,
    region_magnitudes,
    stride_of,
)
from detectune.config.needs import Needs
from detectune.config.network_block import network_conflicts, network_files
from detectune.config.part_conflicts import kind_conflicts, resizer_conflicts
from detectune.config.problems import Problem
from detectune.registry import architectures

TwoStage = schema.FasterRcnn | schema.FastRcnn

REGION_EXTRACTORS = ExtractorNames(
    field="FasterRcnnFeatureExtractor.type",
    prefix="faster_rcnn_",
    today=REGION_FEATURE_EXTRACTORS,
    of_keras=APPLICATION_REGION_EXTRACTORS,
    neck_only={"faster_rcnn_fpn_keras": "fpn"},
    tf1={
        "faster_rcnn_inception_resnet_v2": "faster_rcnn_inception_resnet_v2_keras",
        "faster_rcnn_inception_v2": "",
        "faster_rcnn_resnet50": "faster_rcnn_resnet50_keras",
        "faster_rcnn_resnet101": "faster_rcnn_resnet101_keras",
        "faster_rcnn_resnet152": "faster_rcnn_resnet152_keras",
    },
    not_built={
        "faster_rcnn_nas": "faster_rcnn_inception_resnet_v2_keras",
        "faster_rcnn_pnas": "faster_rcnn_inception_resnet_v2_keras",
    },
)

_RESIZER = {"image_resizer": "image_resizer { keep_aspect_ratio_resizer { ... } }"}
_FIRST_STAGE = {
    "first_stage_anchor_generator": "first_stage_anchor_generator { grid_anchor_generator { } }",
}
_SECOND_STAGE = {
    "second_stage_box_predictor": "second_stage_box_predictor { mask_rcnn_box_predictor { ... } }",
}


class TwoStageArchitecture(Architecture):
    """What Faster R-CNN and Fast R-CNN share: the second stage."""

    extractors = REGION_EXTRACTORS
    extractor_example = "faster_rcnn_resnet50_keras"

    @property
    def needs(self) -> Needs:
        return Needs(annotations={"masks": 1} if self.message.number_of_stages == 3 else {})

    @property
    def keeps_statistics(self) -> bool:
        return not self.message.feature_extractor.batch_norm_trainable

    def annotation_conflicts(self, reader: schema.InputReader) -> Iterator[Problem]:
        if self.predicts_masks and not reader.load_instance_masks:
            yield Problem(
                "error",
                "train_input_reader.load_instance_masks",
                "the model learns masks, and none are read.",
                "number_of_stages: 3 needs data with masks: COCO, TFRecords, or Pascal VOC.",
                "Write load_instance_masks: true, or number_of_stages: 2 to learn boxes only.",
            )

    def warnings(self) -> Iterator[Problem]:
        """Masks that cannot follow an outline, though everything about them is allowed."""
        if not self.predicts_masks:
            return
        message = self.message
        if "_fpn_" in self.feature_extractor:
            yield Problem(
                "warning",
                f"{self.path}.feature_extractor.type",
                "with a pyramid the mask head sees one cell of each region, as in the original.",
                "It learns where in their boxes objects of a class are, and no outlines.",
                'Choose a type without fpn, "faster_rcnn_resnet50_keras", for masks.',
            )
        pads = message.image_resizer.keep_aspect_ratio_resizer.pad_to_max_dimension
        if pads and not message.crop_relative_to_input:
            yield Problem(
                "warning",
                f"{self.path}.image_resizer.keep_aspect_ratio_resizer.pad_to_max_dimension",
                "images are padded, and masks are then cut out beside the boxes, as in the "
                "original.",
                "It takes fractions of the picture for fractions of the padded input.",
                "Write crop_relative_to_input: true, unless old answers are to be kept to the "
                "digit.",
            )

    def named_files(self) -> Mapping[str, str]:
        return network_files(self.message.feature_extractor, f"{self.path}.feature_extractor")

    def conflicts(self) -> Iterator[Problem]:
        message, path = self.message, self.path
        extractor, where = message.feature_extractor, f"{path}.feature_extractor"
        yield from network_conflicts(extractor, REGION_EXTRACTORS, where)
        yield from resizer_conflicts(message.image_resizer, f"{path}.image_resizer")
        yield from self._extractor()

    def _extractor(self) -> Iterator[Problem]:
        """Fields that this type of feature extractor does not take, or cannot do without."""
        extractor, path = self.message.feature_extractor, f"{self.path}.feature_extractor"
        if "_fpn" in extractor.type:
            if not extractor.HasField("conv_hyperparams"):
                yield Problem(
                    "error",
                    path,
                    f"{extractor.type} has no conv_hyperparams.",
                    "They say how the layers of the pyramid are made.",
                    "Copy conv_hyperparams from faster_rcnn_resnet50_v1_fpn_640x640_coco17_tpu-8.",
                )
            yield from self._levels()
            return
        for field in ("conv_hyperparams", "fpn"):
            if extractor.type and extractor.HasField(field):
                yield Problem(
                    "error",
                    f"{path}.{field}",
                    f"{extractor.type} does not take it.",
                    "Allowed: only where the type says fpn.",
                    "Remove it, or take a feature extractor with fpn in its name.",
                )

    def _levels(self) -> Iterator[Problem]:
        """The finest level is one that a backbone has."""
        pyramid = self.message.feature_extractor.fpn
        if pyramid.min_level < 2:
            yield Problem(
                "error",
                f"{self.path}.feature_extractor.fpn.min_level",
                f"it is {pyramid.min_level}.",
                "Allowed: 2 to 5; level 2 is the finest map of a backbone.",
                "Correct the levels, and those of the anchor generator with them.",
            )

    def _second_stage(self, limit: str) -> Iterator[Problem]:
        """An error for each conflict inside the second stage.

        Args:
            limit: the field that says how many proposals it gets.
        """
        message, proposals = self.message, getattr(self.message, limit)
        if message.second_stage_batch_size > proposals:
            yield Problem(
                "error",
                f"{self.path}.second_stage_batch_size",
                f"{message.second_stage_batch_size} proposals are to be learned from, and "
                f"{limit} is {proposals}.",
                f"Allowed: at most {limit}.",
                "Lower the one or raise the other.",
            )
        post, path = (
            message.second_stage_post_processing,
            f"{self.path}.second_stage_post_processing",
        )
        yield from conflicts.post_processing(post, path, range(self.num_classes + 1))
        yield from region_magnitudes(message, proposals, self.path)
        predictor = message.second_stage_box_predictor
        yield from kind_conflicts(
            predictor,
            "box_predictor_oneof",
            ("mask_rcnn_box_predictor", "rfcn_box_predictor"),
            f"{self.path}.second_stage_box_predictor",
        )
        yield from kind_conflicts(
            message.second_stage_classification_loss,
            "classification_loss",
            (
                "weighted_softmax",
                "weighted_logits_softmax",
                "weighted_sigmoid",
                "weighted_sigmoid_focal",
            ),
            f"{self.path}.second_stage_classification_loss",
        )
        if predictor.HasField("rfcn_box_predictor"):
            yield from self._position_sensitive()
        if predictor.HasField("mask_rcnn_box_predictor"):
            yield from self._crops()
            yield from self._mask_head()

    def _crops(self) -> Iterator[Problem]:
        names = ("initial_crop_size", "maxpool_kernel_size", "maxpool_stride")
        sizes = {name: getattr(self.message, name) for name in names}
        too_large = self.message.maxpool_kernel_size > self.message.initial_crop_size
        if min(sizes.values()) < 1 or too_large:
            said = ", ".join(f"{name} {value}" for name, value in sizes.items())
            yield Problem(
                "error",
                f"{self.path}.initial_crop_size",
                f"{said}.",
                "Needed: numbers of cells above 0, and a pooling that is not larger than the crop.",
                "Write initial_crop_size: 14 maxpool_kernel_size: 2 maxpool_stride: 2.",
            )

    def _position_sensitive(self) -> Iterator[Problem]:
        settings = self.message.second_stage_box_predictor.rfcn_box_predictor
        path = f"{self.path}.second_stage_box_predictor.rfcn_box_predictor"
        if "_fpn" in self.feature_extractor:
            yield Problem(
                "error",
                f"{self.path}.feature_extractor.type",
                f"{self.feature_extractor} makes several maps.",
                "The rfcn_box_predictor looks at a single one.",
                "Take a feature extractor without fpn in its name, or mask_rcnn_box_predictor.",
            )
        if self.message.number_of_stages == 3:
            yield Problem(
                "error",
                f"{self.path}.number_of_stages",
                "it is 3, and rfcn_box_predictor draws no masks.",
                "R-FCN has two stages.",
                "Write number_of_stages: 2, or take mask_rcnn_box_predictor.",
            )
        if self.message.output_final_box_features:
            yield Problem(
                "error",
                f"{self.path}.output_final_box_features",
                "rfcn_box_predictor computes no features of single boxes.",
                "Score maps of the whole image are averaged over each box.",
                "Remove the line, or take mask_rcnn_box_predictor.",
            )
        for axis in ("height", "width"):
            crop, bins = (
                getattr(settings, f"crop_{axis}"),
                getattr(settings, f"num_spatial_bins_{axis}"),
            )
            if crop % max(bins, 1):
                yield Problem(
                    "error",
                    f"{path}.crop_{axis}",
                    f"{crop} cells do not divide into num_spatial_bins_{axis} {bins}.",
                    "Needed: a whole number of cells, 1 and more, for every part of a region.",
                    f"Write crop_{axis}: 12 and num_spatial_bins_{axis}: 3, which are the "
                    "defaults.",
                )

    def _mask_head(self) -> Iterator[Problem]:
        settings = self.message.second_stage_box_predictor.mask_rcnn_box_predictor
        if self.predicts_masks and not settings.predict_instance_masks:
            yield Problem(
                "error",
                f"{self.path}.number_of_stages",
                "it is 3, and no masks are predicted.",
                "The third stage draws masks.",
                "Write predict_instance_masks: true in mask_rcnn_box_predictor, or "
                "number_of_stages: 2.",
            )


@architectures.register("faster_rcnn")
class FasterRcnnArchitecture(TwoStageArchitecture):
    """Proposals of its own, then classes and boxes, and masks on demand."""

    message: schema.FasterRcnn

    @property
    def required(self) -> Mapping[str, str]:
        if self.message.number_of_stages == 1:
            return _RESIZER | _FIRST_STAGE
        return _RESIZER | _FIRST_STAGE | _SECOND_STAGE

    def conflicts(self) -> Iterator[Problem]:
        yield from super().conflicts()
        anchors = f"{self.path}.first_stage_anchor_generator"
        yield from anchor_conflicts(self.message.first_stage_anchor_generator, anchors)
        yield from self._anchor_maps(self.message.first_stage_anchor_generator, anchors)
        yield from self._magnitudes()
        if self.message.number_of_stages > 1:
            yield from self._second_stage("first_stage_max_proposals")

    def _magnitudes(self) -> Iterator[Problem]:
        """Nothing of the first stage is so large that it cannot be meant."""
        extractor = self.message.feature_extractor
        yield from proposal_magnitudes(self.message, self.path)
        pyramid = stride_of(extractor.fpn.min_level) if extractor.HasField("fpn") else 4
        stride = pyramid if "_fpn" in extractor.type else extractor.first_stage_features_stride
        per_place = anchors_per_place(self.message.first_stage_anchor_generator)
        yield from anchor_magnitudes(self.message.image_resizer, stride, per_place, 1, self.path)

    def _anchor_maps(self, anchors: schema.AnchorGenerator, path: str) -> Iterator[Problem]:
        """Anchors are made for as many feature maps as there are, of the same levels."""
        levels, wanted = (0, 0), 1
        if "_fpn" in self.feature_extractor:
            # Parity: levels 2 to 6 where the config has no fpn, as `region_features` builds it.
            fpn = self.message.feature_extractor
            pyramid = fpn.fpn
            levels = (pyramid.min_level, pyramid.max_level) if fpn.HasField("fpn") else (2, 6)
            wanted = levels[1] - levels[0] + 1
        made, multiscale = anchor_maps(anchors), anchors.multiscale_anchor_generator
        kind = anchors.WhichOneof("anchor_generator_oneof")
        found = ""
        if made not in (0, wanted):
            found = f"the anchors are for {made} feature maps, and there are {wanted}."
        elif (
            kind == "multiscale_anchor_generator"
            and wanted > 1
            and multiscale.min_level != levels[0]
        ):
            found = (
                f"the anchors are for levels {multiscale.min_level} to {multiscale.max_level}, "
                f"the feature maps have levels {levels[0]} to {levels[1]}."
            )
        if found and self.feature_extractor:
            yield Problem(
                "error",
                f"{path}.{kind}",
                found,
                "grid_anchor_generator goes with a single map, multiscale_anchor_generator with "
                "the levels of a pyramid.",
                "Change the anchors here, or feature_extractor.",
            )

    def context_conflicts(self) -> Iterator[Problem]:
        """Every image is looked at alone. `config check` says so by the table of fields."""
        if self.message.HasField("context_config"):
            yield Problem(
                "error",
                f"{self.path}.context_config",
                "Context R-CNN is not supported yet.",
                "Offered are Faster R-CNN, Mask R-CNN and R-FCN, which look at one image at a "
                "time.",
                "Remove context_config; the rest of the config describes a Faster R-CNN.",
            )


@architectures.register("fast_rcnn")
class FastRcnnArchitecture(TwoStageArchitecture):
    """The second stage alone, on proposals that come with the data."""

    message: schema.FastRcnn

    @property
    def needs(self) -> Needs:
        return Needs({"proposals": self.message.max_proposals}, super().needs.annotations)

    @property
    def required(self) -> Mapping[str, str]:
        return _RESIZER | _SECOND_STAGE

    def conflicts(self) -> Iterator[Problem]:
        yield from super().conflicts()
        yield from self._second_stage("max_proposals")
