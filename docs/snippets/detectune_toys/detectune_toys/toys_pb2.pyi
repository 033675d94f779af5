from detectune.config.protos import image_resizer_pb2 as _image_resizer_pb2
from detectune.config.protos import model_pb2 as _model_pb2
from detectune.config.protos import preprocessor_pb2 as _preprocessor_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
CELLS_FIELD_NUMBER: _ClassVar[int]
cells: _descriptor.FieldDescriptor
RANDOM_INVERT_FIELD_NUMBER: _ClassVar[int]
random_invert: _descriptor.FieldDescriptor

class Cells(_message.Message):
    __slots__ = ("num_classes", "image_resizer", "backbone", "weigh_by_certainty")
    NUM_CLASSES_FIELD_NUMBER: _ClassVar[int]
    IMAGE_RESIZER_FIELD_NUMBER: _ClassVar[int]
    BACKBONE_FIELD_NUMBER: _ClassVar[int]
    WEIGH_BY_CERTAINTY_FIELD_NUMBER: _ClassVar[int]
    num_classes: int
    image_resizer: _image_resizer_pb2.ImageResizer
    backbone: str
    weigh_by_certainty: bool
    def __init__(self, num_classes: _Optional[int] = ..., image_resizer: _Optional[_Union[_image_resizer_pb2.ImageResizer, _Mapping]] = ..., backbone: _Optional[str] = ..., weigh_by_certainty: _Optional[bool] = ...) -> None: ...

class RandomInvert(_message.Message):
    __slots__ = ("probability",)
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    probability: float
    def __init__(self, probability: _Optional[float] = ...) -> None: ...
