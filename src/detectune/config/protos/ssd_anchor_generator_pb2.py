"""Messages of `ssd_anchor_generator.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n2detectune/config/protos/ssd_anchor_generator.proto\x12\x10detect'
    b'une.protos"\xb8\x04\n\x12SsdAnchorGenerator\x12 \n\nnum_layers\x18\x01 \x01(\x05:\x016R\tnu'
    b'mLayers\x12 \n\tmin_scale\x18\x02 \x01(\x02:\x030.2R\x08minScale\x12!\n\tmax_scale\x18\x03 \x01(\x02'
    b':\x040.95R\x08maxScale\x12\x16\n\x06scales\x18\x0c \x03(\x02R\x06scales\x12#\n\raspect_ratios\x18\x04 '
    b'\x03(\x02R\x0caspectRatios\x12H\n\x1finterpolated_scale_aspect_ratio\x18\r \x01(\x02:\x01'
    b'1R\x1cinterpolatedScaleAspectRatio\x12D\n\x1creduce_boxes_in_lowest_la'
    b'yer\x18\x05 \x01(\x08:\x04trueR\x18reduceBoxesInLowestLayer\x12/\n\x12base_anchor_hei'
    b'ght\x18\x06 \x01(\x02:\x011R\x10baseAnchorHeight\x12-\n\x11base_anchor_width\x18\x07 \x01(\x02:\x011'
    b'R\x0fbaseAnchorWidth\x12#\n\rheight_stride\x18\x08 \x03(\x05R\x0cheightStride\x12!\n\x0cwi'
    b'dth_stride\x18\t \x03(\x05R\x0bwidthStride\x12#\n\rheight_offset\x18\n \x03(\x05R\x0cheight'
    b'Offset\x12!\n\x0cwidth_offset\x18\x0b \x03(\x05R\x0bwidthOffset'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.ssd_anchor_generator_pb2", globals())
