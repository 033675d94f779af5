"""Messages of `backbone.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n&detectune/config/protos/backbone.proto\x12\x10detectune.protos"\xa2'
    b'\x02\n\x0fBackboneNetwork\x12\x14\n\x04name\x18\x01 \x01(\tH\x00R\x04name\x12\x16\n\x05saved\x18\x02 \x01(\tH\x00R\x05s'
    b'aved\x12\x18\n\x07weights\x18\x03 \x01(\tR\x07weights\x12\x16\n\x06levels\x18\x04 \x03(\tR\x06levels\x12[\n\rpr'
    b'eprocessing\x18\x05 \x01(\x0e2/.detectune.protos.BackboneNetwork.Preproc'
    b'essing:\x04AUTOR\rpreprocessing"A\n\rPreprocessing\x12\x08\n\x04AUTO\x10\x00\x12\x08\n\x04NO'
    b'NE\x10\x01\x12\x06\n\x02TF\x10\x02\x12\t\n\x05TORCH\x10\x03\x12\t\n\x05CAFFE\x10\x04B\x0f\n\rnetwork_oneof'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.backbone_pb2", globals())
