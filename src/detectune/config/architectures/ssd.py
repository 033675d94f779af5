"""`model { ssd { … } }`: SSD, RetinaNet and EfficientDet.

What each of these questions is for: `config.architectures.base`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from detectune.config import conflicts, schema
from detectune.config.anchor_conflicts import anchor_conflicts, anchor_maps, anchors_per_place
from detectune.config.architectures.base import Architecture
from detectune.config.extractor_names import ExtractorNames
from detectune.config.feature_extractors import APPLICATION_EXTRACTORS, FEATURE_EXTRACTORS
from detectune.config.free_anchor import (
    free_anchor_conflicts,
    free_anchor_place,
    free_anchor_warnings,
)
from detectune.config.magnitudes import anchor_magnitudes, ssd_magnitudes, stride_of
from detectune.config.network_block import network_conflicts, network_files
from detectune.config.part_conflicts import kind_conflicts, resizer_conflicts, size_conflicts
from detectune.config.problems import Problem
from detectune.registry import architectures

SSD_EXTRACTORS = ExtractorNames(
    field="SsdFeatureExtractor.type",
    prefix="ssd_",
    today=FEATURE_EXTRACTORS,
    of_keras=APPLICATION_EXTRACTORS,
    neck_only={
        "ssd_fpn_keras": "fpn",
        "ssd_bifpn_keras": "bifpn",
        "ssd_extras_keras": "extras",
    },
    tf1={
        "ssd_inception_v2": "ssd_inception_v2_keras",
        "ssd_inception_v3": "ssd_inception_v3_keras",
        "ssd_mobilenet_v1": "ssd_mobilenet_v1_keras",
        "ssd_mobilenet_v1_fpn": "ssd_mobilenet_v1_fpn_keras",
        "ssd_mobilenet_v2": "ssd_mobilenet_v2_keras",
        "ssd_mobilenet_v2_fpn": "ssd_mobilenet_v2_fpn_keras",
        "ssd_mobilenet_v3_large": "ssd_mobilenet_v3_large_keras",
        "ssd_mobilenet_v3_small": "ssd_mobilenet_v3_small_keras",
        "ssd_resnet50_v1_fpn": "ssd_resnet50_v1_fpn_keras",
        "ssd_resnet101_v1_fpn": "ssd_resnet101_v1_fpn_keras",
        "ssd_resnet152_v1_fpn": "ssd_resnet152_v1_fpn_keras",
    },
    not_built={
        "embedded_ssd_mobilenet_v1": "ssd_mobilenet_v1",
        "ssd_mobiledet_cpu": "ssd_mobilenet_v3_large",
        "ssd_mobiledet_dsp": "ssd_mobilenet_v2_fpn_keras",
        "ssd_mobiledet_edgetpu": "ssd_mobilenet_v2_fpn_keras",
        "ssd_mobiledet_gpu": "ssd_mobilenet_v2_fpn_keras",
        "ssd_mobilenet_edgetpu": "ssd_mobilenet_v2_fpn_keras",
        "ssd_mobilenet_v1_ppn": "ssd_mobilenet_v1",
        "ssd_mobilenet_v2_mnasfpn": "ssd_mobilenet_v2_fpn_keras",
        "ssd_pnasnet": "ssd_resnet50_v1_fpn_keras",
        "ssd_resnet50_v1_ppn": "ssd_resnet50_v1_fpn_keras",
        "ssd_resnet101_v1_ppn": "ssd_resnet101_v1_fpn_keras",
        "ssd_resnet152_v1_ppn": "ssd_resnet152_v1_fpn_keras",
        "ssd_spaghettinet": "ssd_mobilenet_v2_fpn_keras",
    },
)

_REQUIRED = {
    "image_resizer": "image_resizer { fixed_shape_resizer { height: 320 width: 320 } }",
    "anchor_generator": "anchor_generator { multiscale_anchor_generator { ... } }",
    "box_predictor": "box_predictor { weight_shared_convolutional_box_predictor { ... } }",
    "box_coder": "box_coder { faster_rcnn_box_coder { } }",
    "matcher": "matcher { argmax_matcher { force_match_for_each_row: true } }",
    "similarity_calculator": "similarity_calculator { iou_similarity { } }",
    "loss.localization_loss": "loss { localization_loss { weighted_smooth_l1 { } } }",
    "loss.classification_loss": "loss { classification_loss { weighted_sigmoid_focal { } } }",
}


@architectures.register("ssd")
class SsdArchitecture(Architecture):
    """One stage, with anchors."""

    message: schema.Ssd
    extractors = SSD_EXTRACTORS
    extractor_example = "ssd_mobilenet_v2_fpn_keras"

    @property
    def required(self) -> Mapping[str, str]:
        if not free_anchor_place(self.message):
            return _REQUIRED
        # It looks for itself, and has a loss of its own.
        own = ("matcher", "similarity_calculator", "loss.")
        return {name: text for name, text in _REQUIRED.items() if not name.startswith(own)}

    @property
    def keeps_statistics(self) -> bool:
        extractor = self.message.feature_extractor
        return self.message.freeze_batchnorm or not extractor.batch_norm_trainable

    def named_files(self) -> Mapping[str, str]:
        return network_files(self.message.feature_extractor, f"{self.path}.feature_extractor")

    def conflicts(self) -> Iterator[Problem]:
        path = f"{self.path}.feature_extractor"
        yield from network_conflicts(self.message.feature_extractor, SSD_EXTRACTORS, path)
        yield from free_anchor_conflicts(self.message, self.path)
        yield from self._background()
        yield from self._parts()
        yield from self._extractor()
        yield from self._levels()
        yield from self._code_size()
        yield from self._losses()
        anchors = f"{self.path}.anchor_generator"
        yield from anchor_conflicts(self.message.anchor_generator, anchors)
        yield from self._magnitudes()
        post, path = self.message.post_processing, f"{self.path}.post_processing"
        first_id = 0 if self.message.add_background_class else 1
        yield from conflicts.post_processing(post, path, range(first_id, self.num_classes + 1))

    def accumulation_conflicts(self) -> Iterator[Problem]:
        if not self.message.normalize_loss_by_num_matches:
            yield Problem(
                "error",
                "train_config.gradient_accumulation_steps",
                "the loss is a sum over the images of a batch "
                "(normalize_loss_by_num_matches: false).",
                "The parts of a batch are averaged, which would divide such a sum by their number.",
                "Write normalize_loss_by_num_matches: true, or compute the batch at once.",
            )

    def warnings(self) -> Iterator[Problem]:
        yield from free_anchor_warnings(self.message, self.path)
        yield from self._fields_that_resnet_ignores()
        yield from self._sigmoid_in_the_predictor()

    # --- choices that exclude each other ----------------------------------------------------------

    def _magnitudes(self) -> Iterator[Problem]:
        """Nothing is so large that it cannot be meant."""
        message, neck = self.message, self._neck
        per_place = anchors_per_place(message.anchor_generator)
        yield from ssd_magnitudes(message, per_place, self.path)
        # Without a pyramid the first feature map has a cell for 16 pixels.
        finest = getattr(message.feature_extractor, neck).min_level if neck else 4
        yield from anchor_magnitudes(
            message.image_resizer, stride_of(finest), per_place, message.num_classes, self.path
        )

    def _background(self) -> Iterator[Problem]:
        """A background is one class, or none."""
        if self.message.add_background_class and self.message.explicit_background_class:
            yield Problem(
                "error",
                self.path,
                "add_background_class (true unless the config says otherwise) and "
                "explicit_background_class are both true.",
                "A background is added by the detector, or it is class 1 of the label map.",
                "Write add_background_class: false, or remove explicit_background_class.",
            )

    def _levels(self) -> Iterator[Problem]:
        """Anchors and feature maps cover the same levels of a pyramid that can be built."""
        extractor, neck = self.message.feature_extractor, self._neck
        levels = getattr(extractor, neck) if neck else None
        if levels is None:
            yield from self._maps(extractor.num_layers, "feature_extractor.num_layers")
            return
        low, high = levels.min_level, levels.max_level
        # EfficientNet has level 1 too; building says so where another backbone has not.
        finest = 1 if neck == "bifpn" else 2
        if low < finest:
            yield Problem(
                "error",
                f"{self.path}.feature_extractor.{neck}.min_level",
                f"it is {low}.",
                f"Allowed: {finest} to 5; level {finest} is the finest map of a backbone.",
                "Correct the levels, and those of the anchor generator with them.",
            )
        anchors = self.message.anchor_generator
        if not anchors.HasField("multiscale_anchor_generator"):
            yield from self._maps(high - low + 1, f"feature_extractor.{neck}")
            return
        multiscale = anchors.multiscale_anchor_generator
        if (multiscale.min_level, multiscale.max_level) != (low, high):
            yield Problem(
                "error",
                f"{self.path}.anchor_generator.multiscale_anchor_generator",
                f"the anchors are for levels {multiscale.min_level} to {multiscale.max_level}, the "
                f"feature maps have levels {low} to {high}.",
                "Both must have the same min_level and max_level.",
                f"Change them here or in feature_extractor.{neck}.",
            )

    @property
    def _neck(self) -> str:
        """The block of the pyramid that the type of the feature extractor names; may be empty."""
        name = self.message.feature_extractor.type
        return next((neck for neck in ("bifpn", "fpn") if f"_{neck}" in name), "")

    def _maps(self, count: int, said: str) -> Iterator[Problem]:
        """Anchors are made for as many feature maps as there are.

        Args:
            said: what decides how many there are.
        """
        anchors = self.message.anchor_generator
        made = anchor_maps(anchors)
        if made not in (0, count):
            yield Problem(
                "error",
                f"{self.path}.anchor_generator.{anchors.WhichOneof('anchor_generator_oneof')}",
                f"the anchors are for {made} feature maps, and {said} makes {count}.",
                "Both must be the same number.",
                f"Change the anchors here or {said}.",
            )

    def _extractor(self) -> Iterator[Problem]:
        """Fields that the neck of this type of feature extractor does not take."""
        extractor, neck = self.message.feature_extractor, self._neck
        fixed = ("use_depthwise", "use_explicit_padding") if neck == "bifpn" else ()
        for name in (name for name in fixed if getattr(extractor, name)):
            yield Problem(
                "error",
                f"{self.path}.feature_extractor.{name}",
                "a BiFPN has separable convolutions and SAME padding in any case.",
                "Allowed: false.",
                "Remove the line.",
            )
        if neck and extractor.HasField("num_layers"):
            yield Problem(
                "error",
                f"{self.path}.feature_extractor.num_layers",
                f"{extractor.type} has a pyramid.",
                "Allowed: only where the type says neither fpn nor bifpn.",
                "Remove the line; min_level and max_level say how many levels there are.",
            )

    def _parts(self) -> Iterator[Problem]:
        """Each part can be built, and goes with the others."""
        message, path = self.message, self.path
        yield from resizer_conflicts(message.image_resizer, f"{path}.image_resizer")
        measuring = (
            (message.box_coder, "mean_stddev_box_coder"),
            (message.box_coder, "square_box_coder"),
            (message.similarity_calculator, "neg_sq_dist_similarity"),
        )
        yield from size_conflicts(message.image_resizer, measuring, path)
        predictors = ("convolutional_box_predictor", "weight_shared_convolutional_box_predictor")
        predictor = message.box_predictor
        yield from kind_conflicts(
            predictor, "box_predictor_oneof", predictors, f"{path}.box_predictor"
        )
        anchors = message.anchor_generator
        uneven = (
            anchors.HasField("ssd_anchor_generator")
            and anchors.ssd_anchor_generator.reduce_boxes_in_lowest_layer
        )
        if uneven and predictor.HasField("weight_shared_convolutional_box_predictor"):
            yield Problem(
                "error",
                f"{path}.anchor_generator.ssd_anchor_generator.reduce_boxes_in_lowest_layer",
                "it is true, and weight_shared_convolutional_box_predictor needs the same number "
                "of anchors on all feature maps.",
                "Convolutions that are shared need the same number everywhere.",
                "Write reduce_boxes_in_lowest_layer: false.",
            )

    def _code_size(self) -> Iterator[Problem]:
        """Three numbers are the code of a square."""
        predictor = self.message.box_predictor
        kind = predictor.WhichOneof("box_predictor_oneof")
        size = getattr(getattr(predictor, kind), "box_code_size", 4) if kind else 4
        if size == 3 and not self.message.box_coder.HasField("square_box_coder"):
            yield Problem(
                "error",
                f"{self.path}.box_predictor.{kind}.box_code_size",
                "3 does not fit the box coder.",
                "The box coder writes a box with 4 numbers.",
                "Write 4, or remove the line.",
            )

    def _losses(self) -> Iterator[Problem]:
        """What ranks or weighs single anchors needs a loss for each of them, and only one may."""
        loss = self.message.loss
        weighed = loss.expected_loss_weights != schema.Loss.NONE
        mined = loss.HasField("hard_example_miner")
        found = ""
        dice = loss.classification_loss.HasField("weighted_dice_classification_loss")
        if dice and (weighed or mined):
            found = (
                "weighted_dice_classification_loss gives one loss per class, not one per anchor."
            )
        elif weighed and mined:
            found = "both expected_loss_weights and hard_example_miner are set."
        if found:
            yield Problem(
                "error",
                f"{self.path}.loss",
                found,
                "Negatives are limited in one way: hard_example_miner or expected_loss_weights, "
                "with a classification loss per anchor.",
                "Remove one of them from loss { }.",
            )

    # --- values that are probably not meant -------------------------------------------------------

    def _fields_that_resnet_ignores(self) -> Iterator[Problem]:
        """Parity: ssd_resnet_v1_fpn_keras_feature_extractor.py drops these fields."""
        extractor = self.message.feature_extractor
        match = re.fullmatch(r"ssd_resnet\d+_v1_fpn(_keras)?", extractor.type)
        if not match:
            return
        switches = ("use_depthwise", "use_explicit_padding")
        ignored = [name for name in switches if getattr(extractor, name)]
        default = schema.FeaturePyramidNetworks().additional_layer_depth
        if match[1] and extractor.fpn.additional_layer_depth != default:
            ignored.append("fpn.additional_layer_depth")
        for name in ignored:
            yield Problem(
                "warning",
                f"{self.path}.feature_extractor.{name}",
                f"{extractor.type} takes no notice of it, here as in the original.",
                f"The pyramid has dense convolutions with {default} channels.",
                "Remove the line; checkpoints fit either way.",
            )

    def _sigmoid_in_the_predictor(self) -> Iterator[Problem]:
        """Parity: builders/box_predictor_builder.py, build_keras, does not read the field."""
        head = self.message.box_predictor.convolutional_box_predictor
        if head.apply_sigmoid_to_scores and not self.written_for_tf1:
            yield Problem(
                "warning",
                f"{self.path}.box_predictor.convolutional_box_predictor.apply_sigmoid_to_scores",
                f"{self.feature_extractor} takes no notice of it, here as in the original.",
                "Scores are made from logits in post_processing.",
                "Remove the line, and write score_converter: SIGMOID in post_processing.",
            )
