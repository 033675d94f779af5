"""Messages of `matcher.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder
from detectune.config.protos import argmax_matcher_pb2 as _argmax_matcher  # noqa: F401
from detectune.config.protos import bipartite_matcher_pb2 as _bipartite_matcher  # noqa: F401

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n%detectune/config/protos/matcher.proto\x12\x10detectune.protos\x1a,d'
    b'etectune/config/protos/argmax_matcher.proto\x1a/detectune/confi'
    b'g/protos/bipartite_matcher.proto"\xb7\x01\n\x07Matcher\x12H\n\x0eargmax_match'
    b'er\x18\x01 \x01(\x0b2\x1f.detectune.protos.ArgMaxMatcherH\x00R\rargmaxMatcher\x12Q'
    b'\n\x11bipartite_matcher\x18\x02 \x01(\x0b2".detectune.protos.BipartiteMatche'
    b'rH\x00R\x10bipartiteMatcherB\x0f\n\rmatcher_oneof'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.matcher_pb2", globals())
