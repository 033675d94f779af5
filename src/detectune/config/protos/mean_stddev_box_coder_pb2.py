"""Messages of `mean_stddev_box_coder.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n3detectune/config/protos/mean_stddev_box_coder.proto\x12\x10detec'
    b'tune.protos"2\n\x12MeanStddevBoxCoder\x12\x1c\n\x06stddev\x18\x01 \x01(\x02:\x040.01R\x06std'
    b'dev'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.mean_stddev_box_coder_pb2", globals())
