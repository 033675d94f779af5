"""Fields that are an error where a config uses them: the reason and the next step of each."""

from detectune.config.field_status.honoured import HONOURED_FIELDS

_SUPPORTED = (
    "Choose ssd or faster_rcnn; `detectune config new --help` says how a config is written of any "
    "model that `detectune zoo list` marks with *."
)
_REMOVE = "Remove the line."
_NO_MASKS = (
    "An SSD finds boxes only here.",
    "Remove the line, or choose a Mask R-CNN: faster_rcnn with number_of_stages: 3.",
)
_NO_KEYPOINTS = ("Keypoints are not supported yet.", "Remove the line to train boxes only.")
_NO_CONTEXT = ("Context features are not supported yet.", _REMOVE)
_NO_VIDEO = ("Sequences of frames are not supported.", _REMOVE)
_NO_CONTEXT_RCNN = (
    "Context R-CNN is not supported yet.",
    "Remove the line; the rest of the config describes a Faster R-CNN.",
)
_NO_GREY = (
    "Networks here have three input channels, as the zoo's checkpoints need them.",
    "Remove the line: grey pictures are read as three equal channels. To learn from coloured "
    "pictures without their colours, add data_augmentation_options { rgb_to_gray { } }, and give "
    "the evaluation pictures without colours.",
)
_NO_CENTER_NET = ("CenterNet is not supported yet.", _SUPPORTED)
_NO_CODER = (
    "Keypoints are not read from the data yet, so there are none to code.",
    "Choose faster_rcnn_box_coder, which codes the box alike.",
)
_NO_AUGMENTATION = (
    "This augmentation is not supported yet.",
    "Remove this data_augmentation_options block, or choose one of "
    f"{', '.join(HONOURED_FIELDS['PreprocessingStep'].split())}.",
)
_NO_NORM = ("This normalisation is not supported yet.", "Choose batch_norm.")
_NO_BACKGROUND = ("This treatment of the background is not supported yet.", _REMOVE)
_NO_EXPERIMENT = (
    "experimental_model named code of the original.",
    "Bring a detector of your own with a block of its own: docs/guides/extending.md.",
)
_NO_EVAL = ("This kind of evaluation is not supported yet.", _REMOVE)

REFUSED_FIELDS = {
    "DetectionModel.center_net": _NO_CENTER_NET,
    "DetectionModel.experimental_model": _NO_EXPERIMENT,
    "ExperimentalModel.*": _NO_EXPERIMENT,
    "FasterRcnn.context_config": _NO_CONTEXT_RCNN,
    "FasterRcnn.output_final_box_rpn_features": _NO_CONTEXT_RCNN,
    "Context.*": _NO_CONTEXT_RCNN,
    "MaskRCNNBoxPredictor.predict_keypoints": _NO_KEYPOINTS,
    "CenterNet.*": _NO_CENTER_NET,
    "CenterNet.PredictionHeadParams.*": _NO_CENTER_NET,
    "CenterNet.ObjectDetection.*": _NO_CENTER_NET,
    "CenterNet.ObjectCenterParams.*": _NO_CENTER_NET,
    "CenterNet.KeypointEstimation.*": _NO_CENTER_NET,
    "CenterNet.MaskEstimation.*": _NO_CENTER_NET,
    "CenterNet.DensePoseEstimation.*": _NO_CENTER_NET,
    "CenterNet.TrackEstimation.*": _NO_CENTER_NET,
    "CenterNet.TemporalOffsetEstimation.*": _NO_CENTER_NET,
    "CenterNet.DeepMACMaskEstimation.*": _NO_CENTER_NET,
    "CenterNetFeatureExtractor.*": _NO_CENTER_NET,
    "Ssd.use_confidences_as_targets": _NO_BACKGROUND,
    "Ssd.mask_head_config": _NO_MASKS,
    "Ssd.MaskHead.*": _NO_MASKS,
    "BoxCoder.keypoint_box_coder": _NO_CODER,
    "KeypointBoxCoder.*": _NO_CODER,
    "KeepAspectRatioResizer.convert_to_grayscale": _NO_GREY,
    "FixedShapeResizer.convert_to_grayscale": _NO_GREY,
    "ConditionalShapeResizer.convert_to_grayscale": _NO_GREY,
    "PadToMultipleResizer.convert_to_grayscale": _NO_GREY,
    "Hyperparams.sync_batch_norm": _NO_NORM,
    "Hyperparams.group_norm": _NO_NORM,
    "BatchNonMaxSuppression.max_classes_per_detection": (
        "A detection has one class; more did not work in the original either.",
        _REMOVE,
    ),
    "TrainConfig.bias_grad_multiplier": (
        "Scaled gradients of biases are not supported; the original ignored this under "
        "TensorFlow 2.",
        _REMOVE,
    ),
    "TrainConfig.merge_multiple_label_boxes": (
        "Boxes with several classes are not supported yet.",
        _REMOVE,
    ),
    "TrainConfig.use_multiclass_scores": ("Soft labels are not supported yet.", _REMOVE),
    "PreprocessingStep.*": _NO_AUGMENTATION,
    "RandomHorizontalFlip.keypoint_flip_permutation": _NO_KEYPOINTS,
    "RandomVerticalFlip.keypoint_flip_permutation": _NO_KEYPOINTS,
    "RandomRotation90.keypoint_rot_permutation": _NO_KEYPOINTS,
    "NormalizeImage.*": _NO_AUGMENTATION,
    "RandomCropPadImage.*": _NO_AUGMENTATION,
    "RandomResizeMethod.*": _NO_AUGMENTATION,
    "ResizeImage.*": _NO_AUGMENTATION,
    "SubtractChannelMean.*": _NO_AUGMENTATION,
    "SSDRandomCropPad.*": _NO_AUGMENTATION,
    "SSDRandomCropPadOperation.*": _NO_AUGMENTATION,
    "SSDRandomCropFixedAspectRatio.*": _NO_AUGMENTATION,
    "SSDRandomCropFixedAspectRatioOperation.*": _NO_AUGMENTATION,
    "SSDRandomCropPadFixedAspectRatio.*": _NO_AUGMENTATION,
    "SSDRandomCropPadFixedAspectRatioOperation.*": _NO_AUGMENTATION,
    "ConvertClassLogitsToSoftmax.*": _NO_AUGMENTATION,
    "RandomSelfConcatImage.*": _NO_AUGMENTATION,
    "AutoAugmentImage.*": _NO_AUGMENTATION,
    "DropLabelProbabilistically.*": _NO_AUGMENTATION,
    "RemapLabels.*": _NO_AUGMENTATION,
    "RandomDownscaleToTargetPixels.*": _NO_AUGMENTATION,
    "RandomPatchGaussian.*": _NO_AUGMENTATION,
    "InputReader.num_additional_channels": ("Images have three channels here.", _REMOVE),
    "InputReader.num_keypoints": _NO_KEYPOINTS,
    "InputReader.keypoint_type_weight": _NO_KEYPOINTS,
    "InputReader.load_multiclass_scores": ("Soft labels are not supported yet.", _REMOVE),
    "InputReader.load_context_features": _NO_CONTEXT,
    "InputReader.load_context_image_ids": _NO_CONTEXT,
    "InputReader.load_dense_pose": _NO_KEYPOINTS,
    "InputReader.load_track_id": ("Tracks are not supported yet.", _REMOVE),
    "InputReader.load_keypoint_depth_features": _NO_KEYPOINTS,
    "InputReader.input_type": _NO_VIDEO,
    "InputReader.frame_index": _NO_VIDEO,
    "InputReader.external_input_reader": (
        "It named code of the original.",
        "Give the data as tf_record_input_reader, or as source.",
    ),
    "InputReader.sample_from_datasets_weights": (
        "Weighting several data sets is not supported yet.",
        _REMOVE,
    ),
    "InputReader.expand_labels_hierarchy": ("Class hierarchies are not supported yet.", _REMOVE),
    "EvalConfig.parameterized_metric": _NO_KEYPOINTS,
    "ParameterizedMetric.*": _NO_KEYPOINTS,
    "CocoKeypointMetrics.*": _NO_KEYPOINTS,
    "EvalConfig.keypoint_edge": _NO_KEYPOINTS,
    "KeypointEdge.*": _NO_KEYPOINTS,
    "EvalConfig.ignore_groundtruth": (
        "An evaluation compares with ground truth.",
        "For pictures only, use `detectune predict RUN IMAGES`.",
    ),
    "EvalConfig.super_categories": _NO_EVAL,
    "EvalConfig.force_no_resize": _NO_EVAL,
    "EvalConfig.skip_predictions_for_unlabeled_class": _NO_EVAL,
}
