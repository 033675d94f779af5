"""Messages of `graph_rewriter.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n,detectune/config/protos/graph_rewriter.proto\x12\x10detectune.pr'
    b'otos"^\n\rGraphRewriter\x12B\n\x0cquantization\x18\x01 \x01(\x0b2\x1e.detectune.prot'
    b'os.QuantizationR\x0cquantization*\t\x08\xe8\x07\x10\x80\x80\x80\x80\x02"\xa1\x01\n\x0cQuantization\x12\x1c\n'
    b'\x05delay\x18\x01 \x01(\x05:\x06500000R\x05delay\x12"\n\x0bweight_bits\x18\x02 \x01(\x05:\x018R\nweightB'
    b'its\x12*\n\x0factivation_bits\x18\x03 \x01(\x05:\x018R\x0eactivationBits\x12#\n\tsymmetric'
    b'\x18\x04 \x01(\x08:\x05falseR\tsymmetric'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.graph_rewriter_pb2", globals())
