"""Messages of `keypoint_box_coder.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n0detectune/config/protos/keypoint_box_coder.proto\x12\x10detectun'
    b'e.protos"\xbb\x01\n\x10KeypointBoxCoder\x12#\n\rnum_keypoints\x18\x01 \x01(\x05R\x0cnumKey'
    b'points\x12\x1b\n\x07y_scale\x18\x02 \x01(\x02:\x0210R\x06yScale\x12\x1b\n\x07x_scale\x18\x03 \x01(\x02:\x0210R\x06xS'
    b'cale\x12$\n\x0cheight_scale\x18\x04 \x01(\x02:\x015R\x0bheightScale\x12"\n\x0bwidth_scale\x18\x05 '
    b'\x01(\x02:\x015R\nwidthScale'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.keypoint_box_coder_pb2", globals())
