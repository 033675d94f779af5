"""Messages of `bipartite_matcher.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n/detectune/config/protos/bipartite_matcher.proto\x12\x10detectune'
    b'.protos"E\n\x10BipartiteMatcher\x121\n\x11use_matmul_gather\x18\x06 \x01(\x08:\x05fals'
    b'eR\x0fuseMatmulGather'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.bipartite_matcher_pb2", globals())
