"""Messages of `flexible_grid_anchor_generator.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n<detectune/config/protos/flexible_grid_anchor_generator.pro'
    b'to\x12\x10detectune.protos"\x97\x01\n\x1bFlexibleGridAnchorGenerator\x12=\n\x0banch'
    b'or_grid\x18\x01 \x03(\x0b2\x1c.detectune.protos.AnchorGridR\nanchorGrid\x129\n\x15n'
    b'ormalize_coordinates\x18\x02 \x01(\x08:\x04trueR\x14normalizeCoordinates"\xe6\x01\n\nA'
    b'nchorGrid\x12\x1d\n\nbase_sizes\x18\x01 \x03(\x02R\tbaseSizes\x12#\n\raspect_ratios\x18\x02 '
    b'\x03(\x02R\x0caspectRatios\x12#\n\rheight_stride\x18\x03 \x01(\rR\x0cheightStride\x12!\n\x0cwi'
    b'dth_stride\x18\x04 \x01(\rR\x0bwidthStride\x12&\n\rheight_offset\x18\x05 \x01(\r:\x010R\x0chei'
    b'ghtOffset\x12$\n\x0cwidth_offset\x18\x06 \x01(\r:\x010R\x0bwidthOffset'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.flexible_grid_anchor_generator_pb2", globals())
