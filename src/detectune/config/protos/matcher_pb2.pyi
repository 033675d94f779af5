from detectune.config.protos import argmax_matcher_pb2 as _argmax_matcher_pb2
from detectune.config.protos import bipartite_matcher_pb2 as _bipartite_matcher_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Matcher(_message.Message):
    __slots__ = ("argmax_matcher", "bipartite_matcher", "free_anchor_matcher")
    ARGMAX_MATCHER_FIELD_NUMBER: _ClassVar[int]
    BIPARTITE_MATCHER_FIELD_NUMBER: _ClassVar[int]
    FREE_ANCHOR_MATCHER_FIELD_NUMBER: _ClassVar[int]
    argmax_matcher: _argmax_matcher_pb2.ArgMaxMatcher
    bipartite_matcher: _bipartite_matcher_pb2.BipartiteMatcher
    free_anchor_matcher: FreeAnchorMatcher
    def __init__(self, argmax_matcher: _Optional[_Union[_argmax_matcher_pb2.ArgMaxMatcher, _Mapping]] = ..., bipartite_matcher: _Optional[_Union[_bipartite_matcher_pb2.BipartiteMatcher, _Mapping]] = ..., free_anchor_matcher: _Optional[_Union[FreeAnchorMatcher, _Mapping]] = ...) -> None: ...

class FreeAnchorMatcher(_message.Message):
    __slots__ = ("bag_size", "alpha", "gamma", "iou_threshold", "box_weight", "delta")
    BAG_SIZE_FIELD_NUMBER: _ClassVar[int]
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    GAMMA_FIELD_NUMBER: _ClassVar[int]
    IOU_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    BOX_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    bag_size: int
    alpha: float
    gamma: float
    iou_threshold: float
    box_weight: float
    delta: float
    def __init__(self, bag_size: _Optional[int] = ..., alpha: _Optional[float] = ..., gamma: _Optional[float] = ..., iou_threshold: _Optional[float] = ..., box_weight: _Optional[float] = ..., delta: _Optional[float] = ...) -> None: ...
