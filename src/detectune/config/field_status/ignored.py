"""Fields that are accepted for the sake of old configs, without effect: the reason of each."""

_ONE_MACHINE = "Training runs in one process, so there is nothing to synchronise."
_TF_DATA = "The input pipeline sizes its threads and queues by the processor cores."
_FAST_PATH = "It chose between implementations of the same computation; the numbers are the same."
_SHAPES = "Shapes are always static here."
_ANCHORWISE = "The loss is always kept per anchor until it is summed."
_OTHER_PROCESS = (
    "Evaluation runs inside training, not in a process that waits for checkpoints; "
    "train_config.evaluate_every_steps says how often."
)
_DRAWING = (
    "Pictures are drawn by `detectune predict RUN IMAGES` and in the run's report, which choose "
    "this."
)
_NO_EQUALIZATION = "No release of the original computed this loss; it only read the message."
_NOT_IN_CONFIG = "This message stands in no pipeline.config."

IGNORED_FIELDS = {
    "TrainEvalPipelineConfig.graph_rewriter": "There is no quantisation-aware training. (The "
    "original ignored this under TensorFlow 2 as well.)",
    "GraphRewriter.*": "There is no quantisation-aware training.",
    "Quantization.*": "There is no quantisation-aware training.",
    "MultiscaleAnchorGenerator.normalize_coordinates": "Anchors are in pixels of the model's input "
    "throughout; boxes come out the same.",
    "FasterRcnnFeatureExtractor.pad_to_multiple": "The original never read it. Write "
    "image_resizer { keep_aspect_ratio_resizer { pad_to_max_dimension: true } } for one size of "
    "all images.",
    "Ssd.inplace_batchnorm_update": "Batch-norm statistics are always updated within the step.",
    "Ssd.return_raw_detections_during_predict": "Exports always contain the raw boxes and scores.",
    "FasterRcnn.inplace_batchnorm_update": "Batch-norm statistics are always updated within the "
    "step.",
    "FasterRcnn.use_matmul_gather_in_matcher": _FAST_PATH,
    "FasterRcnn.use_static_balanced_label_sampler": "The sampler's shapes are always static. Where "
    "there are fewer proposals than second_stage_batch_size, it does not fill up with padding.",
    "FasterRcnn.use_static_shapes": _SHAPES,
    "FasterRcnn.use_static_shapes_for_eval": _SHAPES,
    "FasterRcnn.use_partitioned_nms_in_first_stage": _FAST_PATH,
    "FasterRcnn.resize_masks": "Masks are always resized with their image.",
    "FasterRcnn.return_raw_detections_during_predict": "Exports always contain the raw boxes and "
    "scores.",
    "Ssd.implicit_example_weight": "It only counts with use_confidences_as_targets.",
    "ArgMaxMatcher.use_matmul_gather": _FAST_PATH,
    "BipartiteMatcher.use_matmul_gather": _FAST_PATH,
    "Hyperparams.regularize_depthwise": "The original did not read it under TensorFlow 2 either; "
    "depthwise kernels are regularised where its layers did so.",
    "WeightedL2LocalizationLoss.anchorwise_output": _ANCHORWISE,
    "WeightedSmoothL1LocalizationLoss.anchorwise_output": _ANCHORWISE,
    "WeightedSigmoidClassificationLoss.anchorwise_output": _ANCHORWISE,
    "SigmoidFocalClassificationLoss.anchorwise_output": _ANCHORWISE,
    "WeightedSoftmaxClassificationLoss.anchorwise_output": _ANCHORWISE,
    "WeightedSoftmaxClassificationAgainstLogitsLoss.anchorwise_output": _ANCHORWISE,
    "BootstrappedSigmoidClassificationLoss.anchorwise_output": _ANCHORWISE,
    "Loss.equalization_loss": _NO_EQUALIZATION,
    "Loss.EqualizationLoss.*": _NO_EQUALIZATION,
    "XYPairs.training_data_type": "It only says what the points were made from.",
    "FlexibleGridAnchorGenerator.normalize_coordinates": "Anchors are in pixels of the model's "
    "input throughout; boxes come out the same.",
    "BatchNonMaxSuppression.use_static_shapes": _SHAPES,
    "BatchNonMaxSuppression.use_partitioned_nms": _FAST_PATH,
    "BatchNonMaxSuppression.change_coordinate_frame": "Boxes are always given relative to the "
    "image, never to the padding around it.",
    "BatchNonMaxSuppression.use_cpu_nms": "The device is chosen by the backend.",
    "TrainConfig.sync_replicas": _ONE_MACHINE,
    "TrainConfig.replicas_to_aggregate": _ONE_MACHINE,
    "TrainConfig.startup_delay_steps": _ONE_MACHINE,
    "TrainConfig.keep_checkpoint_every_n_hours": "A run keeps its best checkpoint and the newest, "
    "or with --keep-checkpoints the newest N.",
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
    "InputReader.mask_type": "How masks are stored is seen from the records.",
    "EvalConfig.eval_instance_masks": "metrics_set decides: coco_mask_metrics measures masks.",
    "EvalConfig.num_examples": "An evaluation reads the whole data set; "
    "eval_input_reader.sample_1_of_n_examples reads a part.",
    "EvalConfig.eval_interval_secs": _OTHER_PROCESS,
    "EvalConfig.max_evals": _OTHER_PROCESS,
    "EvalConfig.eval_master": _OTHER_PROCESS,
    "EvalConfig.save_graph": "There is no graph file; `detectune export RUN -o DEST` writes a "
    "model.",
    "EvalConfig.visualization_export_dir": _DRAWING,
    "EvalConfig.export_path": "`detectune evaluate RUN --json FILE` writes the metrics.",
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
    "EvalConfig.all_metrics_per_category": "`detectune evaluate RUN --json FILE` gives AP and "
    "recall per category.",
    "TargetAssigner.*": _NOT_IN_CONFIG,
}
