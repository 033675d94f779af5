from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BackboneNetwork(_message.Message):
    __slots__ = ("name", "saved", "weights", "levels", "preprocessing")
    class Preprocessing(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        AUTO: _ClassVar[BackboneNetwork.Preprocessing]
        NONE: _ClassVar[BackboneNetwork.Preprocessing]
        TF: _ClassVar[BackboneNetwork.Preprocessing]
        TORCH: _ClassVar[BackboneNetwork.Preprocessing]
        CAFFE: _ClassVar[BackboneNetwork.Preprocessing]
    AUTO: BackboneNetwork.Preprocessing
    NONE: BackboneNetwork.Preprocessing
    TF: BackboneNetwork.Preprocessing
    TORCH: BackboneNetwork.Preprocessing
    CAFFE: BackboneNetwork.Preprocessing
    NAME_FIELD_NUMBER: _ClassVar[int]
    SAVED_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    PREPROCESSING_FIELD_NUMBER: _ClassVar[int]
    name: str
    saved: str
    weights: str
    levels: _containers.RepeatedScalarFieldContainer[str]
    preprocessing: BackboneNetwork.Preprocessing
    def __init__(self, name: _Optional[str] = ..., saved: _Optional[str] = ..., weights: _Optional[str] = ..., levels: _Optional[_Iterable[str]] = ..., preprocessing: _Optional[_Union[BackboneNetwork.Preprocessing, str]] = ...) -> None: ...
