"""Messages of `eval.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n"detectune/config/protos/eval.proto\x12\x10detectune.protos"\x91\x10\n\nE'
    b'valConfig\x12 \n\nbatch_size\x18\x19 \x01(\r:\x011R\tbatchSize\x121\n\x12num_visualiza'
    b'tions\x18\x01 \x01(\r:\x0210R\x11numVisualizations\x12+\n\x0cnum_examples\x18\x02 \x01(\r:\x0450'
    b'00B\x02\x18\x01R\x0bnumExamples\x121\n\x12eval_interval_secs\x18\x03 \x01(\r:\x03300R\x10evalIn'
    b'tervalSecs\x12"\n\tmax_evals\x18\x04 \x01(\r:\x010B\x02\x18\x01R\x08maxEvals\x12$\n\nsave_graph'
    b'\x18\x05 \x01(\x08:\x05falseR\tsaveGraph\x12:\n\x18visualization_export_dir\x18\x06 \x01(\t:\x00'
    b'R\x16visualizationExportDir\x12!\n\x0beval_master\x18\x07 \x01(\t:\x00R\nevalMaster\x12'
    b'\x1f\n\x0bmetrics_set\x18\x08 \x03(\tR\nmetricsSet\x12X\n\x14parameterized_metric\x18\x1f \x03'
    b'(\x0b2%.detectune.protos.ParameterizedMetricR\x13parameterizedMetr'
    b'ic\x12!\n\x0bexport_path\x18\t \x01(\t:\x00R\nexportPath\x124\n\x12ignore_groundtruth\x18'
    b'\n \x01(\x08:\x05falseR\x11ignoreGroundtruth\x125\n\x13use_moving_averages\x18\x0b \x01(\x08'
    b':\x05falseR\x11useMovingAverages\x125\n\x13eval_instance_masks\x18\x0c \x01(\x08:\x05fal'
    b'seR\x11evalInstanceMasks\x123\n\x13min_score_threshold\x18\r \x01(\x02:\x030.5R\x11min'
    b'ScoreThreshold\x12>\n\x1amax_num_boxes_to_visualize\x18\x0e \x01(\x05:\x0220R\x16maxN'
    b'umBoxesToVisualize\x12&\n\x0bskip_scores\x18\x0f \x01(\x08:\x05falseR\nskipScores\x12&'
    b'\n\x0bskip_labels\x18\x10 \x01(\x08:\x05falseR\nskipLabels\x12E\n\x1bvisualize_groundtr'
    b'uth_boxes\x18\x11 \x01(\x08:\x05falseR\x19visualizeGroundtruthBoxes\x12T\n#groundt'
    b'ruth_box_visualization_color\x18\x12 \x01(\t:\x05blackR groundtruthBoxVis'
    b'ualizationColor\x12X\n&keep_image_id_for_visualization_export\x18\x13 '
    b'\x01(\x08:\x05falseR!keepImageIdForVisualizationExport\x12:\n\x16retain_orig'
    b'inal_images\x18\x17 \x01(\x08:\x04trueR\x14retainOriginalImages\x12F\n\x1cinclude_met'
    b'rics_per_category\x18\x18 \x01(\x08:\x05falseR\x19includeMetricsPerCategory\x12>\n'
    b'\x18all_metrics_per_category\x18# \x01(\x08:\x05falseR\x15allMetricsPerCategor'
    b'y\x12\\\n\x10super_categories\x18" \x03(\x0b21.detectune.protos.EvalConfig.Su'
    b'perCategoriesEntryR\x0fsuperCategories\x12/\n\x12recall_lower_bound\x18\x1a '
    b'\x01(\x02:\x010R\x10recallLowerBound\x12/\n\x12recall_upper_bound\x18\x1b \x01(\x02:\x011R\x10rec'
    b'allUpperBound\x12_\n)retain_original_image_additional_channels\x18\x1c'
    b' \x01(\x08:\x05falseR%retainOriginalImageAdditionalChannels\x12-\n\x0fforce_'
    b'no_resize\x18\x1d \x01(\x08:\x05falseR\rforceNoResize\x129\n\x16use_dummy_loss_in_e'
    b'val\x18\x1e \x01(\x08:\x05falseR\x12useDummyLossInEval\x12C\n\rkeypoint_edge\x18  \x03(\x0b2'
    b'\x1e.detectune.protos.KeypointEdgeR\x0ckeypointEdge\x12U\n$skip_predic'
    b'tions_for_unlabeled_class\x18! \x01(\x08:\x05falseR skipPredictionsForUn'
    b'labeledClass\x12?\n\x18batch_norm_recalibration\x18\xe9\x07 \x01(\x08:\x04trueR\x16batch'
    b'NormRecalibration\x127\n\x15recalibration_batches\x18\xea\x07 \x01(\r:\x010R\x14recali'
    b'brationBatches\x1aB\n\x14SuperCategoriesEntry\x12\x10\n\x03key\x18\x01 \x01(\tR\x03key\x12\x14\n\x05'
    b'value\x18\x02 \x01(\tR\x05value:\x028\x01"\x8a\x01\n\x13ParameterizedMetric\x12[\n\x15coco_keypo'
    b'int_metrics\x18\x01 \x01(\x0b2%.detectune.protos.CocoKeypointMetricsH\x00R\x13'
    b'cocoKeypointMetricsB\x16\n\x14parameterized_metric"\xfb\x01\n\x13CocoKeypoint'
    b'Metrics\x12\x1f\n\x0bclass_label\x18\x01 \x01(\tR\nclassLabel\x12y\n\x18keypoint_label_t'
    b'o_sigmas\x18\x02 \x03(\x0b2@.detectune.protos.CocoKeypointMetrics.Keypoi'
    b'ntLabelToSigmasEntryR\x15keypointLabelToSigmas\x1aH\n\x1aKeypointLabel'
    b'ToSigmasEntry\x12\x10\n\x03key\x18\x01 \x01(\tR\x03key\x12\x14\n\x05value\x18\x02 \x01(\x02R\x05value:\x028\x01"6\n'
    b'\x0cKeypointEdge\x12\x14\n\x05start\x18\x01 \x01(\x05R\x05start\x12\x10\n\x03end\x18\x02 \x01(\x05R\x03end'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.eval_pb2", globals())
