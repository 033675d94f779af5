from detectune.config.protos import backbone_pb2 as _backbone_pb2
from detectune.config.protos import image_resizer_pb2 as _image_resizer_pb2
from detectune.config.protos import optimizer_pb2 as _optimizer_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Rcnn(_message.Message):
    __slots__ = ("num_classes", "image_resizer", "feature_extractor", "max_proposals", "crop_size", "context", "crops_at_once", "svm", "box_regression", "score_threshold", "iou_threshold", "max_detections_per_class", "max_total_detections", "fine_tuning")
    NUM_CLASSES_FIELD_NUMBER: _ClassVar[int]
    IMAGE_RESIZER_FIELD_NUMBER: _ClassVar[int]
    FEATURE_EXTRACTOR_FIELD_NUMBER: _ClassVar[int]
    MAX_PROPOSALS_FIELD_NUMBER: _ClassVar[int]
    CROP_SIZE_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    CROPS_AT_ONCE_FIELD_NUMBER: _ClassVar[int]
    SVM_FIELD_NUMBER: _ClassVar[int]
    BOX_REGRESSION_FIELD_NUMBER: _ClassVar[int]
    SCORE_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    IOU_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    MAX_DETECTIONS_PER_CLASS_FIELD_NUMBER: _ClassVar[int]
    MAX_TOTAL_DETECTIONS_FIELD_NUMBER: _ClassVar[int]
    FINE_TUNING_FIELD_NUMBER: _ClassVar[int]
    num_classes: int
    image_resizer: _image_resizer_pb2.ImageResizer
    feature_extractor: RcnnFeatureExtractor
    max_proposals: int
    crop_size: int
    context: float
    crops_at_once: int
    svm: SupportVectorMachine
    box_regression: BoxRidge
    score_threshold: float
    iou_threshold: float
    max_detections_per_class: int
    max_total_detections: int
    fine_tuning: CropFineTuning
    def __init__(self, num_classes: _Optional[int] = ..., image_resizer: _Optional[_Union[_image_resizer_pb2.ImageResizer, _Mapping]] = ..., feature_extractor: _Optional[_Union[RcnnFeatureExtractor, _Mapping]] = ..., max_proposals: _Optional[int] = ..., crop_size: _Optional[int] = ..., context: _Optional[float] = ..., crops_at_once: _Optional[int] = ..., svm: _Optional[_Union[SupportVectorMachine, _Mapping]] = ..., box_regression: _Optional[_Union[BoxRidge, _Mapping]] = ..., score_threshold: _Optional[float] = ..., iou_threshold: _Optional[float] = ..., max_detections_per_class: _Optional[int] = ..., max_total_detections: _Optional[int] = ..., fine_tuning: _Optional[_Union[CropFineTuning, _Mapping]] = ...) -> None: ...

class CropFineTuning(_message.Message):
    __slots__ = ("num_steps", "batch_size", "positive_fraction", "positive_iou", "flip_probability", "learning_rate", "momentum", "gradient_clipping_by_norm", "freeze")
    NUM_STEPS_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    POSITIVE_FRACTION_FIELD_NUMBER: _ClassVar[int]
    POSITIVE_IOU_FIELD_NUMBER: _ClassVar[int]
    FLIP_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    MOMENTUM_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_CLIPPING_BY_NORM_FIELD_NUMBER: _ClassVar[int]
    FREEZE_FIELD_NUMBER: _ClassVar[int]
    num_steps: int
    batch_size: int
    positive_fraction: float
    positive_iou: float
    flip_probability: float
    learning_rate: _optimizer_pb2.LearningRate
    momentum: float
    gradient_clipping_by_norm: float
    freeze: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, num_steps: _Optional[int] = ..., batch_size: _Optional[int] = ..., positive_fraction: _Optional[float] = ..., positive_iou: _Optional[float] = ..., flip_probability: _Optional[float] = ..., learning_rate: _Optional[_Union[_optimizer_pb2.LearningRate, _Mapping]] = ..., momentum: _Optional[float] = ..., gradient_clipping_by_norm: _Optional[float] = ..., freeze: _Optional[_Iterable[str]] = ...) -> None: ...

class SupportVectorMachine(_message.Message):
    __slots__ = ("cost", "positive_weight", "negative_iou", "mining_rounds", "negatives_at_once")
    COST_FIELD_NUMBER: _ClassVar[int]
    POSITIVE_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    NEGATIVE_IOU_FIELD_NUMBER: _ClassVar[int]
    MINING_ROUNDS_FIELD_NUMBER: _ClassVar[int]
    NEGATIVES_AT_ONCE_FIELD_NUMBER: _ClassVar[int]
    cost: float
    positive_weight: float
    negative_iou: float
    mining_rounds: int
    negatives_at_once: int
    def __init__(self, cost: _Optional[float] = ..., positive_weight: _Optional[float] = ..., negative_iou: _Optional[float] = ..., mining_rounds: _Optional[int] = ..., negatives_at_once: _Optional[int] = ...) -> None: ...

class BoxRidge(_message.Message):
    __slots__ = ("min_iou", "ridge")
    MIN_IOU_FIELD_NUMBER: _ClassVar[int]
    RIDGE_FIELD_NUMBER: _ClassVar[int]
    min_iou: float
    ridge: float
    def __init__(self, min_iou: _Optional[float] = ..., ridge: _Optional[float] = ...) -> None: ...

class RcnnFeatureExtractor(_message.Message):
    __slots__ = ("type", "backbone")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    BACKBONE_FIELD_NUMBER: _ClassVar[int]
    type: str
    backbone: _backbone_pb2.BackboneNetwork
    def __init__(self, type: _Optional[str] = ..., backbone: _Optional[_Union[_backbone_pb2.BackboneNetwork, _Mapping]] = ...) -> None: ...
