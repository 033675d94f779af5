"""Messages of `model.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder
from detectune.config.protos import center_net_pb2 as _center_net  # noqa: F401
from detectune.config.protos import faster_rcnn_pb2 as _faster_rcnn  # noqa: F401
from detectune.config.protos import ssd_pb2 as _ssd  # noqa: F401

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n#detectune/config/protos/model.proto\x12\x10detectune.protos\x1a(det'
    b'ectune/config/protos/center_net.proto\x1a)detectune/config/prot'
    b'os/faster_rcnn.proto\x1a!detectune/config/protos/ssd.proto"\xe0\x02\n\x0e'
    b'DetectionModel\x12?\n\x0bfaster_rcnn\x18\x01 \x01(\x0b2\x1c.detectune.protos.Faste'
    b'rRcnnH\x00R\nfasterRcnn\x12)\n\x03ssd\x18\x02 \x01(\x0b2\x15.detectune.protos.SsdH\x00R\x03s'
    b'sd\x12T\n\x12experimental_model\x18\x03 \x01(\x0b2#.detectune.protos.Experiment'
    b'alModelH\x00R\x11experimentalModel\x12<\n\ncenter_net\x18\x04 \x01(\x0b2\x1b.detectune'
    b'.protos.CenterNetH\x00R\tcenterNet\x12:\n\tfast_rcnn\x18\xe9\x07 \x01(\x0b2\x1a.detectu'
    b'ne.protos.FastRcnnH\x00R\x08fastRcnn*\t\x08\xd0\x0f\x10\x80\x80\x80\x80\x02B\x07\n\x05model"\'\n\x11Experi'
    b'mentalModel\x12\x12\n\x04name\x18\x01 \x01(\tR\x04name'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.model_pb2", globals())
