"""All messages of a pipeline.config in one namespace, such as `schema.Ssd`.

Written by tools/generate_protos.py: do not edit.
"""

from detectune.config.protos.anchor_generator_pb2 import (
    AnchorGenerator,
)
from detectune.config.protos.argmax_matcher_pb2 import (
    ArgMaxMatcher,
)
from detectune.config.protos.backbone_pb2 import (
    BackboneNetwork,
)
from detectune.config.protos.bipartite_matcher_pb2 import (
    BipartiteMatcher,
)
from detectune.config.protos.box_coder_pb2 import (
    BoxCoder,
)
from detectune.config.protos.box_predictor_pb2 import (
    BoxPredictor,
    ConvolutionalBoxPredictor,
    MaskRCNNBoxPredictor,
    RfcnBoxPredictor,
    WeightSharedConvolutionalBoxPredictor,
)
from detectune.config.protos.calibration_pb2 import (
    CalibrationConfig,
    ClassIdFunctionApproximations,
    ClassIdSigmoidCalibrations,
    FunctionApproximation,
    SigmoidCalibration,
    SigmoidParameters,
    TemperatureScalingCalibration,
    TrainingDataType,
    XYPairs,
)
from detectune.config.protos.center_net_pb2 import (
    CenterNet,
    CenterNetFeatureExtractor,
)
from detectune.config.protos.eval_pb2 import (
    CocoKeypointMetrics,
    EvalConfig,
    KeypointEdge,
    ParameterizedMetric,
)
from detectune.config.protos.faster_rcnn_box_coder_pb2 import (
    FasterRcnnBoxCoder,
)
from detectune.config.protos.faster_rcnn_pb2 import (
    AttentionPosition,
    Context,
    FasterRcnn,
    FasterRcnnFeatureExtractor,
    FastRcnn,
)
from detectune.config.protos.flexible_grid_anchor_generator_pb2 import (
    AnchorGrid,
    FlexibleGridAnchorGenerator,
)
from detectune.config.protos.fpn_pb2 import (
    BidirectionalFeaturePyramidNetworks,
    FeaturePyramidNetworks,
)
from detectune.config.protos.graph_rewriter_pb2 import (
    GraphRewriter,
    Quantization,
)
from detectune.config.protos.grid_anchor_generator_pb2 import (
    GridAnchorGenerator,
)
from detectune.config.protos.hyperparams_pb2 import (
    BatchNorm,
    GroupNorm,
    Hyperparams,
    Initializer,
    L1Regularizer,
    L2Regularizer,
    RandomNormalInitializer,
    Regularizer,
    TruncatedNormalInitializer,
    VarianceScalingInitializer,
)
from detectune.config.protos.image_resizer_pb2 import (
    ConditionalShapeResizer,
    FixedShapeResizer,
    IdentityResizer,
    ImageResizer,
    KeepAspectRatioResizer,
    PadToMultipleResizer,
    ResizeType,
)
from detectune.config.protos.input_reader_pb2 import (
    ExternalInputReader,
    InputReader,
    InputType,
    InstanceMaskType,
    TFRecordInputReader,
)
from detectune.config.protos.keypoint_box_coder_pb2 import (
    KeypointBoxCoder,
)
from detectune.config.protos.losses_pb2 import (
    BootstrappedSigmoidClassificationLoss,
    ClassificationLoss,
    HardExampleMiner,
    L1LocalizationLoss,
    LocalizationLoss,
    Loss,
    PenaltyReducedLogisticFocalLoss,
    RandomExampleSampler,
    SigmoidFocalClassificationLoss,
    WeightedDiceClassificationLoss,
    WeightedGIOULocalizationLoss,
    WeightedIOULocalizationLoss,
    WeightedL2LocalizationLoss,
    WeightedSigmoidClassificationLoss,
    WeightedSmoothL1LocalizationLoss,
    WeightedSoftmaxClassificationAgainstLogitsLoss,
    WeightedSoftmaxClassificationLoss,
)
from detectune.config.protos.matcher_pb2 import (
    FreeAnchorMatcher,
    Matcher,
)
from detectune.config.protos.mean_stddev_box_coder_pb2 import (
    MeanStddevBoxCoder,
)
from detectune.config.protos.model_pb2 import (
    DetectionModel,
    ExperimentalModel,
)
from detectune.config.protos.multiscale_anchor_generator_pb2 import (
    MultiscaleAnchorGenerator,
)
from detectune.config.protos.optimizer_pb2 import (
    AdamOptimizer,
    ConstantLearningRate,
    CosineDecayLearningRate,
    ExponentialDecayLearningRate,
    LearningRate,
    ManualStepLearningRate,
    MomentumOptimizer,
    Optimizer,
    RMSPropOptimizer,
)
from detectune.config.protos.pipeline_pb2 import (
    TrainEvalPipelineConfig,
)
from detectune.config.protos.post_processing_pb2 import (
    BatchNonMaxSuppression,
    PostProcessing,
)
from detectune.config.protos.preprocessor_pb2 import (
    AdjustGamma,
    AutoAugmentImage,
    ConvertClassLogitsToSoftmax,
    DropLabelProbabilistically,
    NormalizeImage,
    PreprocessingStep,
    RandomAbsolutePadImage,
    RandomAdjustBrightness,
    RandomAdjustContrast,
    RandomAdjustHue,
    RandomAdjustSaturation,
    RandomBlackPatches,
    RandomCropImage,
    RandomCropPadImage,
    RandomCropToAspectRatio,
    RandomDistortColor,
    RandomDownscaleToTargetPixels,
    RandomHorizontalFlip,
    RandomImageScale,
    RandomJitterBoxes,
    RandomJpegQuality,
    RandomPadImage,
    RandomPatchGaussian,
    RandomPixelValueScale,
    RandomResizeMethod,
    RandomRGBtoGray,
    RandomRotation90,
    RandomScaleCropAndPadToSquare,
    RandomSelfConcatImage,
    RandomSquareCropByScale,
    RandomVerticalFlip,
    RemapLabels,
    ResizeImage,
    RGBtoGray,
    ScaleBoxesToPixelCoordinates,
    SSDRandomCrop,
    SSDRandomCropFixedAspectRatio,
    SSDRandomCropFixedAspectRatioOperation,
    SSDRandomCropOperation,
    SSDRandomCropPad,
    SSDRandomCropPadFixedAspectRatio,
    SSDRandomCropPadFixedAspectRatioOperation,
    SSDRandomCropPadOperation,
    SubtractChannelMean,
)
from detectune.config.protos.rcnn_pb2 import (
    BoxRidge,
    Rcnn,
    RcnnFeatureExtractor,
    SupportVectorMachine,
)
from detectune.config.protos.region_similarity_calculator_pb2 import (
    IoaSimilarity,
    IouSimilarity,
    NegSqDistSimilarity,
    RegionSimilarityCalculator,
    ThresholdedIouSimilarity,
)
from detectune.config.protos.square_box_coder_pb2 import (
    SquareBoxCoder,
)
from detectune.config.protos.ssd_anchor_generator_pb2 import (
    SsdAnchorGenerator,
)
from detectune.config.protos.ssd_pb2 import (
    Ssd,
    SsdFeatureExtractor,
)
from detectune.config.protos.string_int_label_map_pb2 import (
    LVISFrequency,
    StringIntLabelMap,
    StringIntLabelMapItem,
)
from detectune.config.protos.target_assigner_pb2 import (
    TargetAssigner,
)
from detectune.config.protos.train_pb2 import (
    CheckpointVersion,
    FeatureCache,
    LearningRateFactors,
    TrainConfig,
    Unfreezing,
)

__all__ = [
    "AdamOptimizer",
    "AdjustGamma",
    "AnchorGenerator",
    "AnchorGrid",
    "ArgMaxMatcher",
    "AttentionPosition",
    "AutoAugmentImage",
    "BackboneNetwork",
    "BatchNonMaxSuppression",
    "BatchNorm",
    "BidirectionalFeaturePyramidNetworks",
    "BipartiteMatcher",
    "BootstrappedSigmoidClassificationLoss",
    "BoxCoder",
    "BoxPredictor",
    "BoxRidge",
    "CalibrationConfig",
    "CenterNet",
    "CenterNetFeatureExtractor",
    "CheckpointVersion",
    "ClassIdFunctionApproximations",
    "ClassIdSigmoidCalibrations",
    "ClassificationLoss",
    "CocoKeypointMetrics",
    "ConditionalShapeResizer",
    "ConstantLearningRate",
    "Context",
    "ConvertClassLogitsToSoftmax",
    "ConvolutionalBoxPredictor",
    "CosineDecayLearningRate",
    "DetectionModel",
    "DropLabelProbabilistically",
    "EvalConfig",
    "ExperimentalModel",
    "ExponentialDecayLearningRate",
    "ExternalInputReader",
    "FastRcnn",
    "FasterRcnn",
    "FasterRcnnBoxCoder",
    "FasterRcnnFeatureExtractor",
    "FeatureCache",
    "FeaturePyramidNetworks",
    "FixedShapeResizer",
    "FlexibleGridAnchorGenerator",
    "FreeAnchorMatcher",
    "FunctionApproximation",
    "GraphRewriter",
    "GridAnchorGenerator",
    "GroupNorm",
    "HardExampleMiner",
    "Hyperparams",
    "IdentityResizer",
    "ImageResizer",
    "Initializer",
    "InputReader",
    "InputType",
    "InstanceMaskType",
    "IoaSimilarity",
    "IouSimilarity",
    "KeepAspectRatioResizer",
    "KeypointBoxCoder",
    "KeypointEdge",
    "L1LocalizationLoss",
    "L1Regularizer",
    "L2Regularizer",
    "LVISFrequency",
    "LearningRate",
    "LearningRateFactors",
    "LocalizationLoss",
    "Loss",
    "ManualStepLearningRate",
    "MaskRCNNBoxPredictor",
    "Matcher",
    "MeanStddevBoxCoder",
    "MomentumOptimizer",
    "MultiscaleAnchorGenerator",
    "NegSqDistSimilarity",
    "NormalizeImage",
    "Optimizer",
    "PadToMultipleResizer",
    "ParameterizedMetric",
    "PenaltyReducedLogisticFocalLoss",
    "PostProcessing",
    "PreprocessingStep",
    "Quantization",
    "RGBtoGray",
    "RMSPropOptimizer",
    "RandomAbsolutePadImage",
    "RandomAdjustBrightness",
    "RandomAdjustContrast",
    "RandomAdjustHue",
    "RandomAdjustSaturation",
    "RandomBlackPatches",
    "RandomCropImage",
    "RandomCropPadImage",
    "RandomCropToAspectRatio",
    "RandomDistortColor",
    "RandomDownscaleToTargetPixels",
    "RandomExampleSampler",
    "RandomHorizontalFlip",
    "RandomImageScale",
    "RandomJitterBoxes",
    "RandomJpegQuality",
    "RandomNormalInitializer",
    "RandomPadImage",
    "RandomPatchGaussian",
    "RandomPixelValueScale",
    "RandomRGBtoGray",
    "RandomResizeMethod",
    "RandomRotation90",
    "RandomScaleCropAndPadToSquare",
    "RandomSelfConcatImage",
    "RandomSquareCropByScale",
    "RandomVerticalFlip",
    "Rcnn",
    "RcnnFeatureExtractor",
    "RegionSimilarityCalculator",
    "Regularizer",
    "RemapLabels",
    "ResizeImage",
    "ResizeType",
    "RfcnBoxPredictor",
    "SSDRandomCrop",
    "SSDRandomCropFixedAspectRatio",
    "SSDRandomCropFixedAspectRatioOperation",
    "SSDRandomCropOperation",
    "SSDRandomCropPad",
    "SSDRandomCropPadFixedAspectRatio",
    "SSDRandomCropPadFixedAspectRatioOperation",
    "SSDRandomCropPadOperation",
    "ScaleBoxesToPixelCoordinates",
    "SigmoidCalibration",
    "SigmoidFocalClassificationLoss",
    "SigmoidParameters",
    "SquareBoxCoder",
    "Ssd",
    "SsdAnchorGenerator",
    "SsdFeatureExtractor",
    "StringIntLabelMap",
    "StringIntLabelMapItem",
    "SubtractChannelMean",
    "SupportVectorMachine",
    "TFRecordInputReader",
    "TargetAssigner",
    "TemperatureScalingCalibration",
    "ThresholdedIouSimilarity",
    "TrainConfig",
    "TrainEvalPipelineConfig",
    "TrainingDataType",
    "TruncatedNormalInitializer",
    "Unfreezing",
    "VarianceScalingInitializer",
    "WeightSharedConvolutionalBoxPredictor",
    "WeightedDiceClassificationLoss",
    "WeightedGIOULocalizationLoss",
    "WeightedIOULocalizationLoss",
    "WeightedL2LocalizationLoss",
    "WeightedSigmoidClassificationLoss",
    "WeightedSmoothL1LocalizationLoss",
    "WeightedSoftmaxClassificationAgainstLogitsLoss",
    "WeightedSoftmaxClassificationLoss",
    "XYPairs",
]
