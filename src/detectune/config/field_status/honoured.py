"""Fields that do what they say. `Message: fields`, `*` for all without another row."""

HONOURED_FIELDS = {
    "TrainEvalPipelineConfig": "model train_config train_input_reader eval_config "
    "eval_input_reader",
    "DetectionModel": "*",
    "Ssd": "num_classes image_resizer feature_extractor box_coder matcher similarity_calculator "
    "encode_background_as_zeros negative_class_weight box_predictor anchor_generator "
    "post_processing normalize_loss_by_num_matches normalize_loc_loss_by_codesize loss "
    "freeze_batchnorm add_background_class explicit_background_class",
    "SsdFeatureExtractor": "type depth_multiplier min_depth conv_hyperparams "
    "override_base_feature_extractor_hyperparams pad_to_multiple use_explicit_padding "
    "use_depthwise replace_preprocessor_with_placeholder fpn bifpn num_layers "
    "batch_norm_trainable backbone",
    "BackboneNetwork": "*",
    "FeaturePyramidNetworks": "*",
    "BidirectionalFeaturePyramidNetworks": "*",
    "AnchorGenerator": "*",
    "SsdAnchorGenerator": "*",
    "MultiscaleAnchorGenerator": "*",
    "GridAnchorGenerator": "*",
    "FlexibleGridAnchorGenerator": "*",
    "AnchorGrid": "*",
    "Matcher": "*",
    "FreeAnchorMatcher": "*",
    "ArgMaxMatcher": "*",
    "RegionSimilarityCalculator": "*",
    "ThresholdedIouSimilarity": "*",
    "BoxCoder": "faster_rcnn_box_coder mean_stddev_box_coder square_box_coder",
    "FasterRcnnBoxCoder": "*",
    "FasterRcnn": "number_of_stages num_classes image_resizer feature_extractor "
    "first_stage_anchor_generator first_stage_atrous_rate "
    "first_stage_box_predictor_conv_hyperparams first_stage_box_predictor_kernel_size "
    "first_stage_box_predictor_depth first_stage_minibatch_size "
    "first_stage_positive_balance_fraction first_stage_nms_score_threshold "
    "first_stage_nms_iou_threshold first_stage_max_proposals "
    "first_stage_localization_loss_weight first_stage_objectness_loss_weight initial_crop_size "
    "maxpool_kernel_size maxpool_stride second_stage_box_predictor second_stage_batch_size "
    "second_stage_balance_fraction second_stage_post_processing "
    "second_stage_localization_loss_weight second_stage_classification_loss_weight "
    "second_stage_mask_prediction_loss_weight hard_example_miner "
    "second_stage_classification_loss use_matmul_crop_and_resize clip_anchors_to_image "
    "use_combined_nms_in_first_stage output_final_box_features crop_relative_to_input",
    "FastRcnn": "*",
    "Rcnn": "*",
    "RcnnFeatureExtractor": "*",
    "SupportVectorMachine": "*",
    "BoxRidge": "*",
    "CropFineTuning": "*",
    "MaskRCNNBoxPredictor": "fc_hyperparams use_dropout dropout_keep_probability box_code_size "
    "conv_hyperparams predict_instance_masks mask_prediction_conv_depth mask_height mask_width "
    "mask_prediction_num_conv_layers masks_are_class_agnostic share_box_across_classes "
    "convolve_then_upsample_masks",
    "RfcnBoxPredictor": "*",
    "FasterRcnnFeatureExtractor": "type first_stage_features_stride batch_norm_trainable "
    "conv_hyperparams override_base_feature_extractor_hyperparams fpn backbone",
    "MeanStddevBoxCoder": "*",
    "SquareBoxCoder": "*",
    "BoxPredictor": "*",
    "ConvolutionalBoxPredictor": "*",
    "ConvolutionalBoxPredictor.BoxEncodingsClipRange": "*",
    "WeightSharedConvolutionalBoxPredictor": "*",
    "WeightSharedConvolutionalBoxPredictor.BoxEncodingsClipRange": "*",
    "ImageResizer": "*",
    "KeepAspectRatioResizer": "min_dimension max_dimension pad_to_max_dimension "
    "resize_method per_channel_pad_value",
    "FixedShapeResizer": "height width resize_method",
    "ConditionalShapeResizer": "condition size_threshold resize_method",
    "PadToMultipleResizer": "multiple",
    "Hyperparams": "*",
    "Regularizer": "*",
    "L1Regularizer": "*",
    "L2Regularizer": "*",
    "Initializer": "*",
    "TruncatedNormalInitializer": "*",
    "VarianceScalingInitializer": "*",
    "RandomNormalInitializer": "*",
    "BatchNorm": "*",
    "Loss": "localization_loss classification_loss hard_example_miner random_example_sampler "
    "classification_weight localization_weight expected_loss_weights min_num_negative_samples "
    "desired_negative_sampling_ratio",
    "RandomExampleSampler": "*",
    "LocalizationLoss": "*",
    "WeightedSmoothL1LocalizationLoss": "delta",
    "ClassificationLoss": "*",
    "SigmoidFocalClassificationLoss": "gamma alpha",
    "WeightedSoftmaxClassificationLoss": "logit_scale",
    "WeightedSoftmaxClassificationAgainstLogitsLoss": "logit_scale",
    "BootstrappedSigmoidClassificationLoss": "alpha hard_bootstrap",
    "PenaltyReducedLogisticFocalLoss": "*",
    "WeightedDiceClassificationLoss": "*",
    "HardExampleMiner": "*",
    "PostProcessing": "*",
    "CalibrationConfig": "*",
    "FunctionApproximation": "*",
    "ClassIdFunctionApproximations": "*",
    "SigmoidCalibration": "*",
    "ClassIdSigmoidCalibrations": "*",
    "TemperatureScalingCalibration": "*",
    "XYPairs": "x_y_pair",
    "XYPairs.XYPair": "*",
    "SigmoidParameters": "*",
    "BatchNonMaxSuppression": "score_threshold iou_threshold max_detections_per_class "
    "max_total_detections use_class_agnostic_nms soft_nms_sigma use_combined_nms use_hard_nms",
    "TrainConfig": "batch_size data_augmentation_options optimizer gradient_clipping_by_norm "
    "fine_tune_checkpoint fine_tune_checkpoint_type from_detection_checkpoint num_steps "
    "update_trainable_variables freeze_variables max_number_of_boxes add_regularization_loss "
    "early_stopping_evaluations evaluate_every_steps seed checkpoint_every_steps "
    "gradient_accumulation_steps stage freeze unfreeze_at_step learning_rate_factors "
    "feature_cache domain_adaptation",
    "DomainAdaptation": "*",
    "ImageLevelDiscriminator": "*",
    "InstanceLevelDiscriminator": "*",
    "Unfreezing": "*",
    "LearningRateFactors": "*",
    "FeatureCache": "*",
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
    "tf_record_input_reader source image_list_path load_instance_masks",
    "TFRecordInputReader": "*",
    "EvalConfig": "batch_size include_metrics_per_category metrics_set "
    "batch_norm_recalibration recalibration_batches",
    "StringIntLabelMap": "*",
    "StringIntLabelMapItem": "*",
    "StringIntLabelMapItem.KeypointMap": "*",
}
