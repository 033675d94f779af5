"""Messages of `box_coder.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder
from detectune.config.protos import faster_rcnn_box_coder_pb2 as _faster_rcnn_box_coder  # noqa: F401
from detectune.config.protos import keypoint_box_coder_pb2 as _keypoint_box_coder  # noqa: F401
from detectune.config.protos import mean_stddev_box_coder_pb2 as _mean_stddev_box_coder  # noqa: F401
from detectune.config.protos import square_box_coder_pb2 as _square_box_coder  # noqa: F401

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b"\n'detectune/config/protos/box_coder.proto\x12\x10detectune.protos\x1a"
    b'3detectune/config/protos/faster_rcnn_box_coder.proto\x1a0detect'
    b'une/config/protos/keypoint_box_coder.proto\x1a3detectune/config'
    b'/protos/mean_stddev_box_coder.proto\x1a.detectune/config/protos'
    b'/square_box_coder.proto"\xf5\x02\n\x08BoxCoder\x12Y\n\x15faster_rcnn_box_code'
    b'r\x18\x01 \x01(\x0b2$.detectune.protos.FasterRcnnBoxCoderH\x00R\x12fasterRcnnB'
    b'oxCoder\x12Y\n\x15mean_stddev_box_coder\x18\x02 \x01(\x0b2$.detectune.protos.Me'
    b'anStddevBoxCoderH\x00R\x12meanStddevBoxCoder\x12L\n\x10square_box_coder\x18\x03'
    b' \x01(\x0b2 .detectune.protos.SquareBoxCoderH\x00R\x0esquareBoxCoder\x12R\n\x12'
    b'keypoint_box_coder\x18\x04 \x01(\x0b2".detectune.protos.KeypointBoxCoder'
    b'H\x00R\x10keypointBoxCoderB\x11\n\x0fbox_coder_oneof'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.box_coder_pb2", globals())
