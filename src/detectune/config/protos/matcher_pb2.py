"""Messages of `matcher.proto`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder
from detectune.config.protos import argmax_matcher_pb2 as _argmax_matcher  # noqa: F401
from detectune.config.protos import bipartite_matcher_pb2 as _bipartite_matcher  # noqa: F401

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
    b'\n%detectune/config/protos/matcher.proto\x12\x10detectune.protos\x1a,d'
    b'etectune/config/protos/argmax_matcher.proto\x1a/detectune/confi'
    b'g/protos/bipartite_matcher.proto"\x8f\x02\n\x07Matcher\x12H\n\x0eargmax_match'
    b'er\x18\x01 \x01(\x0b2\x1f.detectune.protos.ArgMaxMatcherH\x00R\rargmaxMatcher\x12Q'
    b'\n\x11bipartite_matcher\x18\x02 \x01(\x0b2".detectune.protos.BipartiteMatche'
    b'rH\x00R\x10bipartiteMatcher\x12V\n\x13free_anchor_matcher\x18\xe9\x07 \x01(\x0b2#.detect'
    b'une.protos.FreeAnchorMatcherH\x00R\x11freeAnchorMatcherB\x0f\n\rmatcher'
    b'_oneof"\xd1\x01\n\x11FreeAnchorMatcher\x12\x1d\n\x08bag_size\x18\x01 \x01(\r:\x0250R\x07bagSize\x12'
    b'\x19\n\x05alpha\x18\x02 \x01(\x02:\x030.5R\x05alpha\x12\x17\n\x05gamma\x18\x03 \x01(\x02:\x012R\x05gamma\x12(\n\riou_t'
    b'hreshold\x18\x04 \x01(\x02:\x030.6R\x0ciouThreshold\x12#\n\nbox_weight\x18\x05 \x01(\x02:\x040.75R'
    b'\tboxWeight\x12\x1a\n\x05delta\x18\x06 \x01(\x02:\x040.11R\x05delta'
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "detectune.config.protos.matcher_pb2", globals())
