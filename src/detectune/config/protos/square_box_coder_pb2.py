"""Messages of `square_box_coder.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n.detectune/config/protos/square_box_coder.proto\x12\x10detectune.'
    b'protos"p\n\x0eSquareBoxCoder\x12\x1b\n\x07y_scale\x18\x01 \x01(\x02:\x0210R\x06yScale\x12\x1b\n\x07x_s'
    b'cale\x18\x02 \x01(\x02:\x0210R\x06xScale\x12$\n\x0clength_scale\x18\x03 \x01(\x02:\x015R\x0blengthScale'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.square_box_coder_pb2", globals())
