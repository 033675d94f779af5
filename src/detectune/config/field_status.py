"""What detectune does with every field of a pipeline.config: one table.

A field is *honoured* (it does what it says), *refused* (a config that uses it is an error, with the
next step) or *ignored* (accepted for the sake of old configs, without effect, with the reason).
Nothing is ignored silently: `config check` and `train` report every refused and ignored field that
a config sets to something else than its default. `docs/reference/config-fields.md` is made from
this table, and a test says when a field has no status or a row names no field.

A row is `Message.field` or `Message.*` for the fields of a message without a row of their own.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from detectune.config.descriptors import FieldDescriptor, field_name, message_name


class Status(NamedTuple):
    """What happens to a field."""

    kind: Literal["honoured", "refused", "ignored"]
    reason: str = ""
    next_step: str = ""


HONOURED = Status("honoured")


def field_status(field: FieldDescriptor) -> Status:
    """The status of `field`.

    Raises:
        KeyError: the table has no row for it.
    """
    name = field_name(field)
    status = STATUS.get(name) or STATUS.get(f"{message_name(field.containing_type)}.*")
    if status is None:
        raise KeyError(name)
    return status


# --- Honoured: `Message: fields`, `*` for all without another row -------------------------------

_HONOURED = {
    "TrainEvalPipelineConfig": "model train_config train_input_reader eval_config "
    "eval_input_reader",
    "DetectionModel": "ssd",
    "Ssd": "num_classes image_resizer feature_extractor box_coder matcher similarity_calculator "
    "encode_background_as_zeros negative_class_weight box_predictor anchor_generator "
    "post_processing normalize_loss_by_num_matches normalize_loc_loss_by_codesize loss "
    "freeze_batchnorm add_background_class",
    "SsdFeatureExtractor": "type depth_multiplier min_depth conv_hyperparams "
    "override_base_feature_extractor_hyperparams pad_to_multiple use_explicit_padding "
    "use_depthwise fpn num_layers",
    "FeaturePyramidNetworks": "*",
    "AnchorGenerator": "ssd_anchor_generator multiscale_anchor_generator",
    "SsdAnchorGenerator": "*",
    "MultiscaleAnchorGenerator": "*",
    "Matcher": "argmax_matcher",
    "ArgMaxMatcher": "*",
    "RegionSimilarityCalculator": "iou_similarity",
    "BoxCoder": "faster_rcnn_box_coder",
    "FasterRcnnBoxCoder": "*",
    "BoxPredictor": "convolutional_box_predictor weight_shared_convolutional_box_predictor",
    "ConvolutionalBoxPredictor": "*",
    "ConvolutionalBoxPredictor.BoxEncodingsClipRange": "*",
    "WeightSharedConvolutionalBoxPredictor": "*",
    "WeightSharedConvolutionalBoxPredictor.BoxEncodingsClipRange": "*",
    "ImageResizer": "*",
    "KeepAspectRatioResizer": "*",
    "FixedShapeResizer": "*",
    "ConditionalShapeResizer": "*",
    "PadToMultipleResizer": "*",
    "Hyperparams": "*",
    "Regularizer": "*",
    "L1Regularizer": "*",
    "L2Regularizer": "*",
    "Initializer": "*",
    "TruncatedNormalInitializer": "*",
    "VarianceScalingInitializer": "*",
    "RandomNormalInitializer": "*",
    "BatchNorm": "*",
    "Loss": "localization_loss classification_loss hard_example_miner classification_weight "
    "localization_weight",
    "LocalizationLoss": "weighted_l2 weighted_smooth_l1",
    "WeightedSmoothL1LocalizationLoss": "delta",
    "ClassificationLoss": "weighted_sigmoid weighted_softmax weighted_sigmoid_focal",
    "SigmoidFocalClassificationLoss": "gamma alpha",
    "WeightedSoftmaxClassificationLoss": "logit_scale",
    "HardExampleMiner": "*",
    "PostProcessing": "batch_non_max_suppression score_converter logit_scale",
    "BatchNonMaxSuppression": "score_threshold iou_threshold max_detections_per_class "
    "max_total_detections use_class_agnostic_nms",
    "TrainConfig": "batch_size data_augmentation_options optimizer gradient_clipping_by_norm "
    "fine_tune_checkpoint fine_tune_checkpoint_type from_detection_checkpoint num_steps "
    "update_trainable_variables freeze_variables max_number_of_boxes add_regularization_loss "
    "early_stopping_evaluations evaluate_every_steps seed checkpoint_every_steps",
    "Optimizer": "*",
    "RMSPropOptimizer": "*",
    "MomentumOptimizer": "*",
    "AdamOptimizer": "*",
    "LearningRate": "*",
    "ConstantLearningRate": "*",
    "ExponentialDecayLearningRate": "*",
    "ManualStepLearningRate": "*",
    "ManualStepLearningRate.LearningRateSchedule": "*",
    "CosineDecayLearningRate": "*",
    "PreprocessingStep": "random_horizontal_flip ssd_random_crop random_crop_image "
    "random_adjust_brightness random_adjust_contrast random_adjust_hue random_adjust_saturation "
    "random_pad_image random_absolute_pad_image random_scale_crop_and_pad_to_square "
    "random_square_crop_by_scale random_vertical_flip random_rotation90 random_jitter_boxes "
    "random_distort_color random_pixel_value_scale random_jpeg_quality adjust_gamma "
    "random_rgb_to_gray rgb_to_gray random_black_patches random_image_scale "
    "random_crop_to_aspect_ratio",
    "RandomHorizontalFlip": "probability",
    "RandomVerticalFlip": "probability",
    "RandomRotation90": "probability",
    "RandomJitterBoxes": "*",
    "RandomDistortColor": "*",
    "RandomPixelValueScale": "*",
    "RandomJpegQuality": "*",
    "AdjustGamma": "*",
    "RandomRGBtoGray": "*",
    "RandomBlackPatches": "*",
    "RandomImageScale": "*",
    "RandomCropToAspectRatio": "*",
    "SSDRandomCrop": "*",
    "SSDRandomCropOperation": "*",
    "RandomCropImage": "*",
    "RandomAdjustBrightness": "*",
    "RandomAdjustContrast": "*",
    "RandomAdjustHue": "*",
    "RandomAdjustSaturation": "*",
    "RandomPadImage": "*",
    "RandomAbsolutePadImage": "*",
    "RandomScaleCropAndPadToSquare": "*",
    "RandomSquareCropByScale": "*",
    "InputReader": "label_map_path shuffle sample_1_of_n_examples max_number_of_boxes "
    "tf_record_input_reader source",
    "TFRecordInputReader": "*",
    "EvalConfig": "batch_size include_metrics_per_category metrics_set "
    "batch_norm_recalibration recalibration_batches",
    "StringIntLabelMap": "*",
    "StringIntLabelMapItem": "*",
    "StringIntLabelMapItem.KeypointMap": "*",
}

# --- Ignored: reason -----------------------------------------------------------------------------

_ONE_MACHINE = "Training runs in one process, so there is nothing to synchronise."
_TF_DATA = "The input pipeline sizes its threads and queues by the processor cores."
_FAST_PATH = "It chose between implementations of the same computation; the numbers are the same."
_SHAPES = "Shapes are always static here."
_ANCHORWISE = "The loss is always kept per anchor until it is summed."
_OTHER_PROCESS = (
    "Evaluation runs inside training, not in a process that waits for checkpoints; "
    "train_config.evaluate_every_steps says how often."
)
_DRAWING = "Pictures are drawn by `detectune predict` and in the run's report, which choose this."
_NOT_IN_CONFIG = "This message stands in no pipeline.config."

_IGNORED = {
    "TrainEvalPipelineConfig.graph_rewriter": "There is no quantisation-aware training. (The "
    "original ignored this under TensorFlow 2 as well.) `detectune export --precision int8` "
    "quantises after training.",
    "GraphRewriter.*": "There is no quantisation-aware training.",
    "Quantization.*": "There is no quantisation-aware training.",
    "MultiscaleAnchorGenerator.normalize_coordinates": "Anchors are in pixels of the model's input "
    "throughout; boxes come out the same.",
    "Ssd.inplace_batchnorm_update": "Batch-norm statistics are always updated within the step.",
    "Ssd.return_raw_detections_during_predict": "Exports always contain the raw boxes and scores.",
    "Ssd.implicit_example_weight": "It only counts with use_confidences_as_targets.",
    "ArgMaxMatcher.use_matmul_gather": _FAST_PATH,
    "Hyperparams.regularize_depthwise": "The original did not read it under TensorFlow 2 either; "
    "depthwise kernels are regularised where its layers did so.",
    "WeightedL2LocalizationLoss.anchorwise_output": _ANCHORWISE,
    "WeightedSmoothL1LocalizationLoss.anchorwise_output": _ANCHORWISE,
    "WeightedSigmoidClassificationLoss.anchorwise_output": _ANCHORWISE,
    "SigmoidFocalClassificationLoss.anchorwise_output": _ANCHORWISE,
    "WeightedSoftmaxClassificationLoss.anchorwise_output": _ANCHORWISE,
    "BatchNonMaxSuppression.use_static_shapes": _SHAPES,
    "BatchNonMaxSuppression.use_partitioned_nms": _FAST_PATH,
    "BatchNonMaxSuppression.use_combined_nms": "Boxes are suppressed class by class, which gives "
    "the same boxes up to ties.",
    "BatchNonMaxSuppression.use_hard_nms": "Suppression is always hard.",
    "BatchNonMaxSuppression.use_cpu_nms": "The device is chosen by the backend.",
    "TrainConfig.sync_replicas": _ONE_MACHINE,
    "TrainConfig.replicas_to_aggregate": _ONE_MACHINE,
    "TrainConfig.startup_delay_steps": _ONE_MACHINE,
    "TrainConfig.keep_checkpoint_every_n_hours": "A run keeps its last and its best checkpoint.",
    "TrainConfig.fine_tune_checkpoint_version": "The kind of checkpoint is seen from its files.",
    "TrainConfig.load_all_detection_checkpoint_vars": "fine_tune_checkpoint_type says what is "
    "restored, and the restore report lists every variable.",
    "TrainConfig.run_fine_tune_checkpoint_dummy_computation": "Layers are built from their shapes "
    "before a checkpoint is restored.",
    "TrainConfig.batch_queue_capacity": _TF_DATA,
    "TrainConfig.num_batch_queue_threads": _TF_DATA,
    "TrainConfig.prefetch_queue_capacity": _TF_DATA,
    "TrainConfig.unpad_groundtruth_tensors": "Ground truth stays padded, and padding never counts.",
    "TrainConfig.retain_original_images": "Pictures for people are read again from the data set.",
    "TrainConfig.use_bfloat16": "Training runs in float32; the original used bfloat16 on TPUs "
    "only.",
    "TrainConfig.summarize_gradients": "Gradients are not logged.",
    "InputReader.name": "It only served as a label in logs.",
    "InputReader.shuffle_buffer_size": "Training examples are shuffled over the whole data set.",
    "InputReader.filenames_shuffle_buffer_size": "Examples are shuffled over the whole data set.",
    "InputReader.num_epochs": "Training repeats the data until num_steps, and an evaluation reads "
    "it once.",
    "InputReader.num_readers": _TF_DATA,
    "InputReader.num_parallel_batches": _TF_DATA,
    "InputReader.num_prefetch_batches": _TF_DATA,
    "InputReader.queue_capacity": _TF_DATA,
    "InputReader.min_after_dequeue": _TF_DATA,
    "InputReader.read_block_length": _TF_DATA,
    "InputReader.prefetch_size": _TF_DATA,
    "InputReader.num_parallel_map_calls": _TF_DATA,
    "InputReader.drop_remainder": "Training drops an incomplete batch, and evaluation never does.",
    "InputReader.use_display_name": "Classes are recognised by their names and by their "
    "display names.",
    "InputReader.include_source_id": "The source id is always read where there is one.",
    "InputReader.mask_type": "It only counts with load_instance_masks.",
    "EvalConfig.num_examples": "An evaluation reads the whole data set; "
    "eval_input_reader.sample_1_of_n_examples reads a part.",
    "EvalConfig.eval_interval_secs": _OTHER_PROCESS,
    "EvalConfig.max_evals": _OTHER_PROCESS,
    "EvalConfig.eval_master": _OTHER_PROCESS,
    "EvalConfig.save_graph": "There is no graph file; `detectune export` writes a model.",
    "EvalConfig.visualization_export_dir": _DRAWING,
    "EvalConfig.export_path": "`detectune evaluate --json FILE` writes the metrics.",
    "EvalConfig.num_visualizations": _DRAWING,
    "EvalConfig.min_score_threshold": _DRAWING,
    "EvalConfig.max_num_boxes_to_visualize": _DRAWING,
    "EvalConfig.use_moving_averages": "optimizer.use_moving_average decides: where averages "
    "are kept, they are evaluated.",
    "EvalConfig.skip_scores": _DRAWING,
    "EvalConfig.skip_labels": _DRAWING,
    "EvalConfig.visualize_groundtruth_boxes": _DRAWING,
    "EvalConfig.groundtruth_box_visualization_color": _DRAWING,
    "EvalConfig.keep_image_id_for_visualization_export": _DRAWING,
    "EvalConfig.retain_original_images": "Pictures for people are read again from the data set.",
    "EvalConfig.retain_original_image_additional_channels": "Additional channels are not read.",
    "EvalConfig.use_dummy_loss_in_eval": "The evaluation does not compute a loss.",
    "EvalConfig.recall_lower_bound": "It only counts for the metric precision_at_recall.",
    "EvalConfig.recall_upper_bound": "It only counts for the metric precision_at_recall.",
    "EvalConfig.all_metrics_per_category": "`detectune evaluate` gives AP and recall per category.",
    "TargetAssigner.*": _NOT_IN_CONFIG,
}

# --- Refused: reason, next step -------------------------------------------------------------------

_SUPPORTED = "Choose an SSD with MobileNet V2; `detectune config new` writes such a config."
_REMOVE = "Remove the line."
_NO_MASKS = ("Masks are not supported yet.", "Remove the line to train boxes only.")
_NO_KEYPOINTS = ("Keypoints are not supported yet.", "Remove the line to train boxes only.")
_NO_CONTEXT = ("Context features are not supported yet.", _REMOVE)
_NO_VIDEO = ("Sequences of frames are not supported.", _REMOVE)
_NO_FASTER_RCNN = ("Faster R-CNN and Mask R-CNN are not supported yet.", _SUPPORTED)
_NO_CENTER_NET = ("CenterNet is not supported yet.", _SUPPORTED)
_NO_BIFPN = ("EfficientDet's BiFPN is not supported yet.", _SUPPORTED)
_NO_ANCHORS = (
    "This anchor generator is not supported for SSD.",
    "Choose ssd_anchor_generator or multiscale_anchor_generator.",
)
_NO_CODER = ("This box coder is not supported yet.", "Choose faster_rcnn_box_coder.")
_NO_SIMILARITY = ("This similarity is not supported yet.", "Choose iou_similarity.")
_NO_MATCHER = (
    "The bipartite matcher is not supported; the original refused it under TensorFlow 2 too.",
    "Choose argmax_matcher.",
)
_NO_PREDICTOR = (
    "This box predictor belongs to Faster R-CNN.",
    "Choose convolutional_box_predictor or weight_shared_convolutional_box_predictor.",
)
_NO_BOX_LOSS = (
    "This localization loss is not supported yet.",
    "Choose weighted_smooth_l1 or weighted_l2.",
)
_NO_CLASS_LOSS = (
    "This classification loss is not supported yet.",
    "Choose weighted_sigmoid_focal, weighted_sigmoid or weighted_softmax.",
)
_NO_SAMPLING = ("This sampling of anchors is not supported yet.", _REMOVE)
_NO_CALIBRATION = ("Calibrated scores are not supported yet.", "Remove calibration_config.")
_NO_AUGMENTATION = (
    "This augmentation is not supported yet.",
    "Remove this data_augmentation_options block, or choose one of "
    f"{', '.join(_HONOURED['PreprocessingStep'].split())}.",
)
_NO_NORM = ("This normalisation is not supported yet.", "Choose batch_norm.")
_NO_BACKGROUND = ("This treatment of the background is not supported yet.", _REMOVE)
_NO_EXPERIMENT = (
    "experimental_model named code of the original.",
    "Register a detector of your own in the entry-point group detectune.detectors.",
)
_NO_EVAL = ("This kind of evaluation is not supported yet.", _REMOVE)

_REFUSED = {
    "DetectionModel.faster_rcnn": _NO_FASTER_RCNN,
    "DetectionModel.center_net": _NO_CENTER_NET,
    "DetectionModel.experimental_model": _NO_EXPERIMENT,
    "ExperimentalModel.*": _NO_EXPERIMENT,
    "FasterRcnn.*": _NO_FASTER_RCNN,
    "FasterRcnnFeatureExtractor.*": _NO_FASTER_RCNN,
    "Context.*": _NO_FASTER_RCNN,
    "MaskRCNNBoxPredictor.*": _NO_FASTER_RCNN,
    "RfcnBoxPredictor.*": _NO_FASTER_RCNN,
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
    "Ssd.explicit_background_class": _NO_BACKGROUND,
    "Ssd.use_confidences_as_targets": _NO_BACKGROUND,
    "Ssd.mask_head_config": _NO_MASKS,
    "Ssd.MaskHead.*": _NO_MASKS,
    "SsdFeatureExtractor.bifpn": _NO_BIFPN,
    "SsdFeatureExtractor.replace_preprocessor_with_placeholder": (
        "Images are always pre-processed as the feature extractor needs them.",
        _REMOVE,
    ),
    "BidirectionalFeaturePyramidNetworks.*": _NO_BIFPN,
    "AnchorGenerator.grid_anchor_generator": _NO_ANCHORS,
    "AnchorGenerator.flexible_grid_anchor_generator": _NO_ANCHORS,
    "GridAnchorGenerator.*": _NO_ANCHORS,
    "FlexibleGridAnchorGenerator.*": _NO_ANCHORS,
    "AnchorGrid.*": _NO_ANCHORS,
    "Matcher.bipartite_matcher": _NO_MATCHER,
    "BipartiteMatcher.*": _NO_MATCHER,
    "RegionSimilarityCalculator.*": _NO_SIMILARITY,
    "ThresholdedIouSimilarity.*": _NO_SIMILARITY,
    "BoxCoder.*": _NO_CODER,
    "MeanStddevBoxCoder.*": _NO_CODER,
    "SquareBoxCoder.*": _NO_CODER,
    "KeypointBoxCoder.*": _NO_CODER,
    "BoxPredictor.mask_rcnn_box_predictor": _NO_PREDICTOR,
    "BoxPredictor.rfcn_box_predictor": _NO_PREDICTOR,
    "Hyperparams.sync_batch_norm": _NO_NORM,
    "Hyperparams.group_norm": _NO_NORM,
    "Loss.random_example_sampler": _NO_SAMPLING,
    "RandomExampleSampler.*": _NO_SAMPLING,
    "Loss.equalization_loss": _NO_SAMPLING,
    "Loss.EqualizationLoss.*": _NO_SAMPLING,
    "Loss.expected_loss_weights": _NO_SAMPLING,
    "Loss.min_num_negative_samples": _NO_SAMPLING,
    "Loss.desired_negative_sampling_ratio": _NO_SAMPLING,
    "LocalizationLoss.*": _NO_BOX_LOSS,
    "ClassificationLoss.*": _NO_CLASS_LOSS,
    "WeightedSoftmaxClassificationAgainstLogitsLoss.*": _NO_CLASS_LOSS,
    "BootstrappedSigmoidClassificationLoss.*": _NO_CLASS_LOSS,
    "PenaltyReducedLogisticFocalLoss.*": _NO_CLASS_LOSS,
    "WeightedDiceClassificationLoss.*": _NO_CLASS_LOSS,
    "PostProcessing.calibration_config": _NO_CALIBRATION,
    "CalibrationConfig.*": _NO_CALIBRATION,
    "FunctionApproximation.*": _NO_CALIBRATION,
    "ClassIdFunctionApproximations.*": _NO_CALIBRATION,
    "SigmoidCalibration.*": _NO_CALIBRATION,
    "ClassIdSigmoidCalibrations.*": _NO_CALIBRATION,
    "TemperatureScalingCalibration.*": _NO_CALIBRATION,
    "XYPairs.*": _NO_CALIBRATION,
    "XYPairs.XYPair.*": _NO_CALIBRATION,
    "SigmoidParameters.*": _NO_CALIBRATION,
    "BatchNonMaxSuppression.max_classes_per_detection": (
        "A detection has one class; more did not work in the original either.",
        _REMOVE,
    ),
    "BatchNonMaxSuppression.soft_nms_sigma": ("Soft suppression is not supported yet.", _REMOVE),
    "BatchNonMaxSuppression.change_coordinate_frame": (
        "Boxes are always given relative to the image.",
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
    "InputReader.load_instance_masks": _NO_MASKS,
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
        "For pictures only, use `detectune predict`.",
    ),
    "EvalConfig.eval_instance_masks": _NO_MASKS,
    "EvalConfig.super_categories": _NO_EVAL,
    "EvalConfig.force_no_resize": _NO_EVAL,
    "EvalConfig.skip_predictions_for_unlabeled_class": _NO_EVAL,
}


def _rows() -> dict[str, Status]:
    rows = {row: Status("ignored", reason) for row, reason in _IGNORED.items()}
    rows |= {row: Status("refused", *texts) for row, texts in _REFUSED.items()}
    for message, fields in _HONOURED.items():
        for field in fields.split():
            if rows.setdefault(f"{message}.{field}", HONOURED) != HONOURED:
                raise ValueError(f"{message}.{field} stands twice in the table")
    return rows


STATUS = _rows()
