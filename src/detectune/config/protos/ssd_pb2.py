"""Messages of `ssd.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder
from detectune.config.protos import anchor_generator_pb2 as _anchor_generator  # noqa: F401
from detectune.config.protos import box_coder_pb2 as _box_coder  # noqa: F401
from detectune.config.protos import box_predictor_pb2 as _box_predictor  # noqa: F401
from detectune.config.protos import hyperparams_pb2 as _hyperparams  # noqa: F401
from detectune.config.protos import image_resizer_pb2 as _image_resizer  # noqa: F401
from detectune.config.protos import losses_pb2 as _losses  # noqa: F401
from detectune.config.protos import matcher_pb2 as _matcher  # noqa: F401
from detectune.config.protos import post_processing_pb2 as _post_processing  # noqa: F401
from detectune.config.protos import region_similarity_calculator_pb2 as _region_similarity_calculator  # noqa: F401
from detectune.config.protos import fpn_pb2 as _fpn  # noqa: F401

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n!detectune/config/protos/ssd.proto\x12\x10detectune.protos\x1a.detec'
    b"tune/config/protos/anchor_generator.proto\x1a'detectune/config/"
    b'protos/box_coder.proto\x1a+detectune/config/protos/box_predicto'
    b'r.proto\x1a)detectune/config/protos/hyperparams.proto\x1a+detectun'
    b'e/config/protos/image_resizer.proto\x1a$detectune/config/protos'
    b'/losses.proto\x1a%detectune/config/protos/matcher.proto\x1a-detect'
    b'une/config/protos/post_processing.proto\x1a:detectune/config/pr'
    b'otos/region_similarity_calculator.proto\x1a!detectune/config/pr'
    b'otos/fpn.proto"\xfb\x0f\n\x03Ssd\x12\x1f\n\x0bnum_classes\x18\x01 \x01(\x05R\nnumClasses\x12C\n\ri'
    b'mage_resizer\x18\x02 \x01(\x0b2\x1e.detectune.protos.ImageResizerR\x0cimageRes'
    b'izer\x12R\n\x11feature_extractor\x18\x03 \x01(\x0b2%.detectune.protos.SsdFeatur'
    b'eExtractorR\x10featureExtractor\x127\n\tbox_coder\x18\x04 \x01(\x0b2\x1a.detectune.'
    b'protos.BoxCoderR\x08boxCoder\x123\n\x07matcher\x18\x05 \x01(\x0b2\x19.detectune.proto'
    b's.MatcherR\x07matcher\x12a\n\x15similarity_calculator\x18\x06 \x01(\x0b2,.detectun'
    b'e.protos.RegionSimilarityCalculatorR\x14similarityCalculator\x12B\n'
    b'\x1aencode_background_as_zeros\x18\x0c \x01(\x08:\x05falseR\x17encodeBackgroundAs'
    b'Zeros\x125\n\x15negative_class_weight\x18\r \x01(\x02:\x011R\x13negativeClassWeight'
    b'\x12C\n\rbox_predictor\x18\x07 \x01(\x0b2\x1e.detectune.protos.BoxPredictorR\x0cbox'
    b'Predictor\x12L\n\x10anchor_generator\x18\x08 \x01(\x0b2!.detectune.protos.Ancho'
    b'rGeneratorR\x0fanchorGenerator\x12I\n\x0fpost_processing\x18\t \x01(\x0b2 .detec'
    b'tune.protos.PostProcessingR\x0epostProcessing\x12F\n\x1dnormalize_loss'
    b'_by_num_matches\x18\n \x01(\x08:\x04trueR\x19normalizeLossByNumMatches\x12I\n\x1eno'
    b'rmalize_loc_loss_by_codesize\x18\x0e \x01(\x08:\x05falseR\x1anormalizeLocLossB'
    b'yCodesize\x12*\n\x04loss\x18\x0b \x01(\x0b2\x16.detectune.protos.LossR\x04loss\x120\n\x10fre'
    b'eze_batchnorm\x18\x10 \x01(\x08:\x05falseR\x0ffreezeBatchnorm\x12?\n\x18inplace_batch'
    b'norm_update\x18\x0f \x01(\x08:\x05falseR\x16inplaceBatchnormUpdate\x126\n\x14add_back'
    b'ground_class\x18\x15 \x01(\x08:\x04trueR\x12addBackgroundClass\x12A\n\x19explicit_bac'
    b'kground_class\x18\x18 \x01(\x08:\x05falseR\x17explicitBackgroundClass\x12B\n\x1ause_c'
    b'onfidences_as_targets\x18\x16 \x01(\x08:\x05falseR\x17useConfidencesAsTargets\x12'
    b'9\n\x17implicit_example_weight\x18\x17 \x01(\x02:\x011R\x15implicitExampleWeight\x12U'
    b'\n$return_raw_detections_during_predict\x18\x1a \x01(\x08:\x05falseR returnR'
    b'awDetectionsDuringPredict\x12H\n\x10mask_head_config\x18\x19 \x01(\x0b2\x1e.detect'
    b'une.protos.Ssd.MaskHeadR\x0emaskHeadConfig\x1a\xc2\x04\n\x08MaskHead\x12#\n\x0bmask'
    b'_height\x18\x01 \x01(\x05:\x0215R\nmaskHeight\x12!\n\nmask_width\x18\x02 \x01(\x05:\x0215R\tmaskW'
    b'idth\x12=\n\x18masks_are_class_agnostic\x18\x03 \x01(\x08:\x04trueR\x15masksAreClassA'
    b'gnostic\x12@\n\x1amask_prediction_conv_depth\x18\x04 \x01(\x05:\x03256R\x17maskPredic'
    b'tionConvDepth\x12G\n\x1fmask_prediction_num_conv_layers\x18\x05 \x01(\x05:\x012R\x1bm'
    b'askPredictionNumConvLayers\x12F\n\x1cconvolve_then_upsample_masks\x18\x06'
    b' \x01(\x08:\x05falseR\x19convolveThenUpsampleMasks\x12+\n\x10mask_loss_weight\x18\x07'
    b' \x01(\x02:\x015R\x0emaskLossWeight\x125\n\x15mask_loss_sample_size\x18\x08 \x01(\x05:\x0216R\x12'
    b'maskLossSampleSize\x12H\n\x10conv_hyperparams\x18\t \x01(\x0b2\x1d.detectune.pro'
    b'tos.HyperparamsR\x0fconvHyperparams\x12.\n\x11initial_crop_size\x18\n \x01(\x05:'
    b'\x0215R\x0finitialCropSize"\x95\x06\n\x13SsdFeatureExtractor\x12\x12\n\x04type\x18\x01 \x01(\tR\x04'
    b'type\x12,\n\x10depth_multiplier\x18\x02 \x01(\x02:\x011R\x0fdepthMultiplier\x12\x1f\n\tmin_de'
    b'pth\x18\x03 \x01(\x05:\x0216R\x08minDepth\x12H\n\x10conv_hyperparams\x18\x04 \x01(\x0b2\x1d.detectun'
    b'e.protos.HyperparamsR\x0fconvHyperparams\x12c\n+override_base_featu'
    b"re_extractor_hyperparams\x18\t \x01(\x08:\x05falseR'overrideBaseFeatureEx"
    b'tractorHyperparams\x12)\n\x0fpad_to_multiple\x18\x05 \x01(\x05:\x011R\rpadToMultipl'
    b'e\x12:\n\x14batch_norm_trainable\x18\x06 \x01(\x08:\x04trueB\x02\x18\x01R\x12batchNormTrainabl'
    b'e\x127\n\x14use_explicit_padding\x18\x07 \x01(\x08:\x05falseR\x12useExplicitPadding\x12*'
    b'\n\ruse_depthwise\x18\x08 \x01(\x08:\x05falseR\x0cuseDepthwise\x12<\n\x03fpn\x18\n \x01(\x0b2(.de'
    b'tectune.protos.FeaturePyramidNetworksH\x00R\x03fpn\x12M\n\x05bifpn\x18\x13 \x01(\x0b2'
    b'5.detectune.protos.BidirectionalFeaturePyramidNetworksH\x00R\x05bi'
    b'fpn\x12X\n%replace_preprocessor_with_placeholder\x18\x0b \x01(\x08:\x05falseR"r'
    b'eplacePreprocessorWithPlaceholder\x12 \n\nnum_layers\x18\x0c \x01(\x05:\x016R\tnu'
    b'mLayersB\x17\n\x15feature_pyramid_oneof'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.ssd_pb2", globals())
