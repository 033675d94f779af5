"""Messages of `toys.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder
from detectune.config.protos import image_resizer_pb2 as _image_resizer  # noqa: F401
from detectune.config.protos import model_pb2 as _model  # noqa: F401
from detectune.config.protos import preprocessor_pb2 as _preprocessor  # noqa: F401

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n\x19detectune_toys/toys.proto\x12\x0edetectune_toys\x1a+detectune/confi'
    b'g/protos/image_resizer.proto\x1a#detectune/config/protos/model.'
    b'proto\x1a*detectune/config/protos/preprocessor.proto"\xbf\x01\n\x05Cells\x12'
    b'\x1f\n\x0bnum_classes\x18\x01 \x01(\x05R\nnumClasses\x12C\n\rimage_resizer\x18\x02 \x01(\x0b2\x1e.de'
    b'tectune.protos.ImageResizerR\x0cimageResizer\x12"\n\x08backbone\x18\x03 \x01(\t:'
    b'\x06blocksR\x08backbone\x12,\n\x12weigh_by_certainty\x18\x04 \x01(\x08R\x10weighByCertai'
    b'nty"5\n\x0cRandomInvert\x12%\n\x0bprobability\x18\x01 \x01(\x02:\x030.5R\x0bprobability:N'
    b'\n\x05cells\x12 .detectune.protos.DetectionModel\x18\xd1\x0f \x01(\x0b2\x15.detectune'
    b'_toys.CellsR\x05cells:g\n\rrandom_invert\x12#.detectune.protos.Prepr'
    b'ocessingStep\x18\xd1\x0f \x01(\x0b2\x1c.detectune_toys.RandomInvertR\x0crandomInv'
    b'ert'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune_toys.toys_pb2", globals())
