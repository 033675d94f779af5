"""Messages of `faster_rcnn_box_coder.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n3detectune/config/protos/faster_rcnn_box_coder.proto\x12\x10detec'
    b'tune.protos"\x98\x01\n\x12FasterRcnnBoxCoder\x12\x1b\n\x07y_scale\x18\x01 \x01(\x02:\x0210R\x06ySc'
    b'ale\x12\x1b\n\x07x_scale\x18\x02 \x01(\x02:\x0210R\x06xScale\x12$\n\x0cheight_scale\x18\x03 \x01(\x02:\x015R\x0bh'
    b'eightScale\x12"\n\x0bwidth_scale\x18\x04 \x01(\x02:\x015R\nwidthScale'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.faster_rcnn_box_coder_pb2", globals())
