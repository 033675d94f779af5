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
from detectune.config.protos import backbone_pb2 as _backbone  # noqa: F401
from detectune.config.protos import fpn_pb2 as _fpn  # noqa: F401

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n!detectune/config/protos/ssd.proto\x12\x10detectune.protos\x1a.detec'
    b"tune/config/protos/anchor_generator.proto\x1a'detectune/config/"
    b'protos/box_coder.proto\x1a+detectune/config/protos/box_predicto'
    b'r.proto\x1a)detectune/config/protos/hyperparams.proto\x1a+detectun'
    b'e/config/protos/image_resizer.proto\x1a$detectune/config/protos'
    b'/losses.proto\x1a%detectune/config/protos/matcher.proto\x1a-detect'
    b'une/config/protos/post_processing.proto\x1a:detectune/config/pr'
    b'otos/region_similarity_calculator.proto\x1a&detectune/config/pr'
    b'otos/backbone.proto\x1a!detectune/config/protos/fpn.proto"\xfb\x0f\n\x03S'
    b'sd\x12\x1f\n\x0bnum_classes\x18\x01 \x01(\x05R\nnumClasses\x12C\n\rimage_resizer\x18\x02 \x01(\x0b2\x1e'
    b'.detectune.protos.ImageResizerR\x0cimageResizer\x12R\n\x11feature_extr'
    b'actor\x18\x03 \x01(\x0b2%.detectune.protos.SsdFeatureExtractorR\x10featureE'
    b'xtractor\x127\n\tbox_coder\x18\x04 \x01(\x0b2\x1a.detectune.protos.BoxCoderR\x08box'
    b'Coder\x123\n\x07matcher\x18\x05 \x01(\x0b2\x19.detectune.protos.MatcherR\x07matcher\x12a'
    b'\n\x15similarity_calculator\x18\x06 \x01(\x0b2,.detectune.protos.RegionSimil'
    b'arityCalculatorR\x14similarityCalculator\x12B\n\x1aencode_background_a'
    b's_zeros\x18\x0c \x01(\x08:\x05falseR\x17encodeBackgroundAsZeros\x125\n\x15negative_cl'
    b'ass_weight\x18\r \x01(\x02:\x011R\x13negativeClassWeight\x12C\n\rbox_predictor\x18\x07 '
    b'\x01(\x0b2\x1e.detectune.protos.BoxPredictorR\x0cboxPredictor\x12L\n\x10anchor_'
    b'generator\x18\x08 \x01(\x0b2!.detectune.protos.AnchorGeneratorR\x0fanchorGe'
    b'nerator\x12I\n\x0fpost_processing\x18\t \x01(\x0b2 .detectune.protos.PostProc'
    b'essingR\x0epostProcessing\x12F\n\x1dnormalize_loss_by_num_matches\x18\n \x01('
    b'\x08:\x04trueR\x19normalizeLossByNumMatches\x12I\n\x1enormalize_loc_loss_by_'
    b'codesize\x18\x0e \x01(\x08:\x05falseR\x1anormalizeLocLossByCodesize\x12*\n\x04loss\x18\x0b '
    b'\x01(\x0b2\x16.detectune.protos.LossR\x04loss\x120\n\x10freeze_batchnorm\x18\x10 \x01(\x08:'
    b'\x05falseR\x0ffreezeBatchnorm\x12?\n\x18inplace_batchnorm_update\x18\x0f \x01(\x08:\x05f'
    b'alseR\x16inplaceBatchnormUpdate\x126\n\x14add_background_class\x18\x15 \x01(\x08:\x04'
    b'trueR\x12addBackgroundClass\x12A\n\x19explicit_background_class\x18\x18 \x01(\x08:'
    b'\x05falseR\x17explicitBackgroundClass\x12B\n\x1ause_confidences_as_target'
    b's\x18\x16 \x01(\x08:\x05falseR\x17useConfidencesAsTargets\x129\n\x17implicit_example_'
    b'weight\x18\x17 \x01(\x02:\x011R\x15implicitExampleWeight\x12U\n$return_raw_detecti'
    b'ons_during_predict\x18\x1a \x01(\x08:\x05falseR returnRawDetectionsDuringPr'
    b'edict\x12H\n\x10mask_head_config\x18\x19 \x01(\x0b2\x1e.detectune.protos.Ssd.MaskH'
    b'eadR\x0emaskHeadConfig\x1a\xc2\x04\n\x08MaskHead\x12#\n\x0bmask_height\x18\x01 \x01(\x05:\x0215R\nm'
    b'askHeight\x12!\n\nmask_width\x18\x02 \x01(\x05:\x0215R\tmaskWidth\x12=\n\x18masks_are_cl'
    b'ass_agnostic\x18\x03 \x01(\x08:\x04trueR\x15masksAreClassAgnostic\x12@\n\x1amask_pred'
    b'iction_conv_depth\x18\x04 \x01(\x05:\x03256R\x17maskPredictionConvDepth\x12G\n\x1fmas'
    b'k_prediction_num_conv_layers\x18\x05 \x01(\x05:\x012R\x1bmaskPredictionNumConv'
    b'Layers\x12F\n\x1cconvolve_then_upsample_masks\x18\x06 \x01(\x08:\x05falseR\x19convolv'
    b'eThenUpsampleMasks\x12+\n\x10mask_loss_weight\x18\x07 \x01(\x02:\x015R\x0emaskLossWei'
    b'ght\x125\n\x15mask_loss_sample_size\x18\x08 \x01(\x05:\x0216R\x12maskLossSampleSize\x12H'
    b'\n\x10conv_hyperparams\x18\t \x01(\x0b2\x1d.detectune.protos.HyperparamsR\x0fcon'
    b'vHyperparams\x12.\n\x11initial_crop_size\x18\n \x01(\x05:\x0215R\x0finitialCropSize'
    b'"\xd5\x06\n\x13SsdFeatureExtractor\x12\x12\n\x04type\x18\x01 \x01(\tR\x04type\x12,\n\x10depth_multip'
    b'lier\x18\x02 \x01(\x02:\x011R\x0fdepthMultiplier\x12\x1f\n\tmin_depth\x18\x03 \x01(\x05:\x0216R\x08minDe'
    b'pth\x12H\n\x10conv_hyperparams\x18\x04 \x01(\x0b2\x1d.detectune.protos.Hyperparams'
    b'R\x0fconvHyperparams\x12c\n+override_base_feature_extractor_hyperpa'
    b"rams\x18\t \x01(\x08:\x05falseR'overrideBaseFeatureExtractorHyperparams\x12)"
    b'\n\x0fpad_to_multiple\x18\x05 \x01(\x05:\x011R\rpadToMultiple\x12:\n\x14batch_norm_trai'
    b'nable\x18\x06 \x01(\x08:\x04trueB\x02\x18\x01R\x12batchNormTrainable\x127\n\x14use_explicit_pa'
    b'dding\x18\x07 \x01(\x08:\x05falseR\x12useExplicitPadding\x12*\n\ruse_depthwise\x18\x08 \x01('
    b'\x08:\x05falseR\x0cuseDepthwise\x12<\n\x03fpn\x18\n \x01(\x0b2(.detectune.protos.Featu'
    b'rePyramidNetworksH\x00R\x03fpn\x12M\n\x05bifpn\x18\x13 \x01(\x0b25.detectune.protos.B'
    b'idirectionalFeaturePyramidNetworksH\x00R\x05bifpn\x12X\n%replace_prepr'
    b'ocessor_with_placeholder\x18\x0b \x01(\x08:\x05falseR"replacePreprocessorWi'
    b'thPlaceholder\x12 \n\nnum_layers\x18\x0c \x01(\x05:\x016R\tnumLayers\x12>\n\x08backbone\x18'
    b'\xe9\x07 \x01(\x0b2!.detectune.protos.BackboneNetworkR\x08backboneB\x17\n\x15featu'
    b're_pyramid_oneof'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.ssd_pb2", globals())
