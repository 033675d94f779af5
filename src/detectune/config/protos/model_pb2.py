"""Messages of `model.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder
from detectune.config.protos import center_net_pb2 as _center_net  # noqa: F401
from detectune.config.protos import faster_rcnn_pb2 as _faster_rcnn  # noqa: F401
from detectune.config.protos import rcnn_pb2 as _rcnn  # noqa: F401
from detectune.config.protos import ssd_pb2 as _ssd  # noqa: F401

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n#detectune/config/protos/model.proto\x12\x10detectune.protos\x1a(det'
    b'ectune/config/protos/center_net.proto\x1a)detectune/config/prot'
    b'os/faster_rcnn.proto\x1a"detectune/config/protos/rcnn.proto\x1a!de'
    b'tectune/config/protos/ssd.proto"\x8f\x03\n\x0eDetectionModel\x12?\n\x0bfaster'
    b'_rcnn\x18\x01 \x01(\x0b2\x1c.detectune.protos.FasterRcnnH\x00R\nfasterRcnn\x12)\n\x03s'
    b'sd\x18\x02 \x01(\x0b2\x15.detectune.protos.SsdH\x00R\x03ssd\x12T\n\x12experimental_model'
    b'\x18\x03 \x01(\x0b2#.detectune.protos.ExperimentalModelH\x00R\x11experimentalM'
    b'odel\x12<\n\ncenter_net\x18\x04 \x01(\x0b2\x1b.detectune.protos.CenterNetH\x00R\tcen'
    b'terNet\x12:\n\tfast_rcnn\x18\xe9\x07 \x01(\x0b2\x1a.detectune.protos.FastRcnnH\x00R\x08fa'
    b'stRcnn\x12-\n\x04rcnn\x18\xea\x07 \x01(\x0b2\x16.detectune.protos.RcnnH\x00R\x04rcnn*\t\x08\xd0\x0f\x10\x80'
    b'\x80\x80\x80\x02B\x07\n\x05model"\'\n\x11ExperimentalModel\x12\x12\n\x04name\x18\x01 \x01(\tR\x04name'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.model_pb2", globals())
