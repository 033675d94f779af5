"""Messages of `faster_rcnn.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder
from detectune.config.protos import anchor_generator_pb2 as _anchor_generator  # noqa: F401
from detectune.config.protos import box_predictor_pb2 as _box_predictor  # noqa: F401
from detectune.config.protos import hyperparams_pb2 as _hyperparams  # noqa: F401
from detectune.config.protos import image_resizer_pb2 as _image_resizer  # noqa: F401
from detectune.config.protos import losses_pb2 as _losses  # noqa: F401
from detectune.config.protos import post_processing_pb2 as _post_processing  # noqa: F401
from detectune.config.protos import fpn_pb2 as _fpn  # noqa: F401

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n)detectune/config/protos/faster_rcnn.proto\x12\x10detectune.proto'
    b's\x1a.detectune/config/protos/anchor_generator.proto\x1a+detectune'
    b'/config/protos/box_predictor.proto\x1a)detectune/config/protos/'
    b'hyperparams.proto\x1a+detectune/config/protos/image_resizer.pro'
    b'to\x1a$detectune/config/protos/losses.proto\x1a-detectune/config/p'
    b'rotos/post_processing.proto\x1a!detectune/config/protos/fpn.pro'
    b'to"\x82\x18\n\nFasterRcnn\x12+\n\x10number_of_stages\x18\x01 \x01(\x05:\x012R\x0enumberOfStag'
    b'es\x12\x1f\n\x0bnum_classes\x18\x03 \x01(\x05R\nnumClasses\x12C\n\rimage_resizer\x18\x04 \x01(\x0b2\x1e'
    b'.detectune.protos.ImageResizerR\x0cimageResizer\x12Y\n\x11feature_extr'
    b'actor\x18\x05 \x01(\x0b2,.detectune.protos.FasterRcnnFeatureExtractorR\x10f'
    b'eatureExtractor\x12b\n\x1cfirst_stage_anchor_generator\x18\x06 \x01(\x0b2!.dete'
    b'ctune.protos.AnchorGeneratorR\x19firstStageAnchorGenerator\x128\n\x17f'
    b'irst_stage_atrous_rate\x18\x07 \x01(\x05:\x011R\x14firstStageAtrousRate\x12x\n*fir'
    b'st_stage_box_predictor_conv_hyperparams\x18\x08 \x01(\x0b2\x1d.detectune.pr'
    b'otos.HyperparamsR%firstStageBoxPredictorConvHyperparams\x12R\n%f'
    b'irst_stage_box_predictor_kernel_size\x18\t \x01(\x05:\x013R firstStageBox'
    b'PredictorKernelSize\x12I\n\x1ffirst_stage_box_predictor_depth\x18\n \x01(\x05'
    b':\x03512R\x1bfirstStageBoxPredictorDepth\x12@\n\x1afirst_stage_minibatch_'
    b'size\x18\x0b \x01(\x05:\x03256R\x17firstStageMinibatchSize\x12U\n%first_stage_posi'
    b'tive_balance_fraction\x18\x0c \x01(\x02:\x030.5R!firstStagePositiveBalanceF'
    b'raction\x12G\n\x1ffirst_stage_nms_score_threshold\x18\r \x01(\x02:\x010R\x1bfirstSt'
    b'ageNmsScoreThreshold\x12E\n\x1dfirst_stage_nms_iou_threshold\x18\x0e \x01(\x02:'
    b'\x030.7R\x19firstStageNmsIouThreshold\x12>\n\x19first_stage_max_proposals'
    b'\x18\x0f \x01(\x05:\x03300R\x16firstStageMaxProposals\x12Q\n$first_stage_localizat'
    b'ion_loss_weight\x18\x10 \x01(\x02:\x011R firstStageLocalizationLossWeight\x12M'
    b'\n"first_stage_objectness_loss_weight\x18\x11 \x01(\x02:\x011R\x1efirstStageObj'
    b'ectnessLossWeight\x12*\n\x11initial_crop_size\x18\x12 \x01(\x05R\x0finitialCropSiz'
    b'e\x12.\n\x13maxpool_kernel_size\x18\x13 \x01(\x05R\x11maxpoolKernelSize\x12%\n\x0emaxpool'
    b'_stride\x18\x14 \x01(\x05R\rmaxpoolStride\x12[\n\x1asecond_stage_box_predictor\x18\x15'
    b' \x01(\x0b2\x1e.detectune.protos.BoxPredictorR\x17secondStageBoxPredicto'
    b'r\x129\n\x17second_stage_batch_size\x18\x16 \x01(\x05:\x0264R\x14secondStageBatchSize'
    b'\x12G\n\x1dsecond_stage_balance_fraction\x18\x17 \x01(\x02:\x040.25R\x1asecondStageBa'
    b'lanceFraction\x12a\n\x1csecond_stage_post_processing\x18\x18 \x01(\x0b2 .detect'
    b'une.protos.PostProcessingR\x19secondStagePostProcessing\x12S\n%seco'
    b'nd_stage_localization_loss_weight\x18\x19 \x01(\x02:\x011R!secondStageLocal'
    b"izationLossWeight\x12W\n'second_stage_classification_loss_weight"
    b'\x18\x1a \x01(\x02:\x011R#secondStageClassificationLossWeight\x12X\n(second_sta'
    b'ge_mask_prediction_loss_weight\x18\x1b \x01(\x02:\x011R#secondStageMaskPred'
    b'ictionLossWeight\x12P\n\x12hard_example_miner\x18\x1c \x01(\x0b2".detectune.pro'
    b'tos.HardExampleMinerR\x10hardExampleMiner\x12m\n second_stage_class'
    b'ification_loss\x18\x1d \x01(\x0b2$.detectune.protos.ClassificationLossR\x1d'
    b'secondStageClassificationLoss\x12?\n\x18inplace_batchnorm_update\x18\x1e '
    b'\x01(\x08:\x05falseR\x16inplaceBatchnormUpdate\x12A\n\x1ause_matmul_crop_and_re'
    b'size\x18\x1f \x01(\x08:\x05falseR\x16useMatmulCropAndResize\x128\n\x15clip_anchors_to'
    b'_image\x18  \x01(\x08:\x05falseR\x12clipAnchorsToImage\x12E\n\x1cuse_matmul_gather'
    b'_in_matcher\x18! \x01(\x08:\x05falseR\x18useMatmulGatherInMatcher\x12O\n!use_st'
    b'atic_balanced_label_sampler\x18" \x01(\x08:\x05falseR\x1duseStaticBalancedL'
    b'abelSampler\x121\n\x11use_static_shapes\x18# \x01(\x08:\x05falseR\x0fuseStaticShap'
    b"es\x12'\n\x0cresize_masks\x18$ \x01(\x08:\x04trueR\x0bresizeMasks\x12A\n\x1ause_static_sh"
    b'apes_for_eval\x18% \x01(\x08:\x05falseR\x16useStaticShapesForEval\x12O\n"use_pa'
    b'rtitioned_nms_in_first_stage\x18& \x01(\x08:\x04trueR\x1dusePartitionedNmsI'
    b"nFirstStage\x12U\n$return_raw_detections_during_predict\x18' \x01(\x08:\x05f"
    b'alseR returnRawDetectionsDuringPredict\x12J\n\x1fuse_combined_nms_i'
    b'n_first_stage\x18( \x01(\x08:\x05falseR\x1auseCombinedNmsInFirstStage\x12@\n\x19ou'
    b'tput_final_box_features\x18* \x01(\x08:\x05falseR\x16outputFinalBoxFeatures'
    b'\x12G\n\x1doutput_final_box_rpn_features\x18+ \x01(\x08:\x05falseR\x19outputFinalB'
    b'oxRpnFeatures\x12@\n\x0econtext_config\x18) \x01(\x0b2\x19.detectune.protos.Con'
    b'textR\rcontextConfig"\x92\x05\n\x07Context\x12=\n\x18max_num_context_features\x18'
    b'\x01 \x01(\x05:\x042000R\x15maxNumContextFeatures\x12J\n\x1eattention_bottleneck_d'
    b'imension\x18\x02 \x01(\x05:\x042048R\x1cattentionBottleneckDimension\x129\n\x15attent'
    b'ion_temperature\x18\x03 \x01(\x02:\x040.01R\x14attentionTemperature\x12:\n\x16context'
    b'_feature_length\x18\x04 \x01(\x05:\x042057R\x14contextFeatureLength\x123\n\x12use_sel'
    b'f_attention\x18\x06 \x01(\x08:\x05falseR\x10useSelfAttention\x12;\n\x17use_long_term_'
    b'attention\x18\x07 \x01(\x08:\x04trueR\x14useLongTermAttention\x12B\n\x1aself_attentio'
    b'n_in_sequence\x18\x08 \x01(\x08:\x05falseR\x17selfAttentionInSequence\x121\n\x13num_a'
    b'ttention_heads\x18\t \x01(\x05:\x011R\x11numAttentionHeads\x123\n\x14num_attention_'
    b'layers\x18\x0b \x01(\x05:\x011R\x12numAttentionLayers\x12g\n\x12attention_position\x18\n '
    b'\x01(\x0e2#.detectune.protos.AttentionPosition:\x13POST_BOX_CLASSIFIE'
    b'RR\x11attentionPosition"\xc3\x03\n\x1aFasterRcnnFeatureExtractor\x12\x12\n\x04type\x18'
    b'\x01 \x01(\tR\x04type\x12A\n\x1bfirst_stage_features_stride\x18\x02 \x01(\x05:\x0216R\x18firstS'
    b'tageFeaturesStride\x127\n\x14batch_norm_trainable\x18\x03 \x01(\x08:\x05falseR\x12bat'
    b'chNormTrainable\x12H\n\x10conv_hyperparams\x18\x04 \x01(\x0b2\x1d.detectune.protos'
    b'.HyperparamsR\x0fconvHyperparams\x12c\n+override_base_feature_extra'
    b"ctor_hyperparams\x18\x05 \x01(\x08:\x05falseR'overrideBaseFeatureExtractorH"
    b'yperparams\x12*\n\x0fpad_to_multiple\x18\x06 \x01(\x05:\x0232R\rpadToMultiple\x12:\n\x03fp'
    b'n\x18\x07 \x01(\x0b2(.detectune.protos.FeaturePyramidNetworksR\x03fpn*Q\n\x11At'
    b'tentionPosition\x12\x15\n\x11ATTENTION_DEFAULT\x10\x00\x12\x17\n\x13POST_BOX_CLASSIFIE'
    b'R\x10\x01\x12\x0c\n\x08POST_RPN\x10\x02'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.faster_rcnn_pb2", globals())
