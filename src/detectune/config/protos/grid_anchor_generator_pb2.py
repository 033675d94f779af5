"""Messages of `grid_anchor_generator.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n3detectune/config/protos/grid_anchor_generator.proto\x12\x10detec'
    b'tune.protos"\xa8\x02\n\x13GridAnchorGenerator\x12\x1b\n\x06height\x18\x01 \x01(\x05:\x03256R\x06he'
    b"ight\x12\x19\n\x05width\x18\x02 \x01(\x05:\x03256R\x05width\x12'\n\rheight_stride\x18\x03 \x01(\x05:\x0216R\x0c"
    b'heightStride\x12%\n\x0cwidth_stride\x18\x04 \x01(\x05:\x0216R\x0bwidthStride\x12&\n\rheigh'
    b't_offset\x18\x05 \x01(\x05:\x010R\x0cheightOffset\x12$\n\x0cwidth_offset\x18\x06 \x01(\x05:\x010R\x0bwi'
    b'dthOffset\x12\x16\n\x06scales\x18\x07 \x03(\x02R\x06scales\x12#\n\raspect_ratios\x18\x08 \x03(\x02R\x0cas'
    b'pectRatios'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.grid_anchor_generator_pb2", globals())
